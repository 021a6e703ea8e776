/// The scheduler.
///
/// Always: bit p of `ready` says whether queue[p] has anyone; those queued are READY and belong
/// to this CPU; when user mode is entered, the running thread's priority is the highest of all
/// that could run there, or an interrupt is on its way; a CPU without a running thread has the
/// kernel's space loaded. A thread's FPU contents are in its image, or in its own CPU, which is
/// then fpu_owner.
#include <arch/irq.h>
#include <arch/kern.h>
#include <arch/page.h>
#include <kern/object.h>
#include <kern/sched.h>
#include <kern/trace.h>

void sched_init(struct cpu *cpu)
{
    for (unsigned i = 0; i < PRIORITIES; i++)
        link_init(&cpu->queue[i]);
    thread_set_priority(&cpu->idle, 0);
    cpu->idle.above = ~0ul;
    cpu->idle.cspace = &cspace_none;
    cpu->idle.cpu = cpu;
    cpu->top = arch_space_kernel();
    __atomic_store_n(&cpu->arch.frame, &cpu->idle.frame, __ATOMIC_RELEASE);
}

static void enqueue(struct thread *thread, bool first)
{
    struct cpu *cpu = thread->cpu;
    ASSERT(ready_complete, thread_complete(thread));
    struct link *queue = &cpu->queue[thread->priority];
    thread->state = THREAD_STATE_READY;
    if (first)
        link_prepend(queue, &thread->link);
    else
        link_append(queue, &thread->link);
    cpu->ready |= 1ul << thread->priority;
}

/// Interrupts another CPU if somebody is ready there who is more important than who runs.
static void tell(const struct cpu *cpu, const struct cpu *other)
{
    bool more = MUTANT(tell_more) || (other->ready & cpu_thread(other)->above);
    if (unlikely(cpu != other) && more && !MUTANT(tell_other))
        arch_interrupt(&other->arch);
}

void sched_ready(struct cpu *cpu, struct thread *thread)
{
    thread->slice = SLICE_TICKS;
    enqueue(thread, false);
    tell(cpu, thread->cpu);
}

void sched_remove(struct thread *thread)
{
    struct cpu *cpu = thread->cpu;
    ASSERT(remove_ready, thread->state == THREAD_STATE_READY);
    link_remove(&thread->link);
    if (link_empty(&cpu->queue[thread->priority]))
        cpu->ready &= ~(1ul << thread->priority);
}

void sched_yield(struct cpu *cpu)
{
    struct thread *self = cpu_thread(cpu);
    if (link_empty(&cpu->queue[self->priority]))
        cpu->slice = SLICE_TICKS;
    else
        sched_ready(cpu, self);
}

void sched_tick(struct cpu *cpu)
{
    struct thread *self = cpu_thread(cpu);
    if (self == &cpu->idle)
        return;
    self->ticks++;
    if (cpu->slice)
        cpu->slice--;
    bool others = MUTANT(tick_alone) || !link_empty(&cpu->queue[self->priority]);
    if (!cpu->slice && others && self->state == THREAD_STATE_RUNNING)
        sched_yield(cpu);
}

void sched_set_priority(struct cpu *cpu, struct thread *thread, unsigned priority)
{
    bool queued = thread->state == THREAD_STATE_READY;
    if (!MUTANT(same_priority) && priority == thread->priority)
        return;
    if (queued)
        sched_remove(thread);
    thread_set_priority(thread, priority);
    if (queued)
        sched_ready(cpu, thread);
    else
        tell(cpu, thread->cpu);
}

void sched_hand_over(struct cpu *cpu, struct thread *to)
{
    if ((!MUTANT(hand_over_cpu) && to->cpu != cpu) || (cpu->ready & to->above)) {
        sched_ready(cpu, to);
        return;
    }
    trace(cpu, TRACE_SWITCH, to->number, 0);
    sched_switch(cpu, to);
}

void sched_hand_late(struct cpu *cpu, struct thread *to)
{
    if (!link_empty(&cpu->queue[to->priority])) {
        sched_ready(cpu, to);
        return;
    }
    if (!MUTANT(late_slice)) // or all answers would take the general way from now on
        cpu->slice = SLICE_TICKS;
    sched_hand_over(cpu, to);
}

