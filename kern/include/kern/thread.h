/// Threads: what they consist of. sched.h says when they run, ipc.h how they wait.
#pragma once

#include <arch/fpu.h>
#include <arch/frame.h>
#include <kern/cspace.h>
#include <kern/link.h>
#include <kern/slot.h>

struct cpu;
struct reply;

/// The capabilities inside a thread. All but the last two must be there for it to run.
enum thread_inner {
    INNER_CSPACE,
    INNER_VSPACE,
    INNER_BUFFER,
    INNER_FAULT,
    INNER_SUPERVISOR,
    INNER_COUNT
};

struct thread {
    struct arch_frame
        frame; ///< user registers while it does not run; first: entry has its address
    struct slot node;

    // What IPC touches.
    struct cspace *cspace; ///< cspace_none without one
    struct phys top;       ///< its address space; at = 0 without one
    struct arch_fpu *fpu;  ///< its own `fpu_image`, null if it may not use the FPU
    uint64_t above;        ///< bits of the priorities higher than its own
    struct cpu *cpu;       ///< where it runs, and alone can
    /// enum thread_state, and while CALLING the `unsent` mask of its message in bits 8 to 10.
    uint32_t state;
    uint8_t priority;
    uint8_t slice;    ///< ticks it has left when it gets the CPU
    uint8_t sending;  ///< enum message_kind of what it sends, in state SENDING
    bool grant;       ///< its message may carry capabilities
    struct link link; ///< in a ready queue (READY) or an endpoint's queue (SENDING, RECEIVING)
    /// RECEIVING: the Reply it offers, or null; CALLING: the one that holds it; FAULTED: the
    /// same, or null if it stays faulted. Meaningless in other states.
    struct reply *reply;
    struct ipc_buffer *buffer; ///< null without one
    uint64_t badge;            ///< of the capability it sends through

    // Faults.
    uint64_t handler;       ///< entry address, 0: none
    uint64_t handler_stack; ///< 0: below the current one
    bool handling;          ///< diverted and not returned
    bool faulting;          ///< it runs, and its CPU is about to treat `fault`
    uint8_t fault_sent;     ///< INNER_FAULT or INNER_SUPERVISOR: to whom the fault went
    uint32_t number;        ///< for the trace
    struct fault fault;

    uint64_t ticks; ///< timer ticks that found it running
    struct slot inner[INNER_COUNT];
    struct arch_fpu fpu_image;
};
_Static_assert(sizeof(struct thread) <= THREAD_BYTES, "pith.idl: THREAD_BYTES");

static inline enum thread_state thread_state(const struct thread *thread)
{
    return (enum thread_state)(thread->state & 255);
}

static inline struct thread *thread_of(struct arch_frame *frame)
{
    return container_of(frame, struct thread, frame);
}

/// Makes an inactive thread of THREAD_BYTES zeroed bytes at `memory`; its node is in no tree.
struct thread *thread_create(void *memory);

/// Sets the bits of `above` that go with a priority, and the priority.
void thread_set_priority(struct thread *thread, unsigned priority);

/// The inner slots have what a thread needs to run.
static inline bool thread_complete(const struct thread *thread)
{
    return thread->inner[INNER_CSPACE].kind && thread->inner[INNER_VSPACE].kind &&
           thread->inner[INNER_BUFFER].kind;
}

/// Takes over what was put into the empty inner slot `inner`: pointers that IPC uses.
void thread_inner_gained(struct thread *thread, enum thread_inner inner);

/// The opposite, before the slot is emptied. The thread does not run any more.
void thread_inner_lost(struct thread *thread, enum thread_inner inner);

/// The thread that an inner slot is part of.
static inline struct thread *thread_of_inner(struct slot *slot)
{
    return container_of(slot - slot->inner, struct thread, inner);
}
