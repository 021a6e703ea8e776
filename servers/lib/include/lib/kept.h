/// State that outlasts an instance of its server: docs/restart.md explains, docs/adr/0009 says
/// why.
///
/// A server that keeps its state is compiled so that every store calls kept_note() first. What
/// it finds in the kept ranges goes into the log of old contents, until the next commit. An
/// instance that was stopped in the middle left that log, and its successor undoes what it
/// says: the state is then as it was before the request in progress, whose caller gets E_DEAD
/// and sends it again.
///
///     0x40000000      variables marked KEPT, and the log
///     0x44000000      the heap (heap_kept.c)
///     0x48000000
///     0x100000000000  what a server reserves itself for good (`files`: its pages)
///
/// Everything else, stack and ordinary variables, begins afresh with each instance.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pith/syscall.h>

#define KEPT_AT    0x40000000ul
#define KEPT_HEAP  0x44000000ul
#define KEPT_END   0x48000000ul
#define KEPT_PAGES 0x100000000000ul

struct startup;

#ifdef PITH_KEPT

/// Behind `static` or alone: a variable that outlasts the instance. It has no initial value but
/// zeroes, and is reached through KEPT_VIEW only.
#define KEPT __attribute__((section(".kept,\"aw\",@nobits#")))

/// A pointer to a KEPT variable. The compiler takes stores to variables that it knows for safe
/// and does not announce them; this hides which one it is.
#define KEPT_VIEW(variable) ((__typeof__(variable) *)kept_hide(&(variable)))

static inline void *kept_hide(void *variable)
{
    __asm__("" : "+r"(variable));
    return variable;
}

/// [address, address + bytes) is about to change.
void kept_note(const void *address, size_t bytes);

/// What was changed since the last commit stays.
void kept_commit(void);

/// What was changed since the last commit is undone.
void kept_undo(void);

/// Copies without a note: for contents that an unfinished request may leave in part.
void kept_copy(void *to, const void *from, size_t bytes);

/// How many words one request may change. The library's value may be replaced by a server's.
extern uint32_t kept_words_max;

/// How many more it may now.
uint32_t kept_room(void);

/// Before all else: makes the ranges, or takes them over from the instance before.
void kept_start(const struct startup *startup);

/// The instance is known to serve, by init too, and may make the system calls below: where it
/// is stopped from here on is what its successor is told, and not what it was told itself. What
/// the first one keeps is complete; had it ended before, it would have left nothing.
void kept_begin(void);

/// Whether there was an instance before, whose state is to be looked through and used.
bool kept_former(void);

// System calls that commit what was changed since the last commit in the instant in which they
// are carried out: never one without the other, wherever the thread is stopped.

/// Commits, even where the caller is gone. The first also waits for the next message.
enum status kept_reply_recv(uint32_t endpoint, uint32_t reply, struct message *m);
enum status kept_answer(uint32_t reply, struct message *m);

/// Commits if the status is OK, else undoes.
enum status kept_reply(uint32_t reply, struct message *m);
enum status kept_signal(uint32_t handle);
/// sys_thread_control without results.
enum status kept_thread_control(uint32_t thread, enum thread_op op, uint64_t a);
/// sys_ioport, for output.
enum status kept_ioport(uint32_t port, uint32_t flags, uint32_t number, uint32_t value);

#else

#define KEPT
#define KEPT_VIEW(variable) (&(variable))

static inline void kept_note(const void *address, size_t bytes)
{
    (void)address, (void)bytes;
}

static inline void kept_commit(void) {}

static inline void kept_undo(void) {}

static inline void kept_copy(void *to, const void *from, size_t bytes)
{
    __builtin_memcpy(to, from, bytes);
}

static inline void kept_start(const struct startup *startup)
{
    (void)startup;
}

static inline void kept_begin(void) {}

static inline bool kept_former(void)
{
    return false;
}

static inline enum status kept_reply_recv(uint32_t endpoint, uint32_t reply, struct message *m)
{
    return sys_reply_recv(endpoint, reply, m);
}

static inline enum status kept_answer(uint32_t reply, struct message *m)
{
    return sys_reply(reply, m);
}

static inline enum status kept_reply(uint32_t reply, struct message *m)
{
    return sys_reply(reply, m);
}

static inline enum status kept_signal(uint32_t handle)
{
    return sys_signal(handle);
}

static inline uint32_t kept_room(void)
{
    return UINT32_MAX;
}

#endif
