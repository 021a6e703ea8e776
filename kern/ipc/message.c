/// Messages: sending and the copying of words and capabilities.
///
/// Always: a buffer is reached through the direct map, its Frame pinned by the thread's inner
/// slot; what a message says about itself was checked before the sender could wait.
#include <kern/create.h>
#include <kern/ipc.h>
#include <kern/sched.h>
#include <kern/trace.h>

#define TAG_WORDS(tag) ((unsigned)(tag)&127)
#define TAG_CAPS(tag)  ((unsigned)(tag) >> TAG_CAPS_SHIFT & 3)
/// What is meaningful in a tag to send: label, caps, words.
#define TAG_SENT (~0ul << TAG_LABEL_SHIFT | 0x1ff)

enum status message_check(uint64_t tag)
{
    CHECK(tag_bits, !(tag & ~TAG_SENT), E_INVAL);
    CHECK(tag_words, TAG_WORDS(tag) <= MESSAGE_WORDS, E_INVAL);
    return OK;
}

/// Transfers capability `i` of a message: a copy, but what has one capability only moves, if it
/// has no children: an exchange may carry six, and each child would be a step more.
static bool transfer(struct thread *from, struct thread *to, unsigned i)
{
    struct slot *source, *target;
    // Read once: other threads may be writing there.
    uint32_t place = __atomic_load_n(&to->buffer->slots[i], __ATOMIC_RELAXED);
    uint32_t handle = __atomic_load_n(&from->buffer->caps[i], __ATOMIC_RELAXED);
    if (!place || cspace_find_free(to->cspace, place, &target) != OK ||
        cspace_find_any(from->cspace, handle, &source) != OK)
        return false;
    bool single = source->kind == KIND_UNTYPED || source->kind == KIND_PAGE_TABLE;
    if (source->kind == KIND_REPLY) { // while it is free: a right to answer stays where it is
        const struct reply *reply = source->object;
        single = !reply->thread;
    }
    if (!single)
        return derive_copy(target, source, source->rights) == OK;
    bool leaf = MUTANT(transfer_leaf) || !source->child;
    return leaf && slot_derivable(source, 0) == OK && slot_move(target, source) == OK;
}

uint64_t message_copy(struct thread *from, struct thread *to, bool grant, unsigned *unsent)
{
    uint64_t tag = arch_frame_argument(&from->frame, 1);
    arch_frame_copy_words(&to->frame, &from->frame);
    for (unsigned i = REGISTER_WORDS, words = TAG_WORDS(tag); i < words; i++)
        to->buffer->words[i] = from->buffer->words[i];
    unsigned skipped = 0;
    for (unsigned i = 0, caps = TAG_CAPS(tag); i < caps; i++)
        if (!grant || !transfer(from, to, i))
            skipped |= 1u << i;
    *unsent = skipped;
    return tag | (uint64_t)skipped << TAG_SKIPPED_SHIFT;
}

/// A fault's message: the fault as words, its kind as label.
static uint64_t fault_show(const struct thread *from, struct thread *to)
{
    const struct fault *fault = &from->fault;
    arch_frame_set_word(&to->frame, 0, fault->kind);
    arch_frame_set_word(&to->frame, 1, fault->address);
    arch_frame_set_word(&to->frame, 2, fault->ip);
    arch_frame_set_word(&to->frame, 3, fault->code);
    arch_frame_set_word(&to->frame, 4, fault->sp);
    arch_frame_set_word(&to->frame, 5, 0);
    return fault->kind << TAG_LABEL_SHIFT | sizeof(*fault) / sizeof(uint64_t);
}

void ipc_deliver(struct cpu *cpu, struct thread *from, struct thread *to)
{
    struct reply *reply = to->reply;
    unsigned unsent = 0;
    uint64_t tag = from->sending == MESSAGE_FAULT
                       ? fault_show(from, to)
                       : message_copy(from, to, from->grant, &unsent);
    arch_frame_set_status(&to->frame, OK);
    arch_frame_set_badge(&to->frame, from->badge);
    tag |= (uint64_t)from->sending << TAG_KIND_SHIFT;
    arch_frame_set_tag(&to->frame, tag);
    trace_thread(cpu, from, TRACE_MESSAGE, tag, from->badge);
    if (from->sending == MESSAGE_SEND) {
        reply->thread = NULL;
        arch_frame_set_status(&from->frame, OK);
        arch_frame_set_tag(&from->frame, arch_frame_argument(&from->frame, 1) |
                                             (uint64_t)unsent << TAG_UNSENT_SHIFT);
        return;
    }
    reply->thread = from;
    from->reply = reply;
    from->state = from->sending == MESSAGE_CALL ? THREAD_STATE_CALLING | unsent << 8
                                                : THREAD_STATE_FAULTED;
}

/// Delivers to the first receiver, which is then in no queue; or queues the sender: null.
static struct thread *send(struct cpu *cpu, struct thread *self, struct endpoint *endpoint)
{
    if (link_empty(&endpoint->receivers)) {
        self->state = THREAD_STATE_SENDING;
        link_append(&endpoint->senders, &self->link);
        return NULL;
    }
    struct thread *to = container_of(endpoint->receivers.next, struct thread, link);
    link_remove(&to->link);
    ipc_deliver(cpu, self, to);
    return to;
}

enum status ipc_send(struct cpu *cpu, struct thread *self, uint32_t handle,
                     enum message_kind kind, bool wait)
{
    struct slot *slot;
    uint64_t tag = arch_frame_argument(&self->frame, 1);
    enum status status = cspace_find(self->cspace, handle, KIND_ENDPOINT, RIGHT_CALL, &slot);
    if (status == OK)
        status = message_check(tag);
    if (status != OK)
        return status;
    bool grant = slot->rights & RIGHT_GRANT;
    CHECK(send_grant, grant || !TAG_CAPS(tag), E_RIGHTS);
    struct endpoint *endpoint = slot->object;
    CHECK(send_nonblock, wait || !link_empty(&endpoint->receivers), E_AGAIN);
    // Past this line it cannot fail.
    self->sending = (uint8_t)kind;
    self->badge = slot->badge;
    self->grant = grant;
    struct thread *to = send(cpu, self, endpoint);
    if (!to)
        return STATUS_LATER;
    if (kind == MESSAGE_CALL && to->priority >= self->priority)
        sched_hand_over(cpu, to);
    else
        sched_ready(cpu, to);
    return STATUS_LATER;
}

struct thread *fault_send(struct cpu *cpu, struct thread *thread, enum thread_inner first)
{
    for (enum thread_inner to = first; to <= INNER_SUPERVISOR; to++) {
        const struct slot *slot = &thread->inner[to];
        if (slot->kind != KIND_ENDPOINT)
            continue;
        thread->fault_sent = (uint8_t)to;
        thread->sending = MESSAGE_FAULT;
        thread->badge = slot->badge;
        return send(cpu, thread, slot->object);
    }
    fault_stay(cpu, thread);
    return NULL;
}
