// Who is to be told at which time: a binary heap, the earliest on top. Knows nothing of clocks
// or messages.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DEADLINES_MAX 4096u

/// Part of whatever waits. `place` is the heap's own.
struct deadline {
    uint64_t when;  ///< nanoseconds on the monotonic clock
    uint32_t place; ///< index + 1; 0: not in the heap
};

/// False: the heap is full.
bool deadlines_add(struct deadline *deadline);
/// Nothing happens if it is not in the heap.
void deadlines_remove(struct deadline *deadline);
/// Empties the heap, for who adds all of them again; their places are as before.
void deadlines_forget(void);
/// The earliest; null: none.
struct deadline *deadlines_first(void);
