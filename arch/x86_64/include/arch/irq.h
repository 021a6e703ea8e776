/// Interrupt lines and the preemption tick. The lines belong to all CPUs: kern's lock is held.
///
/// Lines 0 to 15 are the ISA interrupts, wherever the ACPI tables route them; a line from 16 on
/// is the IOAPIC input (GSI) of that number. Without ACPI there are the 8259's sixteen.
/// A line that fired is silent until arch_irq_unmask(). An edge that comes meanwhile is not
/// lost: IOAPICs drop edges while they mask, so the first one is let through and remembered.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ARCH_LINES_MAX 192

/// Number of lines; also in arch_boot.irq_count.
uint32_t arch_irq_count(void);

/// Sets trigger and polarity of a line (masked at that time). For an ISA line the firmware's
/// override wins.
void arch_irq_configure(uint32_t line, bool level, bool low);

void arch_irq_mask(uint32_t line);

/// The interrupt of `line` has come: silences and acknowledges it. False: there is nothing to
/// tell, it was spurious or is remembered.
bool arch_irq_accept(uint32_t line);

/// User space has handled the line. True: it has fired again already, and is silent until the
/// next call.
bool arch_irq_unmask(uint32_t line);

/// Starts this CPU's tick: kern_timer() each `microseconds` (100 to 100,000), until stopped.
void arch_timer_start(uint32_t microseconds);
void arch_timer_stop(void);
