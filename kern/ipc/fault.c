/// Faults: what becomes of a thread that cannot go on.
///
///     fault --> [fault endpoint] --RETRY--> runs again
///                  |        \----DIVERT--> runs its handler (without one: as PASS)
///                  PASS
///                  v
///               [supervisor]   the same, but PASS leaves it faulted
///
/// A thread stays faulted, and its supervisor gets the kernel's signal bit, when nobody is left
/// to ask or when the Reply that held it died. thread_control FAULT then answers for it.
#include <kern/ipc.h>
#include <kern/trace.h>

/// Bytes below the stack pointer that the ABI lets a function use.
#define RED_ZONE 128

void fault_stay(struct cpu *cpu, struct thread *thread)
{
    thread->state = THREAD_STATE_FAULTED;
    thread->reply = NULL;
    const struct slot *supervisor = &thread->inner[INNER_SUPERVISOR];
    if (supervisor->kind == KIND_ENDPOINT)
        endpoint_signal(cpu, supervisor->object, SIGNAL_KERNEL);
}

bool fault_divert(struct thread *thread)
{
    if (!thread->handler)
        return false;
    struct handler_frame *saved = (struct handler_frame *)thread->buffer->registers;
    struct registers registers;
    arch_frame_store(&thread->frame, &registers);
    uint64_t stack = thread->handler_stack;
    if (!stack) // as if called there: 16-byte aligned, less the return address
        stack = ((registers.rsp - RED_ZONE) & ~15ul) - 8;
    // The handler's address was checked when it was registered; the stack pointer may be
    // anything, user code will see.
    if (!arch_frame_divert(&thread->frame, thread->handler, stack))
        return false;
    saved->saved = registers;
    saved->fault = thread->fault;
    thread->handling = true;
    return true;
}

struct thread *fault_begin(struct cpu *cpu, struct thread *thread)
{
    thread->faulting = false;
    trace_thread(cpu, thread, TRACE_FAULT, thread->fault.kind, thread->fault.address);
    return fault_send(cpu, thread, INNER_FAULT);
}

struct thread *fault_answer(struct cpu *cpu, struct thread *thread, uint64_t action)
{
    if (action == FAULT_ACTION_RETRY)
        return thread;
    if (action == FAULT_ACTION_DIVERT && fault_divert(thread))
        return thread;
    if (thread->fault_sent == INNER_SUPERVISOR) {
        thread->state = THREAD_STATE_FAULTED;
        thread->reply = NULL;
        return NULL;
    }
    return fault_send(cpu, thread, INNER_SUPERVISOR);
}
