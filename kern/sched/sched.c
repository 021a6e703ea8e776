/// The scheduler.
///
/// Always: bit p of `ready` says whether queue[p] has anyone; those queued are READY; when user
/// mode is entered, the running thread's priority is the highest of all that could run.
#include <arch/irq.h>
#include <arch/kern.h>
#include <arch/page.h>
#include <kern/object.h>
#include <kern/sched.h>
#include <kern/trace.h>

struct cpu kern_cpus[ARCH_CPUS_MAX];
struct arch_lock kern_lock;

struct arch_cpu *kern_cpu(uint32_t number)
{
    return &kern_cpus[number].arch;
}

void kern_lock_wait(void)
{
    arch_relax();
}

void sched_init(struct cpu *cpu)
{
    for (unsigned i = 0; i < PRIORITIES; i++)
        link_init(&cpu->queue[i]);
    thread_set_priority(&cpu->idle, 0);
    cpu->idle.above = ~0ul;
    cpu->idle.cspace = &cspace_none;
    cpu->arch.frame = &cpu->idle.frame;
    cpu->top = arch_space_kernel();
}

static void enqueue(struct cpu *cpu, struct thread *thread, bool first)
{
    ASSERT(ready_complete, thread_complete(thread));
    struct link *queue = &cpu->queue[thread->priority];
    thread->state = THREAD_STATE_READY;
    if (first)
        link_prepend(queue, &thread->link);
    else
        link_append(queue, &thread->link);
    cpu->ready |= 1ul << thread->priority;
}

void sched_ready(struct cpu *cpu, struct thread *thread)
{
    thread->slice = SLICE_TICKS;
    enqueue(cpu, thread, false);
}

void sched_remove(struct cpu *cpu, struct thread *thread)
{
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
    if (!cpu->slice && self->state == THREAD_STATE_RUNNING)
        sched_yield(cpu);
}

void sched_set_priority(struct cpu *cpu, struct thread *thread, unsigned priority)
{
    bool queued = thread->state == THREAD_STATE_READY;
    if (queued)
        sched_remove(cpu, thread);
    thread_set_priority(thread, priority);
    if (queued)
        sched_ready(cpu, thread);
}

void sched_hand_over(struct cpu *cpu, struct thread *to)
{
    if (cpu->ready & to->above) {
        sched_ready(cpu, to);
        return;
    }
    trace(cpu, TRACE_SWITCH, to->number, 0);
    sched_switch(cpu, to);
}

void sched_wake(struct cpu *cpu, struct thread *to)
{
    struct thread *self = cpu_thread(cpu);
    if (to->priority <= self->priority) {
        sched_ready(cpu, to);
        return;
    }
    self->slice = (uint8_t)cpu->slice;
    enqueue(cpu, self, true);
    to->slice = SLICE_TICKS;
    cpu->slice = SLICE_TICKS;
    trace(cpu, TRACE_SWITCH, to->number, 0);
    sched_switch(cpu, to);
}

/// Sleeps; an interrupt enters the kernel anew. The tick goes on only while something is to be
/// buried.
static _Noreturn void idle(struct cpu *cpu)
{
    cpu->arch.frame = &cpu->idle.frame;
    if (!graveyard)
        arch_timer_stop();
    arch_unlock(&kern_lock);
    arch_idle();
}

void sched_pick(struct cpu *cpu)
{
    struct thread *self = cpu_thread(cpu);
    if (self->state == THREAD_STATE_RUNNING) {
        self->slice = (uint8_t)cpu->slice;
        enqueue(cpu, self, true);
    }
    if (!cpu->ready)
        idle(cpu);
    unsigned priority = 63 - (unsigned)__builtin_clzl(cpu->ready);
    struct thread *next = container_of(cpu->queue[priority].next, struct thread, link);
    sched_remove(cpu, next);
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
    cpu->arch.fpu_exchanges++;
}

void sched_drop_fpu(struct cpu *cpu, struct arch_fpu *fpu)
{
    if (cpu->fpu_owner != fpu)
        return;
    cpu->fpu_owner = NULL;
    if (cpu->fpu_open == fpu)
        sched_switch_fpu(cpu, NULL);
}