void sched_wake(struct cpu *cpu, struct thread *to)
{
    struct thread *self = cpu_thread(cpu);
    if ((!MUTANT(wake_cpu) && to->cpu != cpu) || to->priority <= self->priority) {
        sched_ready(cpu, to);
        return;
    }
    self->slice = (uint8_t)cpu->slice;
    enqueue(self, true);
    to->slice = SLICE_TICKS;
    cpu->slice = SLICE_TICKS;
    trace(cpu, TRACE_SWITCH, to->number, 0);
    sched_switch(cpu, to);
}

/// Leaves the CPU without a running thread.
static void stand_still(struct cpu *cpu)
{
    cpu->arch.frame = &cpu->idle.frame;
    cpu->idle_since = arch_time();
    cpu->top = arch_space_kernel();
    arch_space_switch(cpu->top);
}

/// The tick goes on only while something is to be buried.
_Noreturn void sched_idle(struct cpu *cpu)
{
    stand_still(cpu);
    if (!graveyard)
        arch_timer_stop();
    arch_idle();
}

void sched_pick(struct cpu *cpu)
{
    struct thread *self = cpu_thread(cpu);
    if (self->state == THREAD_STATE_RUNNING) {
        self->slice = (uint8_t)cpu->slice;
        enqueue(self, true);
    }
    if (self == &cpu->idle)
        cpu->idle_time += arch_time() - cpu->idle_since;
    if (!cpu->ready)
        sched_idle(cpu);
    unsigned priority = 63 - (unsigned)__builtin_clzl(cpu->ready);
    struct thread *next = container_of(cpu->queue[priority].next, struct thread, link);
    sched_remove(next);
    cpu->slice = next->slice;
    if (self == &cpu->idle)
        arch_timer_start(TICK_MICROSECONDS);
    trace(cpu, TRACE_SWITCH, next->number, 0);
    sched_switch(cpu, next);
}

void sched_switch_fpu(struct cpu *cpu, struct arch_fpu *fpu)
{
    cpu->fpu_open = fpu;
    if (!fpu) {
        arch_fpu_disable();
        return;
    }
    arch_fpu_enable();
    if (cpu->fpu_owner == fpu)
        return;
    if (cpu->fpu_owner)
        arch_fpu_save(cpu->fpu_owner);
    arch_fpu_restore(fpu);
    cpu->fpu_owner = fpu;
}

/// Puts FPU contents where they belong and keeps none.
static void save_fpu(struct cpu *cpu, uint64_t a, uint64_t b)
{
    (void)a, (void)b;
    if (cpu->fpu_owner) {
        arch_fpu_enable();
        arch_fpu_save(cpu->fpu_owner);
        cpu->fpu_owner = NULL;
    }
    sched_switch_fpu(cpu, NULL);
}

void sched_save_fpu(struct cpu *cpu, const struct thread *thread)
{
    struct cpu *home = thread->cpu;
    if (MUTANT(save_moved) || home->fpu_owner != &thread->fpu_image)
        return;
    if (home == cpu)
        save_fpu(cpu, 0, 0);
    else
        cpu_ask(1u << home->arch.number, save_fpu, 0, 0);
}

/// Work for the CPU where a thread runs: it is at the lock, so entry has saved the registers.
/// This counts as a tick: who is put aside over and over might never meet one.
static void put_aside(struct cpu *cpu, uint64_t a, uint64_t b)
{
    bool over = !cpu->slice || MUTANT(aside_free);
    cpu_thread(cpu)->slice = (uint8_t)(cpu->slice - !over);
    save_fpu(cpu, a, b);
    stand_still(cpu);
}

void sched_interrupt(struct thread *thread)
{
    cpu_ask(1u << thread->cpu->arch.number, put_aside, 0, 0);
    if (!MUTANT(undo_call) && !thread->frame.trapped)
        arch_frame_undo_call(&thread->frame);
}

void sched_return(struct thread *thread)
{
    bool first = thread->slice || MUTANT(return_first);
    if (!first)
        thread->slice = SLICE_TICKS;
    enqueue(thread, first); // its CPU is on its way through the kernel and will look
}

void sched_move(struct cpu *cpu, struct thread *thread, struct cpu *to)
{
    bool ready = thread->state == THREAD_STATE_READY;
    bool runs = thread->state == THREAD_STATE_RUNNING;
    if (thread->cpu == to)
        return;
    if (ready)
        sched_remove(thread);
    sched_save_fpu(cpu, thread);
    thread->cpu = to;
    if (ready || runs)
        sched_ready(cpu, thread);
}
