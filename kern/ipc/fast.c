/// call, reply_recv and signal in the common case, straight through.
///
/// Not another semantics: each function checks that the general way (message.c, reply.c) would
/// take exactly these steps, and then takes them without the detours; ci/unit/kern/test_fast.c
/// compares the two on random states, ci/guest/ways.c in the booted kernel. What it saves: the
/// six words are not copied but restored from the sender's frame; the sender is not queued;
/// nobody is picked.
#include <kern/ipc.h>
#include <kern/sched.h>

/// A message whose words all travel in registers, and nothing else.
static inline bool plain(uint64_t tag)
{
    return MUTANT(fast_plain) || (uint32_t)tag <= REGISTER_WORDS;
}

static inline bool find(const struct thread *self, uint32_t handle, unsigned kind,
                        unsigned rights, const struct slot **slot)
{
    const struct cspace *cspace = self->cspace;
    if (unlikely(handle >= cspace->limit))
        return false;
    *slot = &cspace->pages[handle / SLOTS_PER_PAGE][handle % SLOTS_PER_PAGE];
    return (*slot)->kind == kind && ((*slot)->rights & rights) == rights;
}

/// Leaves for `to`, whose FPU state is not the one that user mode can reach now.
static __attribute__((noinline)) struct arch_resume
leave_with_fpu(struct cpu *cpu, struct thread *to, const struct arch_frame *words)
{
    sched_switch_fpu(cpu, to->fpu);
    return (struct arch_resume){&to->frame, words};
}

struct arch_resume fast_call(uint64_t target, uint64_t tag, struct arch_frame *frame)
{
    struct cpu *cpu = arch_cpu();
    struct thread *self = thread_of(frame);
    const struct slot *slot;
    if (unlikely(!find(self, (uint32_t)target, KIND_ENDPOINT, RIGHT_CALL, &slot) ||
                 !plain(tag) || cpu->trace))
        return syscall_general(frame);
    struct endpoint *endpoint = slot->object;
    struct link *first = endpoint->receivers.next;
    struct thread *to = container_of(first, struct thread, link);
    if (unlikely(first == &endpoint->receivers ||
                 (!MUTANT(fast_call_priority) && to->priority < self->priority) ||
                 (!MUTANT(fast_call_cpu) && to->cpu != cpu)))
        return syscall_general(frame);
    // Past this line it cannot fail.
    link_remove_first(&endpoint->receivers);
    struct reply *reply = to->reply;
    reply->thread = self;
    self->reply = reply;
    self->state = THREAD_STATE_CALLING;
    arch_frame_set_status(&to->frame, OK);
    arch_frame_set_badge(&to->frame, slot->badge);
    arch_frame_set_tag(&to->frame, tag | MESSAGE_CALL << TAG_KIND_SHIFT);
    sched_switch_space(cpu, to);
    if (unlikely(cpu->fpu_open != to->fpu))
        return leave_with_fpu(cpu, to, frame);
    return (struct arch_resume){&to->frame, frame};
}

struct arch_resume fast_reply_recv(uint64_t target, uint64_t tag, struct arch_frame *frame)
{
    struct cpu *cpu = arch_cpu();
    struct thread *self = thread_of(frame);
    const struct slot *slot, *reply_slot;
    if (unlikely(!find(self, (uint32_t)target, KIND_ENDPOINT, RIGHT_RECEIVE, &slot) ||
                 !plain(tag) || cpu->trace ||
                 !find(self, target >> 32, KIND_REPLY, 0, &reply_slot)))
        return syscall_general(frame);
    struct endpoint *endpoint = slot->object;
    struct reply *reply = reply_slot->object;
    struct thread *to = reply->thread;
    // On this CPU, without `unsent` bits to hand back, its slice not over; and nothing to
    // receive at once.
    if (unlikely(!to || (!MUTANT(fast_reply_calling) && to->state != THREAD_STATE_CALLING) ||
                 (!MUTANT(fast_reply_cpu) && to->cpu != cpu) ||
                 (!MUTANT(fast_reply_slice) && !cpu->slice) ||
                 (!MUTANT(fast_reply_above) && (cpu->ready & to->above)) ||
                 (!MUTANT(fast_reply_pending) && endpoint->pending) ||
                 (!MUTANT(fast_reply_senders) && !link_empty(&endpoint->senders))))
        return syscall_general(frame);
    // Past this line it cannot fail.
    arch_frame_set_status(&to->frame, OK);
    arch_frame_set_badge(&to->frame, 0);
    arch_frame_set_tag(&to->frame, tag);
    reply->thread = self;
    self->reply = reply;
    self->state = THREAD_STATE_RECEIVING;
    link_append(&endpoint->receivers, &self->link);
    sched_switch_space(cpu, to);
    if (unlikely(cpu->fpu_open != to->fpu))
        return leave_with_fpu(cpu, to, frame);
    return (struct arch_resume){&to->frame, frame};
}

struct arch_resume fast_signal(uint64_t target, struct arch_frame *frame)
{
    struct cpu *cpu = arch_cpu();
    const struct slot *slot;
    if (unlikely(
            !find(thread_of(frame), (uint32_t)target, KIND_ENDPOINT, RIGHT_SIGNAL, &slot) ||
            (!MUTANT(fast_signal_badge) && !slot->badge) || cpu->trace))
        return syscall_general(frame);
    struct endpoint *endpoint = slot->object;
    arch_frame_set_status(frame, OK);
    if (!link_empty(&endpoint->waiters))
        sched_wake(cpu, endpoint_take(&endpoint->waiters, slot->badge));
    else if (!link_empty(&endpoint->receivers))
        sched_wake(cpu, endpoint_take(&endpoint->receivers, slot->badge));
    else
        endpoint->pending |= slot->badge;
    // Whoever runs now entered by a system call.
    return (struct arch_resume){cpu->arch.frame, cpu->arch.frame};
}
