/// The capability slots of this server, what it knows of each, and the memory that it uses
/// itself (the meta memory). Used by all the rest.
///
/// Who manages memory cannot ask anybody for memory, so everything here works without it:
/// records of slots lie in one array at a fixed address that grows with the CSpace, small
/// objects in slabs behind one another; both are carved from blocks that never come back.
#pragma once

#include <pith/syscall.h>
#include "tree.h"

enum cap_state {
    CAP_EMPTY,  ///< no capability, or one whose holder knows what it is
    CAP_FREE,   ///< Untyped, in the pool's list of its size
    CAP_SPLIT,  ///< Untyped, made into eight smaller ones
    CAP_USED,   ///< Untyped, holds one object or waits for it
    CAP_FRAME,  ///< Frame with a block of its own, `parent`
    CAP_PIECE,  ///< Frame capability for a part of a share
    CAP_TABLE,  ///< Untyped for a page table; `next` is the table's slot
    CAP_OBJECT, ///< Untyped for a client's kernel object; node.key its session
    CAP_DEVICE, ///< Untyped that is no RAM; `next` is the Frame of all of it, or 0
};

/// What is known of one slot.
struct cap {
    struct node node; ///< Frame: by address, or offset in its share. Table: address + level
    uint32_t
        parent;    ///< Untyped: the one it was split from. Frame: the Untyped it was made from
    uint32_t next; ///< free list; a session's list of objects
    uint32_t prev;
    uint16_t busy; ///< split Untyped: children not free. Table: pages or tables that need it.
                   ///< Object: 1: it is a page of the tenant's slots
    uint8_t bits;  ///< size of the Frame or Untyped
    uint8_t state; ///< enum cap_state
};
_Static_assert(sizeof(struct cap) == 40, "the reserve of a 14th of memory counts on it");

enum {
    GROUP_SLOTS = 8, ///< slots that an Untyped needs to be split, naturally aligned
    META_BITS = 18,  ///< block that is taken for own use at a time
    META_LOW = 24,   ///< pages left that make it time for the next
    GROUPS_LOW = 24, ///< groups left that make it time for another page of slots
};

// Where the parts of this server's own address space are.
#define CAPS_ADDRESS   0x200000000000ul /// struct cap of every slot
#define HEAP_ADDRESS   0x210000000000ul /// small objects: lib/heap.h's slabs
#define WINDOW_ADDRESS 0x220000000000ul /// two windows of 2 MiB onto other spaces' frames

static inline struct cap *cap_at(uint32_t slot)
{
    return &((struct cap *)CAPS_ADDRESS)[slot];
}

static inline uint32_t cap_slot(const struct cap *cap)
{
    return (uint32_t)(cap - (struct cap *)CAPS_ADDRESS);
}

/// Handle of this server's own VSpace.
extern uint32_t own_vspace;

/// Begins: slots [first, limit) are free, the first `meta` block holds `bytes`.
void own_slots_start(uint32_t first, uint32_t limit, uint32_t meta, uint64_t bytes);

/// Slots below this one have records.
uint32_t own_slots_limit(void);

/// An empty slot, or 0: no meta memory.
uint32_t slot_take(void);

/// The slot is empty again.
void slot_give(uint32_t slot);

/// GROUP_SLOTS empty slots from the result on, or 0.
uint32_t group_take(void);
void group_give(uint32_t first);

/// Deletes the capability in `slot`, which has no children, and gives the slot back.
void slot_drop(uint32_t slot);

/// Makes one object of `kind` in `slot` from the block `untyped`, to the last step.
enum status object_make(uint32_t untyped, uint32_t kind, uint32_t bits, uint32_t slot);

/// Deletes everything made from the Untyped in `slot`, to the last step.
void revoke(uint32_t slot);

/// Maps the Frame in `slot` into this server's own space.
enum status own_map(uint32_t slot, uint64_t address, uint32_t flags);

/// A kernel object for this server's own use, in a new slot; 0: no meta memory.
uint32_t own_object(uint32_t kind);

/// Sees that there is meta memory for what the next request may need. Before each request.
void meta_refill(void);

/// Bytes taken for own use so far.
uint64_t meta_bytes(void);
