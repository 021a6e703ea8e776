/// Regions of zeroed memory from the `memory` server.
#pragma once

#include <stddef.h>
#include <lib/ipc.h>

/// `bytes` (rounded up to pages) reserved and committed, aligned to 2^align_bits (at least 12).
/// Null: no memory.
PITH_CHECKED void *region_alloc(size_t bytes, uint32_t align_bits) PITH_SYMBOL(region_alloc);

/// Gives addresses and pages back. Null is ignored.
void region_free(void *address, size_t bytes) PITH_SYMBOL(region_free);
