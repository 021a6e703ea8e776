/// Untyped memory: one watermark below which memory is handed out, one mark up to which it is
/// zero. Used by retype and start-up.
#pragma once

#include <kern/slot.h>

#define UNTYPED_BITS_MIN 12
#define UNTYPED_BITS_MAX 47
/// Bytes that one call zeroes at most: the bound of a step.
#define UNTYPED_ZERO_STEP 65536

/// Fills `slot` with the capability for 2^bits bytes at `start`, of which the first `zeroed`
/// are zero. It is in no tree yet.
void untyped_create(struct slot *slot, struct phys start, unsigned bits, bool device,
                    uint64_t zeroed);

/// Finds `bytes` at the watermark, aligned to 2^align. Without children all of it is free
/// again. With `zero` the memory is zeroed, a step at a time: E_MORE. Nothing is handed out
/// yet. E_NOMEM.
must_use enum status untyped_reserve(struct slot *untyped, uint64_t bytes, unsigned align,
                                     bool zero, uint64_t *offset);

/// Hands out what untyped_reserve() found. Cannot fail.
void untyped_take(struct slot *untyped, uint64_t offset, uint64_t bytes);

/// How many of the `bytes` at `offset` are known to be zero, from the start.
uint64_t untyped_zeroed(const struct slot *untyped, uint64_t offset, uint64_t bytes);
