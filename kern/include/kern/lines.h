/// Interrupt lines: one signal capability behind each.
#pragma once

#include <kern/cpu.h>
#include <kern/slot.h>

/// irq_control. `irq` covers `line`.
must_use enum status line_control(struct slot *irq, uint32_t line, uint64_t op,
                                  struct slot *signal, uint64_t flags);

/// A line fired and is masked.
void line_fired(struct cpu *cpu, uint32_t line);

/// The Irq capability `irq` has moved to `to`: the bindings made through it go along.
void line_owner_moved(struct slot *irq, struct slot *to);

/// A signal slot that was bound through the Irq capability `irq`, or null.
struct slot *line_bound_through(const struct slot *irq);

/// The signal capability behind a line ends.
void line_signal_lost(struct slot *signal);
