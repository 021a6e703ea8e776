/// Messages, signals, replies and faults: everything a thread waits for.
///
///     call, send --> [senders]   Endpoint   [receivers] <-- recv, reply_recv (with a Reply)
///                                pending    [waiters]   <-- recv (signals only)
///
/// Always: senders and receivers are not both non-empty; pending is 0 while a receiver or
/// waiter is queued. A Reply points at the thread that offers it in recv, or at the caller it
/// answers, and that thread points back.
#pragma once

#include <kern/cpu.h>
#include <kern/object.h>
#include <kern/thread.h>
#include <kern/trace.h>

struct endpoint {
    struct slot node;
    uint64_t pending; ///< signals that nobody has taken
    struct link receivers;
    struct link senders;
    struct link waiters;
    uint64_t unused;
};
_Static_assert(sizeof(struct endpoint) == ENDPOINT_BYTES, "pith.idl: ENDPOINT_BYTES");

struct reply {
    struct slot node;
    struct thread *thread; ///< null: free
    uint64_t unused[7];
};
_Static_assert(sizeof(struct reply) == REPLY_BYTES, "pith.idl: REPLY_BYTES");

/// A status that says: the frame has its results already, or will get them later.
#define STATUS_LATER ((enum status)0x100)
/// The signal bit that tells a supervisor of a thread that stays faulted.
#define SIGNAL_KERNEL (1ul << 63)

struct endpoint *endpoint_create(void *memory);
struct reply *reply_create(void *memory);

/// Hands `bits` to the first of `queue`, those who wait for them. It is in no queue then.
struct thread *endpoint_take(struct link *queue, uint64_t bits);

/// The same, and makes it ready.
void endpoint_wake(struct cpu *cpu, struct link *queue, uint64_t bits);

/// ORs `bits` in, or wakes one receiver if there is one.
static inline void endpoint_signal(struct cpu *cpu, struct endpoint *endpoint, uint64_t bits)
{
    trace(cpu, TRACE_SIGNAL, bits, (uint64_t)endpoint);
    if (!link_empty(&endpoint->waiters))
        endpoint_wake(cpu, &endpoint->waiters, bits);
    else if (!link_empty(&endpoint->receivers))
        endpoint_wake(cpu, &endpoint->receivers, bits);
    else
        endpoint->pending |= bits;
}

/// Fills a frame with the message that signals are received as.
void signal_show(struct arch_frame *frame, uint64_t bits);

/// Ends the wait of up to *budget senders, or of all who wait, with E_DEAD. True: nobody is
/// left.
bool endpoint_drain(struct cpu *cpu, struct endpoint *endpoint, bool all, unsigned *budget);

/// Answers for a Reply that dies: its caller gets E_DEAD, a faulted thread stays faulted.
void reply_release(struct cpu *cpu, struct reply *reply);

/// Copies a message that was checked: register words, words in buffers, capabilities. Returns
/// the tag as received, without kind. `unsent`: capabilities that did not fit.
uint64_t message_copy(struct thread *from, struct thread *to, bool grant, unsigned *unsent);

/// What a sender may put into a tag. E_INVAL.
must_use enum status message_check(uint64_t tag);

/// The system calls. `self` runs.
must_use enum status ipc_send(struct cpu *cpu, struct thread *self, uint32_t endpoint,
                              enum message_kind kind, bool wait);
must_use enum status ipc_recv(struct cpu *cpu, struct thread *self, uint32_t endpoint,
                              uint32_t reply, bool wait);
must_use enum status ipc_reply(struct cpu *cpu, struct thread *self, uint32_t reply);
must_use enum status ipc_reply_recv(struct cpu *cpu, struct thread *self, uint32_t endpoint,
                                    uint32_t reply);
must_use enum status ipc_signal(struct cpu *cpu, struct thread *self, uint32_t endpoint);

/// The common cases of call and reply_recv, whole: up to six words, no capabilities, the other
/// side waiting on the same CPU and next to run. Anything else goes on to syscall_general().
/// The lock is held. Arguments are where kern_syscall() has them.
struct arch_resume fast_call(uint64_t target, uint64_t tag, struct arch_frame *frame);
struct arch_resume fast_reply_recv(uint64_t target, uint64_t tag, struct arch_frame *frame);

/// A signal.
struct arch_resume fast_signal(uint64_t target, struct arch_frame *frame);

/// Any system call, with all that it is made of in its frame.
struct arch_resume syscall_general(struct arch_frame *frame);

/// Hands a message of `from` (its sending, badge and grant are set) to `to`, taken from its
/// queue or running. `from` then waits for a reply, or has its results (SEND).
void ipc_deliver(struct cpu *cpu, struct thread *from, struct thread *to);

/// Takes a thread that runs on another CPU off it, which stays free for others: it is READY, or
/// its fault has been sent. Does nothing to others.
void wait_fetch(struct cpu *cpu, struct thread *thread);

/// Takes a thread out of whatever wait it is in; its system call, if any, ends with `status`.
/// Then it is INACTIVE.
void wait_end(struct cpu *cpu, struct thread *thread, enum status status);

/// Treats the fault of a thread that was running. Returns as fault_send().
struct thread *fault_begin(struct cpu *cpu, struct thread *thread);

/// Makes a fault (thread->fault) of a thread that is in no queue a message to its endpoint
/// `first` or the one after. Returns a receiver that can go on now, or null.
struct thread *fault_send(struct cpu *cpu, struct thread *thread, enum thread_inner first);

/// Carries out a fault reply. Returns a thread that can go on now, or null.
struct thread *fault_answer(struct cpu *cpu, struct thread *thread, uint64_t action);

/// Sends a thread that does not run to its handler. False: it has none.
bool fault_divert(struct thread *thread);

/// Leaves a thread faulted, and tells its supervisor.
void fault_stay(struct cpu *cpu, struct thread *thread);
