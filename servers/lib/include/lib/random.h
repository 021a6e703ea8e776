/// Random bytes: ChaCha20 (RFC 8439, section 2.3) with fast key erasure: each use replaces the
/// key, so that what was given out cannot be computed from the state later.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct random {
    uint32_t key[8];
};

/// Mixes 32 bytes into the key. What an attacker knows cannot make it worse.
void random_mix(struct random *random, const uint64_t words[4]);
/// Fills `to`.
void random_bytes(struct random *random, void *to, size_t bytes);
/// The block function: RFC 8439's state of constants, `key`, `counter` and a zero nonce.
void random_block(const uint32_t key[8], uint32_t counter, uint32_t out[16]);
