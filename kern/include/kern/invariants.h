/// The kernel's own examination: every capability, queue and mapping. Used by debug CHECK and
/// by the host tests after random operations. Not bounded: tools only.
#pragma once

#include <stdint.h>

/// The parent of all that start-up made.
extern struct slot slot_root;

/// Panics at the first broken invariant; returns how many slots it saw.
uint64_t invariants_check(void);
