/// Where arch enters the kernel: system calls, faults, interrupts, the tick.
///
/// Always: the lock is held from entry to exit; the running thread's user state is in its
/// frame; what runs afterwards is decided by sched_resume().
#include <kern/delete.h>
#include <kern/ipc.h>
#include <kern/lines.h>
#include <kern/object.h>
#include <kern/sched.h>
#include <kern/syscall.h>
#include <kern/trace.h>

static syscall_handler *const handlers[SYSCALL_COUNT] = {
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

struct arch_cpu *kern_cpu(uint32_t number)
{
    return &kern_cpus[number].arch;
}

/// Sees to it that the right thread runs.
static struct arch_resume leave(struct cpu *cpu)
{
    struct arch_resume resume = sched_resume(cpu);
    arch_unlock(&kern_lock);
    return resume;
}

/// `number`: of the call, with its flags from bit 8 on; `target`: endpoint | reply << 32.
static enum status dispatch(struct cpu *cpu, struct thread *self, uint64_t number,
                            uint64_t target)
{
    uint32_t endpoint = (uint32_t)target, reply = target >> 32;
    uint64_t flags = number >> 8;
    bool wait = !(flags & IPC_NONBLOCK);
    CHECK(syscall_flags, !(flags & ~(uint64_t)IPC_NONBLOCK), E_INVAL);
    switch (number & 255) {
    case SYSCALL_CALL:
        return ipc_send(cpu, self, endpoint, MESSAGE_CALL, true);
    case SYSCALL_SEND:
        return ipc_send(cpu, self, endpoint, MESSAGE_SEND, wait);
    case SYSCALL_RECV:
        return ipc_recv(cpu, self, endpoint, reply, wait);
    case SYSCALL_REPLY:
        return ipc_reply(cpu, self, reply);
    case SYSCALL_REPLY_RECV:
        return ipc_reply_recv(cpu, self, endpoint, reply);
    case SYSCALL_SIGNAL:
        return ipc_signal(cpu, self, endpoint);
    case SYSCALL_YIELD:
        sched_yield(cpu);
        return OK;
    default:
        CHECK(syscall_number, (number & 255) < SYSCALL_COUNT, E_SYSCALL);
        return handlers[number & 255](cpu, self);
    }
}

struct arch_resume kern_syscall(uint64_t target, uint64_t tag, uint64_t word,
                                struct arch_frame *frame, uint64_t number)
{
    struct cpu *cpu = arch_cpu();
    struct thread *self = thread_of(frame);
    (void)word; // in the frame too
    arch_lock(&kern_lock, kern_lock_wait);
    if ((number == SYSCALL_REPLY_RECV && fast_reply_recv(cpu, self, target, tag)) ||
        (number == SYSCALL_CALL && fast_call(cpu, self, target, tag))) {
        arch_unlock(&kern_lock);
        return (struct arch_resume){cpu->arch.frame, frame};
    }
    trace(cpu, TRACE_SYSCALL, number, target);
    enum status status = dispatch(cpu, self, number, target);
    if (status != STATUS_LATER)
        arch_frame_set_status(frame, status);
    return leave(cpu);
}

struct arch_resume kern_fault(struct arch_frame *frame, uint32_t kind, uint64_t address,
                              uint64_t code)
{
    struct cpu *cpu = arch_cpu();
    struct thread *self = thread_of(frame);
    arch_lock(&kern_lock, kern_lock_wait);
    trace(cpu, TRACE_FAULT, kind, address);
    self->fault = (struct fault){kind, address, frame->rip, code, frame->rsp};
    struct thread *to = fault_send(cpu, self, INNER_FAULT);
    if (to && to->priority >= self->priority)
        sched_hand_over(cpu, to);
    else if (to)
        sched_ready(cpu, to);
    return leave(cpu);
}

struct arch_resume kern_interrupt(struct arch_frame *frame, uint32_t line)
{
    struct cpu *cpu = arch_cpu();
    (void)frame;
    arch_lock(&kern_lock, kern_lock_wait);
    line_fired(cpu, line);
    return leave(cpu);
}

struct arch_resume kern_timer(struct arch_frame *frame)
{
    struct cpu *cpu = arch_cpu();
    unsigned budget = DELETE_BUDGET;
    (void)frame;
    arch_lock(&kern_lock, kern_lock_wait);
    sched_tick(cpu);
    (void)delete_bury(cpu, &budget); // the next tick goes on
    return leave(cpu);
}
