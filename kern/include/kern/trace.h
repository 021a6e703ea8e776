/// The per-CPU ring of events. Off, a trace point costs a compare and a branch.
#pragma once

#include <kern/cpu.h>

void trace_write(struct cpu *cpu, enum trace event, uint64_t a, uint64_t b);

/// Copies up to `max` events that were not read, oldest first; `lost`: overwritten ones since.
uint32_t trace_read(struct cpu *cpu, struct trace_event *to, uint32_t max, uint64_t *lost);

static inline void trace(struct cpu *cpu, enum trace event, uint64_t a, uint64_t b)
{
    if (unlikely(cpu->trace))
        trace_write(cpu, event, a, b);
}
