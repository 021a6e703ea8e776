/// What one CPU knows: who runs, who is ready, which space and FPU state are loaded, its trace.
#pragma once

#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/kern.h>
#include <arch/lock.h>
#include <kern/link.h>
#include <kern/thread.h>

/// Events that the trace ring holds.
#define TRACE_EVENTS 2048

/// Something that only a CPU itself can do, with its TLB or its registers. Runs there without
/// the lock, while the CPU that asked holds it and waits.
typedef void cpu_work(struct cpu *cpu, uint64_t a, uint64_t b);

struct cpu {
    struct arch_cpu arch;          ///< arch.frame belongs to the running thread, or to `idle`
    uint64_t ready;                ///< bit p: queue[p] is not empty
    struct phys top;               ///< loaded address space
    struct arch_fpu *fpu_open;     ///< the state that user mode can reach; null: CR0.TS is set
    struct arch_fpu *fpu_owner;    ///< whose state the FPU holds; null: nobody's
    uint64_t trace;                ///< events to record, 1 << enum trace; 0: none
    uint64_t slice;                ///< ticks that the running thread has left; 0: it is over
    struct link queue[PRIORITIES]; ///< ready threads, first come first
    uint64_t trace_written;        ///< events since boot
    uint64_t trace_read;
    cpu_work *work; ///< the mailbox: what the holder of the lock asks for; null: nothing, done
    uint64_t work_a, work_b;
    uint64_t idle_time;  ///< TSC ticks without a running thread, up to idle_since
    uint64_t idle_since; ///< when the last one left
    struct thread idle;  ///< stands in for a running thread while there is none
    struct trace_event events[TRACE_EVENTS];
};

extern struct cpu kern_cpus[ARCH_CPUS_MAX];
/// Those that run are kern_cpus[0 .. cpu_count).
extern uint32_t cpu_count;

/// Takes the lock: nearly all of kern/ runs under it. While a CPU waits it does what the holder
/// asks for.
void cpu_lock(void);
/// What cpu_lock() does while it waits.
void cpu_wait(void);

/// Has the CPUs of a mask (1 << number; not this one) do `work`, and returns when all have.
void cpu_ask(uint32_t cpus, cpu_work *work, uint64_t a, uint64_t b);

static inline struct thread *cpu_thread(const struct cpu *cpu)
{
    return container_of(cpu->arch.frame, struct thread, frame);
}
