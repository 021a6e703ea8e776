/// What the kernel's fuzzer (fuzz.c) and its victims (fuzz_victim.c) share.
#pragma once

#include "guest.h"

/// Handles of the victims' CSpace: sixteen for each kind, from 1 on. Those that are multiples
/// of 64 never name anything.
enum { HOME_SLOTS = 16, VICTIM_PAGES = 3, VICTIM_ADDRESS = 0x20000000 };

static inline uint32_t home_of(uint32_t kind)
{
    return 1 + (kind - 1) * HOME_SLOTS;
}

/// At the start of `user` in a victim's IPC buffer; its stack is behind.
struct victim {
    uint64_t random;
    uint64_t calls;
    uint64_t succeeded[SYSCALL_COUNT];
};
_Static_assert(sizeof(struct victim) < 512, "room for a stack in `user`");

/// Makes system calls for ever. `buffer` is its IPC buffer. Position-independent, in FAR.
void victim_run(uint64_t buffer, uint64_t, uint64_t);
/// Where a diverted victim goes: finds its buffer by its stack.
void victim_handler(void);
