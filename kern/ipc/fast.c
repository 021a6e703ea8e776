/// call and reply_recv in the common case, straight through.
///
/// Not another semantics: each function checks that the general way (message.c, reply.c) would
/// take exactly these steps, and then takes them without the detours; ci/unit/kern/test_fast.c
/// compares the two on random states. What it saves: the six words are not copied but restored
/// from the sender's frame; the sender is not queued; nobody is picked.
#include <kern/ipc.h>
#include <kern/sched.h>

/// A message whose words all travel in registers, and nothing else.
static inline bool plain(uint64_t tag)
{
    return (uint32_t)tag <= REGISTER_WORDS;
}

static inline const struct slot *find(const struct thread *self, uint32_t handle, unsigned kind,
                                      unsigned rights)
{
    const struct slot *slot = cspace_slot(self->cspace, handle);
    if (unlikely(!slot || slot->kind != kind || (slot->rights & rights) != rights))
        return NULL;
    return slot;
}

bool fast_call(struct cpu *cpu, struct thread *self, uint64_t target, uint64_t tag)
{
    const struct slot *slot = find(self, (uint32_t)target, KIND_ENDPOINT, RIGHT_CALL);
    if (unlikely(!slot || !plain(tag) || cpu->trace))
        return false;
    struct endpoint *endpoint = slot->object;
    struct link *first = endpoint->receivers.next;
    struct thread *to = container_of(first, struct thread, link);
    if (unlikely(first == &endpoint->receivers || to->priority < self->priority))
        return false;
    // Past this line it cannot fail.
    link_remove(first);
    struct reply *reply = to->reply;
    reply->thread = self;
    self->reply = reply;
    self->state = THREAD_STATE_CALLING;
    arch_frame_set_status(&to->frame, OK);
    arch_frame_set_badge(&to->frame, slot->badge);
    arch_frame_set_tag(&to->frame, tag | MESSAGE_CALL << TAG_KIND_SHIFT);
    sched_switch(cpu, to);
    return true;
}

bool fast_reply_recv(struct cpu *cpu, struct thread *self, uint64_t target, uint64_t tag)
{
    const struct slot *slot = find(self, (uint32_t)target, KIND_ENDPOINT, RIGHT_RECEIVE);
    const struct slot *reply_slot = find(self, target >> 32, KIND_REPLY, RIGHT_CONTROL);
    if (unlikely(!slot || !reply_slot || !plain(tag) || cpu->trace))
        return false;
    struct endpoint *endpoint = slot->object;
    struct reply *reply = reply_slot->object;
    struct thread *to = reply->thread;
    // Without `unsent` bits to hand back; and nothing to receive at once.
    if (unlikely(!to || to->state != THREAD_STATE_CALLING || (cpu->ready & to->above) ||
                 endpoint->pending || !link_empty(&endpoint->senders)))
        return false;
    // Past this line it cannot fail.
    arch_frame_set_status(&to->frame, OK);
    arch_frame_set_badge(&to->frame, 0);
    arch_frame_set_tag(&to->frame, tag);
    reply->thread = self;
    self->reply = reply;
    self->state = THREAD_STATE_RECEIVING;
    link_append(&endpoint->receivers, &self->link);
    sched_switch(cpu, to);
    return true;
}
