/// Free slots of the process's own CSpace.
#pragma once

#include <stdbool.h>
#include <lib/ipc.h>

enum {
    SLOTS_MAX = 32768, ///< what the largest directory in use (4 KiB) can name
};

/// Slots [first, limit) are free. Called once, by crt0 or libc's start-up.
void slots_start(uint32_t first, uint32_t limit) PITH_SYMBOL(slots_start);

/// A free slot, or 0: none, and `memory` gives no further page of slots.
PITH_CHECKED uint32_t slot_alloc(void) PITH_SYMBOL(slot_alloc);

/// The slot is empty (its capability was deleted or never came). 0 is ignored.
void slot_free(uint32_t slot) PITH_SYMBOL(slot_free);

/// Deletes the capability in the slot, which may be free already: for who frees the slot with a
/// commit and empties it afterwards.
void slot_empty(uint32_t slot) PITH_SYMBOL(slot_empty);

/// Deletes the capability in the slot, in as many steps as it takes, and frees the slot. 0 is
/// ignored. A capability that has children (E_BUSY) is revoked first.
void slot_delete(uint32_t slot) PITH_SYMBOL(slot_delete);

/// Whether the slot exists and was allocated.
PITH_CHECKED bool slot_taken(uint32_t slot) PITH_SYMBOL(slot_taken);

/// Instead of slots_start, for a server that goes on with what the instance before it had:
/// slots below `limit` exist, and each that counts as free may hold what that one left in it.
/// Until slots_sweep, slot_alloc empties what it gives.
void slots_resume(uint32_t limit) PITH_SYMBOL(slots_resume);

/// Empties all free slots from `first` on.
void slots_sweep(uint32_t first) PITH_SYMBOL(slots_sweep);
