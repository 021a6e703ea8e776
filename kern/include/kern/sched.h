/// Who runs next. 64 priorities, round-robin within one; IPC hands the CPU over directly.
///
/// Each CPU has queues of its own and each thread one CPU, until it is moved. `cpu` is always
/// the one that this runs on; it may change all queues, for it has the lock, but what another
/// CPU has in its registers it must ask for.
///
/// The running thread is in no queue. A slice belongs to the CPU while a thread runs: a direct
/// switch leaves it alone, so a callee runs on its caller's. When it is over, who runs goes
/// behind others of its priority; where there are none it goes on without one, and it is the
/// caller that gives way when it is answered.
#pragma once

#include <kern/cpu.h>

#define TICK_MICROSECONDS 2000
#define SLICE_TICKS       5

/// Prepares the queues of a CPU whose `idle` thread runs.
void sched_init(struct cpu *cpu);

/// Sleeps; an interrupt enters the kernel anew.
_Noreturn void sched_idle(struct cpu *cpu);

/// Makes a thread ready on its CPU, last among its priority, with a fresh slice. It is in no
/// queue. Another CPU is told if that is more important than what it does.
void sched_ready(struct cpu *cpu, struct thread *thread);

/// Takes a READY thread out of its queue.
void sched_remove(struct thread *thread);

/// The running thread gives up the rest of its slice.
void sched_yield(struct cpu *cpu);

/// A timer tick while a thread ran.
void sched_tick(struct cpu *cpu);

/// Sets the priority of any thread, wherever it is.
void sched_set_priority(struct cpu *cpu, struct thread *thread, unsigned priority);

/// The running thread waits now, and `to`, which was waiting, can go on: it gets the CPU and
/// the rest of the slice, unless a thread of higher priority is ready.
void sched_hand_over(struct cpu *cpu, struct thread *to);

/// The same for a caller that is answered when the slice that both ran on is over: others of
/// its priority come first; without any it has a new slice.
void sched_hand_late(struct cpu *cpu, struct thread *to);

/// `to`, which was waiting, can go on: at once if it is more important than the running thread,
/// which then is the first to follow. The caller does nothing more for the running thread.
void sched_wake(struct cpu *cpu, struct thread *to);

/// Takes a thread that runs on another CPU off it: all of its registers are where they belong,
/// and it is in no queue. A system call it was entering is taken back.
void sched_interrupt(struct thread *thread);

/// Puts the same thread first among its priority, or last if its slice is over.
void sched_return(struct thread *thread);

/// Moves a thread that runs nowhere else to another CPU.
void sched_move(struct cpu *cpu, struct thread *thread, struct cpu *to);

/// Sees to it that no CPU has FPU contents of a thread that runs nowhere.
void sched_save_fpu(struct cpu *cpu, const struct thread *thread);

/// Exchanges the FPU's contents: `fpu` is the state to be reached from user mode, null for
/// none.
void sched_switch_fpu(struct cpu *cpu, struct arch_fpu *fpu);

/// Puts the running thread aside, if it still runs, and gives the CPU to the first of the
/// highest priority, or sleeps.
void sched_pick(struct cpu *cpu);

/// Ends every entry to the kernel: sees to it that the right thread runs.
static inline struct arch_resume sched_resume(struct cpu *cpu)
{
    const struct thread *self = cpu_thread(cpu);
    if (unlikely(self->state != THREAD_STATE_RUNNING || (cpu->ready & self->above)))
        sched_pick(cpu);
    return arch_resume(cpu->arch.frame);
}

/// Makes `to` the running thread and loads its space and FS base.
static inline void sched_switch_space(struct cpu *cpu, struct thread *to)
{
    to->state = THREAD_STATE_RUNNING;
    cpu->arch.frame = &to->frame;
    if (cpu->top.at != to->top.at) {
        cpu->top = to->top;
        arch_space_switch(to->top);
    }
    arch_fs_switch(&cpu->arch, &to->frame);
}

/// The same with its FPU state.
static inline void sched_switch(struct cpu *cpu, struct thread *to)
{
    sched_switch_space(cpu, to);
    if (unlikely(cpu->fpu_open != to->fpu))
        sched_switch_fpu(cpu, to->fpu);
}
