/// What the director (ways.c) and its actors (ways_actor.c) share.
#pragma once

#include "guest.h"

enum {
    ACTORS = 6,
    REPLIES = 4, ///< of each CSpace
    CALLERS = 4,
    RECEIVERS = 2,
    SIGNALLERS = 4,
    ODDITIES = 12,
    RECORDS = 1900, ///< of one episode
    SHARED_PAGES = 19,
};

/// What an actor is about in an episode.
enum role {
    CLIENT,        ///< calls and signals, mostly
    SERVER,        ///< answers, mostly
    PROMPTER,      ///< never waits: signals and cancels, so that the others go on
    STRICT_CLIENT, ///< calls, and nothing else
    STRICT_SERVER, ///< answers, and nothing else
};

/// Handles of one CSpace, by what can be done with them.
struct names {
    uint32_t callers[CALLERS], receivers[RECEIVERS], signallers[SIGNALLERS], replies[REPLIES];
    uint32_t oddities[ODDITIES]; ///< of no right, no kind, no place
    uint32_t park;               ///< where an actor waits that has done its share
};

/// Everything that user code can see of a system call.
struct user_state {
    uint64_t rax, rdi, rsi, rdx, r8, r9, r10, r12, r13; ///< in, then out
    uint64_t rbx, rbp, r14, r15;                        ///< must stay as they are
    uint64_t rcx, r11;                                  ///< out
    uint64_t xmm, x87;                                  ///< in and out, of actors with FPU
};
_Static_assert(offsetof(struct user_state, xmm) == 120, "ways_actor.c: ways_issue");

struct actor {
    uint64_t random; ///< first: its FS base points here
    uint64_t calls, limit;
    struct ipc_buffer *buffer;
    const struct names *names;
    uint32_t role, thread, reply; ///< `thread`, `reply`: handles of its own
    uint32_t spare[MESSAGE_CAPS]; ///< slots where it receives capabilities
    bool fpu, parked;
};

struct record {
    uint64_t actor_call, status_cpu, badge, tag;
};

/// In pages that every actor's space maps at the same address.
struct shared {
    uint64_t hash;    ///< of all that was seen so far, in the order in which it was seen
    uint64_t records; ///< of this episode
    uint64_t last;    ///< when the last call was made
    uint64_t calls;
    uint64_t results[SYSCALL_COUNT + 1][64]; ///< how often each call ended with each status
    struct names names[2];
    struct actor actors[ACTORS];
    struct record log[RECORDS];
};
_Static_assert(sizeof(struct shared) <= SHARED_PAGES * PAGE, "SHARED_PAGES");

/// Makes system calls until it is parked, for ever.
void actor_run(uint64_t shared, uint64_t index, uint64_t unused);

static inline void hash_add(struct shared *s, uint64_t value)
{
    uint64_t h = (s->hash ^ value) * 0x9e3779b97f4a7c15;
    s->hash = h ^ h >> 29;
}

static inline uint64_t random_draw(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random >> 11;
}
