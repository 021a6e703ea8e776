/// The per-CPU ring of events. Off, a trace point costs a compare and a branch.
#pragma once

#include <kern/cpu.h>

/// `thread`: the one that the event is about.
void trace_write(struct cpu *cpu, const struct thread *thread, enum trace event, uint64_t a,
                 uint64_t b);

/// Forgets what was not read and records `events` (1 << enum trace) from now on.
void trace_start(struct cpu *cpu, uint32_t events);

/// Copies up to `max` events that were not read, oldest first; `lost`: overwritten ones since.
uint32_t trace_read(struct cpu *cpu, struct trace_event *to, uint32_t max, uint64_t *lost);

static inline void trace_thread(struct cpu *cpu, const struct thread *thread, enum trace event,
                                uint64_t a, uint64_t b)
{
    if (unlikely(cpu->trace))
        trace_write(cpu, thread, event, a, b);
}

/// About the running thread.
static inline void trace(struct cpu *cpu, enum trace event, uint64_t a, uint64_t b)
{
    if (unlikely(cpu->trace))
        trace_write(cpu, cpu_thread(cpu), event, a, b);
}
