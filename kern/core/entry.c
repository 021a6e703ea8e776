/// Where arch enters the kernel: system calls, faults, interrupts, the tick.
///
/// Always: the lock is held from here to the exit; the running thread's user state is in its
/// frame; what runs afterwards is decided by sched_resume(). While a CPU waits for the lock
/// here, its thread can be taken off it (sched_interrupt()): then there is nothing to do for it
/// any more.
#include <arch/irq.h>
#include <kern/delete.h>
#include <kern/invariants.h>
#include <kern/ipc.h>
#include <kern/lines.h>
#include <kern/object.h>
#include <kern/sched.h>
#include <kern/syscall.h>
#include <kern/trace.h>

// The message calls, without flags. Their target is endpoint | reply << 32.

static uint32_t endpoint_of(const struct thread *self)
{
    return (uint32_t)argument(self, 0);
}

static uint32_t reply_of(const struct thread *self)
{
    return argument(self, 0) >> 32;
}

static enum status message_call(struct cpu *cpu, struct thread *self)
{
    return ipc_send(cpu, self, endpoint_of(self), MESSAGE_CALL, true);
}

static enum status message_send(struct cpu *cpu, struct thread *self)
{
    return ipc_send(cpu, self, endpoint_of(self), MESSAGE_SEND, true);
}

static enum status message_recv(struct cpu *cpu, struct thread *self)
{
    return ipc_recv(cpu, self, endpoint_of(self), reply_of(self), true);
}

static enum status message_reply(struct cpu *cpu, struct thread *self)
{
    return ipc_reply(cpu, self, reply_of(self));
}

static enum status message_reply_recv(struct cpu *cpu, struct thread *self)
{
    return ipc_reply_recv(cpu, self, endpoint_of(self), reply_of(self));
}

static enum status message_signal(struct cpu *cpu, struct thread *self)
{
    return ipc_signal(cpu, self, endpoint_of(self));
}

static enum status yield(struct cpu *cpu, struct thread *self)
{
    (void)self;
    sched_yield(cpu);
    return OK;
}

static syscall_handler *const handlers[SYSCALL_COUNT] = {
    [SYSCALL_CALL] = message_call,
    [SYSCALL_SEND] = message_send,
    [SYSCALL_RECV] = message_recv,
    [SYSCALL_REPLY] = message_reply,
    [SYSCALL_REPLY_RECV] = message_reply_recv,
    [SYSCALL_SIGNAL] = message_signal,
    [SYSCALL_YIELD] = yield,
    [SYSCALL_RETYPE] = sys_retype,
    [SYSCALL_CAP_COPY] = sys_cap_copy,
    [SYSCALL_CAP_MOVE] = sys_cap_move,
    [SYSCALL_CAP_DELETE] = sys_cap_delete,
    [SYSCALL_CAP_REVOKE] = sys_cap_revoke,
    [SYSCALL_CAP_IDENTIFY] = sys_cap_identify,
    [SYSCALL_MAP] = sys_map,
    [SYSCALL_UNMAP] = sys_unmap,
    [SYSCALL_THREAD_CONFIGURE] = sys_thread_configure,
    [SYSCALL_THREAD_REGISTERS] = sys_thread_registers,
    [SYSCALL_THREAD_CONTROL] = sys_thread_control,
    [SYSCALL_IRQ_CONTROL] = sys_irq_control,
    [SYSCALL_IOPORT] = sys_ioport,
    [SYSCALL_DEBUG] = sys_debug,
};

/// Leaves from a system call, with whatever thread is to run.
static inline struct arch_resume leave_call(struct cpu *cpu)
{
    if (KERN_CHECKED)
        invariants_after();
    struct arch_resume resume = sched_resume(cpu);
    if (unlikely(!resume.words))
        arch_leave(resume);
    return resume;
}

/// The calls with flags, of which there are three.
static __attribute__((noinline)) enum status dispatch_flags(struct cpu *cpu,
                                                            struct thread *self)
{
    uint64_t number = arch_frame_number(&self->frame);
    CHECK(syscall_flags, number >> 8 == IPC_NONBLOCK, E_INVAL);
    switch (number & 255) {
    case SYSCALL_SEND:
        return ipc_send(cpu, self, endpoint_of(self), MESSAGE_SEND, false);
    case SYSCALL_RECV:
        return ipc_recv(cpu, self, endpoint_of(self), reply_of(self), false);
    case SYSCALL_REPLY_RECV: // a server's loop may pass its flags on
        return message_reply_recv(cpu, self);
    default:
        return E_INVAL;
    }
}

