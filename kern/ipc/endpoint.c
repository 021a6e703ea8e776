/// Endpoints as objects, and signals.
///
/// A signal is the one asynchronous thing in the kernel: bits ORed into a word. Whoever
/// receives takes all of them at once, ahead of queued senders.
#include <kern/ipc.h>
#include <kern/sched.h>
#include <kern/trace.h>

struct endpoint *endpoint_create(void *memory)
{
    struct endpoint *endpoint = memory;
    object_init(&endpoint->node, KIND_ENDPOINT, endpoint);
    link_init(&endpoint->receivers);
    link_init(&endpoint->senders);
    link_init(&endpoint->waiters);
    return endpoint;
}

void signal_show(struct arch_frame *frame, uint64_t bits)
{
    arch_frame_set_status(frame, OK);
    arch_frame_set_badge(frame, bits);
    arch_frame_set_tag(frame, (uint64_t)MESSAGE_SIGNAL << TAG_KIND_SHIFT);
    for (unsigned i = 0; i < REGISTER_WORDS; i++)
        arch_frame_set_word(frame, i, 0);
}

struct thread *endpoint_take(struct link *queue, uint64_t bits)
{
    struct thread *to = container_of(queue->next, struct thread, link);
    link_remove_first(queue);
    if (to->reply)
        to->reply->thread = NULL;
    signal_show(&to->frame, bits);
    return to;
}

void endpoint_wake(struct cpu *cpu, struct link *queue, uint64_t bits)
{
    sched_ready(cpu, endpoint_take(queue, bits));
}

enum status ipc_signal(struct cpu *cpu, struct thread *self, uint32_t handle)
{
    struct slot *slot;
    enum status status = cspace_find(self->cspace, handle, KIND_ENDPOINT, RIGHT_SIGNAL, &slot);
    if (status != OK)
        return status;
    CHECK(signal_bits, slot->badge, E_RIGHTS);
    endpoint_signal(cpu, slot->object, slot->badge);
    return OK;
}

/// Ends the waits of one queue with E_DEAD, within the budget. True: it is empty.
static bool drain(struct cpu *cpu, struct link *queue, unsigned *budget)
{
    while (!link_empty(queue)) {
        if (!*budget)
            return false;
        --*budget;
        struct thread *thread = container_of(queue->next, struct thread, link);
        bool faulted =
            thread->state == THREAD_STATE_SENDING && thread->sending == MESSAGE_FAULT;
        wait_end(cpu, thread, E_DEAD);
        if (faulted)
            fault_stay(cpu, thread);
        else
            sched_ready(cpu, thread);
    }
    return true;
}

bool endpoint_drain(struct cpu *cpu, struct endpoint *endpoint, bool all, unsigned *budget)
{
    if (!drain(cpu, &endpoint->senders, budget))
        return false;
    return !all ||
           (drain(cpu, &endpoint->receivers, budget) && drain(cpu, &endpoint->waiters, budget));
}
