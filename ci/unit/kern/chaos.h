/// Threads that do anything: for the random tests.
#pragma once

#include "tests.h"

enum { CHAOS_THREADS = 6 };

struct chaos {
    uint64_t seed;
    uint32_t untyped; ///< everything below is from here
    uint32_t endpoints[6];
    uint32_t replies[4];
    struct actor actors[CHAOS_THREADS];
};

uint64_t chaos_random(struct chaos *chaos);
/// Threads, endpoints with capabilities of all sorts, Replies.
void chaos_prepare(struct chaos *chaos, uint64_t seed);
/// Makes sure that somebody runs. False: nobody can.
bool chaos_revive(struct chaos *chaos);
/// A random message: number, target, tag, words.
uint64_t chaos_message(struct chaos *chaos, uint64_t *target, uint64_t *tag, uint64_t words[6]);
