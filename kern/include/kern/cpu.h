/// What one CPU knows: who runs, who is ready, which space and FPU state are loaded, its trace.
#pragma once

#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/lock.h>
#include <kern/link.h>
#include <kern/thread.h>

/// Events that the trace ring holds.
#define TRACE_EVENTS 2048

struct cpu {
    struct arch_cpu arch;          ///< arch.frame belongs to the running thread, or to `idle`
    uint64_t ready;                ///< bit p: queue[p] is not empty
    struct phys top;               ///< loaded address space
    struct arch_fpu *fpu_open;     ///< the state that user mode can reach; null: CR0.TS is set
    struct arch_fpu *fpu_owner;    ///< whose state the FPU holds; null: nobody's
    uint64_t trace;                ///< events to record, 1 << enum trace; 0: none
    uint32_t slice;                ///< ticks that the running thread has left
    struct link queue[PRIORITIES]; ///< ready threads, first come first
    uint64_t trace_written;        ///< events since boot
    uint64_t trace_read;
    struct thread idle; ///< stands in for a running thread while there is none
    struct trace_event events[TRACE_EVENTS];
};

extern struct cpu kern_cpus[ARCH_CPUS_MAX];
/// Everything in kern/ is behind this one lock.
extern struct arch_lock kern_lock;

/// What a CPU does while it waits for the lock.
void kern_lock_wait(void);

static inline struct thread *cpu_thread(const struct cpu *cpu)
{
    return container_of(cpu->arch.frame, struct thread, frame);
}
