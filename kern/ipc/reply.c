/// Replies: the one-shot right to answer a caller, and the ends of waits.
///
/// Always: reply->thread, if any, points back with thread->reply and is RECEIVING (it offers
/// the Reply), CALLING or FAULTED (the Reply answers it).
#include <kern/ipc.h>
#include <kern/sched.h>
#include <kern/trace.h>

struct reply *reply_create(void *memory)
{
    struct reply *reply = memory;
    object_init(&reply->node, KIND_REPLY, reply);
    return reply;
}

void wait_fetch(struct cpu *cpu, struct thread *thread)
{
    if (thread->state != THREAD_STATE_RUNNING || thread->cpu == cpu)
        return;
    sched_interrupt(thread);
    if (MUTANT(fetch_fault) || !thread->faulting) {
        sched_return(thread);
        return;
    }
    struct thread *to = fault_begin(cpu, thread);
    if (to)
        sched_ready(cpu, to);
}

void wait_end(struct cpu *cpu, struct thread *thread, enum status status)
{
    bool in_call = true;
    wait_fetch(cpu, thread);
    switch (thread_state(thread)) {
    case THREAD_STATE_READY:
        sched_remove(thread);
        in_call = false;
        break;
    case THREAD_STATE_SENDING:
        link_remove(&thread->link);
        in_call = thread->sending != MESSAGE_FAULT;
        break;
    case THREAD_STATE_RECEIVING:
        link_remove(&thread->link);
        if (thread->reply)
            thread->reply->thread = NULL;
        break;
    case THREAD_STATE_CALLING:
        thread->reply->thread = NULL;
        break;
    case THREAD_STATE_FAULTED:
        if (thread->reply)
            thread->reply->thread = NULL;
        in_call = false;
        break;
    case THREAD_STATE_INACTIVE:
    case THREAD_STATE_RUNNING:
        in_call = false;
        break;
    }
    if (in_call)
        arch_frame_set_status(&thread->frame, status);
    thread->reply = NULL;
    thread->state = THREAD_STATE_INACTIVE;
}

void reply_release(struct cpu *cpu, struct reply *reply)
{
    struct thread *thread = reply->thread;
    if (!thread)
        return;
    ASSERT(reply_pair, thread->reply == reply);
    bool faulted = thread->state == THREAD_STATE_FAULTED;
    trace_thread(cpu, thread, TRACE_REPLY, 0, E_DEAD);
    wait_end(cpu, thread, E_DEAD);
    if (faulted)
        fault_stay(cpu, thread);
    else
        sched_ready(cpu, thread);
}

/// The Reply at a handle. There is one capability for each, with all rights.
static enum status find_reply(struct thread *self, uint32_t handle, struct reply **reply)
{
    struct slot *slot;
    enum status status = cspace_find(self->cspace, handle, KIND_REPLY, 0, &slot);
    if (status == OK)
        *reply = slot->object;
    return status;
}

/// Answers the caller of `reply` with what `self` has in its registers. Sets *woken to a thread
/// that can go on, in no queue and without state, or null. E_DEAD: nobody waits for an answer.
static enum status answer(struct cpu *cpu, struct thread *self, struct reply *reply,
                          struct thread **woken)
{
    struct thread *to = reply->thread;
    *woken = NULL;
    CHECK(reply_caller, to && to->state != THREAD_STATE_RECEIVING, E_DEAD);
    reply->thread = NULL;
    to->reply = NULL;
    if (to->state == THREAD_STATE_FAULTED) {
        trace_thread(cpu, to, TRACE_REPLY, 0, OK);
        *woken = fault_answer(cpu, to, arch_frame_word(&self->frame, 0));
        return OK;
    }
    uint64_t unsent_before = to->state >> 8, tag;
    unsigned skipped;
    to->state = THREAD_STATE_INACTIVE;
    tag = message_copy(self, to, true, &skipped);
    arch_frame_set_status(&to->frame, OK);
    arch_frame_set_badge(&to->frame, 0);
    arch_frame_set_tag(&to->frame, tag | unsent_before << TAG_UNSENT_SHIFT);
    trace_thread(cpu, to, TRACE_REPLY, tag, OK);
    *woken = to;
    return OK;
}

enum status ipc_reply(struct cpu *cpu, struct thread *self, uint32_t handle)
{
    struct reply *reply;
    struct thread *woken;
    enum status status = find_reply(self, handle, &reply);
    if (status == OK)
        status = message_check(arch_frame_argument(&self->frame, 1));
    if (status == OK)
        status = answer(cpu, self, reply, &woken);
    if (status == OK && woken)
        sched_ready(cpu, woken);
    return status;
}

/// Takes what is there for a receiver, or queues it.
static enum status receive(struct cpu *cpu, struct thread *self, struct endpoint *endpoint,
                           struct reply *reply, bool wait)
{
    if (endpoint->pending) {
        signal_show(&self->frame, endpoint->pending);
        endpoint->pending = 0;
        return STATUS_LATER;
    }
    if (reply && !link_empty(&endpoint->senders)) {
        struct thread *from = container_of(endpoint->senders.next, struct thread, link);
        link_remove(&from->link);
        self->reply = reply;
        reply->thread = self;
        ipc_deliver(cpu, from, self);
        if (from->sending == MESSAGE_SEND)
            sched_ready(cpu, from);
        return STATUS_LATER;
    }
    CHECK(recv_nonblock, wait, E_AGAIN);
    self->state = THREAD_STATE_RECEIVING;
    self->reply = reply;
    if (reply)
        reply->thread = self;
    link_append(reply ? &endpoint->receivers : &endpoint->waiters, &self->link);
    return STATUS_LATER;
}

enum status ipc_recv(struct cpu *cpu, struct thread *self, uint32_t endpoint, uint32_t handle,
                     bool wait)
{
    struct slot *slot;
    struct reply *reply = NULL;
    enum status status =
        cspace_find(self->cspace, endpoint, KIND_ENDPOINT, RIGHT_RECEIVE, &slot);
    if (status == OK && handle)
        status = find_reply(self, handle, &reply);
    if (status != OK)
        return status;
    CHECK(recv_reply_free, !reply || !reply->thread, E_BUSY);
    return receive(cpu, self, slot->object, reply, wait);
}

enum status ipc_reply_recv(struct cpu *cpu, struct thread *self, uint32_t endpoint,
                           uint32_t handle)
{
    struct slot *slot;
    struct reply *reply;
    struct thread *woken;
    enum status status =
        cspace_find(self->cspace, endpoint, KIND_ENDPOINT, RIGHT_RECEIVE, &slot);
    if (status == OK)
        status = find_reply(self, handle, &reply);
    if (status == OK)
        status = message_check(arch_frame_argument(&self->frame, 1));
    if (status != OK)
        return status;
    CHECK(recv_reply_offered, !reply->thread || reply->thread->state != THREAD_STATE_RECEIVING,
          E_BUSY);
    // Past this line it cannot fail: a caller that is gone is ignored.
    if (answer(cpu, self, reply, &woken) != OK)
        woken = NULL;
    status = receive(cpu, self, slot->object, reply, true);
    if (woken && self->state == THREAD_STATE_RUNNING)
        sched_ready(cpu, woken);
    else if (woken && unlikely(!cpu->slice) && !MUTANT(hand_back_slice))
        sched_hand_late(cpu, woken);
    else if (woken)
        sched_hand_over(cpu, woken);
    return status;
}