static __attribute__((noinline)) void trace_syscall(struct cpu *cpu,
                                                    const struct arch_frame *frame)
{
    trace_write(cpu, cpu_thread(cpu), TRACE_SYSCALL, arch_frame_number(frame),
                arch_frame_argument(frame, 0));
}

static inline enum status check_number(uint64_t number)
{
    bool known = number < SYSCALL_COUNT || number > 255; // those have flags
    CHECK(syscall_number, known, E_SYSCALL);
    return OK;
}

/// A number that names no call: nothing happens.
static struct arch_resume syscall_unknown(struct arch_frame *frame)
{
    arch_frame_set_status(frame, E_SYSCALL);
    return (struct arch_resume){frame, frame};
}

struct arch_resume syscall_general(struct arch_frame *frame)
{
    struct cpu *cpu = arch_cpu();
    if (unlikely(cpu->trace))
        trace_syscall(cpu, frame);
    uint64_t number = arch_frame_number(frame);
    if (unlikely(check_number(number) != OK))
        return syscall_unknown(frame);
    struct thread *self = thread_of(frame);
    if (KERN_CHECKED)
        invariants_before(self);
    enum status status = likely(number < SYSCALL_COUNT) ? handlers[number](cpu, self)
                                                        : dispatch_flags(cpu, self);
    if (status != STATUS_LATER)
        arch_frame_set_status(frame, status);
    return leave_call(cpu);
}

/// kern_syscall() behind other CPUs.
static __attribute__((noinline)) struct arch_resume syscall_late(struct arch_frame *frame)
{
    struct cpu *cpu = arch_cpu();
    cpu_lock();
    bool here = MUTANT(late_call) || cpu->arch.frame == frame;
    return here ? syscall_general(frame) : leave_call(cpu);
}

/// Behind the lock.
static inline struct arch_resume syscall(uint64_t target, uint64_t tag,
                                         struct arch_frame *frame)
{
    if (!KERN_FAST)
        return syscall_general(frame);
    if (arch_frame_number(frame) == SYSCALL_REPLY_RECV)
        return fast_reply_recv(target, tag, frame);
    if (arch_frame_number(frame) == SYSCALL_CALL)
        return fast_call(target, tag, frame);
    if (arch_frame_number(frame) == SYSCALL_SIGNAL)
        return fast_signal(target, frame);
    return syscall_general(frame);
}

struct arch_resume kern_syscall(uint64_t target, uint64_t tag, struct arch_frame *frame)
{
    if (unlikely(!arch_lock_try(&kern_lock)))
        return syscall_late(frame);
    if (!KERN_CHECKED)
        return syscall(target, tag, frame);
    invariants_before(thread_of(frame));
    struct arch_resume resume = syscall(target, tag, frame);
    invariants_after(); // what the fast ways did, too
    return resume;
}

struct arch_resume kern_fault(struct arch_frame *frame, uint32_t kind, uint64_t address,
                              uint64_t code)
{
    struct cpu *cpu = arch_cpu();
    struct thread *self = thread_of(frame);
    self->fault = (struct fault){kind, address, frame->rip, code, frame->rsp};
    self->faulting = true;
    cpu_lock();
    if (!MUTANT(late_fault) && cpu->arch.frame != frame)
        return sched_resume(cpu);
    struct thread *to = fault_begin(cpu, self);
    if (to && to->priority >= self->priority)
        sched_hand_over(cpu, to);
    else if (to)
        sched_ready(cpu, to);
    return sched_resume(cpu);
}

struct arch_resume kern_interrupt(uint32_t line)
{
    struct cpu *cpu = arch_cpu();
    cpu_lock();
    if (arch_irq_accept(line))
        line_fired(cpu, line);
    return sched_resume(cpu);
}

struct arch_resume kern_timer(void)
{
    struct cpu *cpu = arch_cpu();
    unsigned budget = DELETE_BUDGET;
    cpu_lock();
    sched_tick(cpu);
    (void)delete_bury(cpu, &budget); // the next tick goes on
    if (!MUTANT(tick_again))
        arch_timer_start(TICK_MICROSECONDS);
    return sched_resume(cpu);
}

struct arch_resume kern_called(void)
{
    cpu_lock();
    return sched_resume(arch_cpu());
}
