/// Small objects for servers: slabs of one size class each. An empty slab goes back at once, so
/// free memory after the last heap_free is what it was before the first heap_alloc.
///
/// Sizes are rounded up to 16, 32, 48, 64, 96, 128, 192, 256, 512, 1024, 2016 bytes; what is
/// larger gets pages of its own. Alignment is 16.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Zeroed memory, or null.
__attribute__((warn_unused_result, malloc)) void *heap_alloc(size_t bytes);

/// Null is ignored. Anything that heap_alloc did not return, or twice, is an invariant broken.
void heap_free(void *object);

enum {
    HEAP_SLAB_BITS = 14,
};

/// Where slabs come from: zeroed, aligned to 2^HEAP_SLAB_BITS, whole pages. The library's own
/// asks the `memory` server; a server that may not call it defines this variable itself.
struct heap_source {
    void *(*take)(size_t bytes); ///< null: no memory
    void (*give)(void *address, size_t bytes);
};
extern const struct heap_source heap_source;

// ---------------------------------------------------------------- heaps that are kept
// (lib/kept.h)

/// Whether the heap is what it was made to be: every slab, its free objects, the lists.
bool heap_check(void);

/// Whether `object` is a place in a slab (checked before) where one of `bytes` can be. Before
/// a pointer that was kept is followed.
bool heap_holds(const void *object, size_t bytes);

#ifdef PITH_KEPT

/// Slabs were given back that `memory` has not got back. Only between requests, after the
/// commit.
bool heap_unsettled(void);
void heap_settle(void);

// Between heap.c and heap_kept.c.
bool heap_slab_check(const void *slab, uint64_t *bytes);
bool heap_slab_holds(const void *slab, const void *object, size_t bytes);
bool heap_lists_check(void);

#else

static inline bool heap_unsettled(void)
{
    return false;
}

static inline void heap_settle(void) {}

#endif
