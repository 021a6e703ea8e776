/// A slot: a place for one capability, and a node of the derivation tree.
///
/// Capabilities live in slots: in the pages of a CSpace, inside threads, behind interrupt
/// lines. Kernel objects with a life of their own (Thread, Endpoint, Reply, CSpace, a page of
/// slots) contain a slot too, their *node*: the parent of all capabilities of the object.
///
///     Untyped capability
///       +- node of an Endpoint          (in the object)
///       |    +- capability -- copy      (copies are siblings)
///       |         +- badged capability  (minted: child)
///       +- Frame capability
///            +- sub-Frame
///
/// An object dies when its node loses its last child. The node stays in the tree until the
/// object is buried, so its memory cannot be used again too early.
///
/// This file moves pointers; what a capability's end means to its object is core/delete.c's.
#pragma once

#include <arch/address.h>
#include <kern/check.h>
#include <pith/abi.h>

enum slot_flag {
    SLOT_NODE = 1,     ///< an object's node, not a capability
    SLOT_REVOKING = 2, ///< nothing may be derived from it or below it
    SLOT_INNER = 4,    ///< inside a thread, at index `inner`
    SLOT_DEVICE = 8,   ///< Untyped, Frame: not RAM of ours; never zeroed
    SLOT_DYING = 16,   ///< a node in the graveyard
    SLOT_LINE = 32,    ///< behind an interrupt line
};

struct slot {
    uint8_t kind;   ///< enum kind; KIND_NONE: empty, and then all else is zero
    uint8_t rights; ///< enum right
    uint8_t bits;   ///< log2 of the size in bytes: Untyped, Frame, CSpace
    uint8_t flags;
    uint8_t depth; ///< in the tree, at most DERIVATION_DEPTH
    uint8_t inner; ///< index among a thread's inner slots; PageTable: level where installed
    uint16_t unused;
    union {
        void *object;     ///< Thread, Endpoint, Reply, CSpace; a node: itself
        uint64_t address; ///< physical: Untyped, Frame, PageTable, VSpace; Irq, IoPort: first
    };
    union {
        uint64_t badge;     ///< Endpoint: identity or signal bits; 0: unbadged
        uint64_t mapped;    ///< Frame, PageTable: user address of the mapping
        uint64_t watermark; ///< Untyped: bytes handed out
        uint64_t count;     ///< Irq, IoPort
        uint64_t index;     ///< node of a page of slots: which page
    };
    union {
        uint64_t space;         ///< Frame, PageTable: id of the space of the mapping, 0: none;
                                ///< VSpace: its own id
        uint64_t zeroed;        ///< Untyped: bytes that are zero or handed out
        struct slot *dead_next; ///< a dying node: next in the graveyard
    };
    struct slot *parent;
    struct slot *child; ///< first one
    struct slot *next;  ///< siblings
    struct slot *prev;
};
_Static_assert(sizeof(struct slot) == SLOT_BYTES, "a slot is one cache line");

/// Steps up the tree before something is wrong: nodes count as levels.
#define SLOT_LEVELS (DERIVATION_DEPTH + 1)
/// cap_move takes along at most this many children at once.
#define SLOT_MOVE_CHILDREN 2048

/// How many slots are in the tree. What was taken and given back leaves it as it was.
extern uint64_t slot_count;

/// Makes `slot` the first child of `parent`, one level deeper.
void slot_add_child(struct slot *parent, struct slot *slot);

/// Makes `slot` the sibling after `source`.
void slot_add_sibling(struct slot *source, struct slot *slot);

/// Takes `slot`, which has no children, out of the tree. It keeps its contents.
void slot_unlink(struct slot *slot);

/// Empties a slot that is in no tree.
void slot_clear(struct slot *slot);

/// Moves a capability with its place in the tree to the empty slot `to`.
/// E_BUSY: it has more than SLOT_MOVE_CHILDREN children.
must_use enum status slot_move(struct slot *to, struct slot *from);

/// Hands the first child of `slot` to the parent of `slot`, as the sibling before it: an
/// untyped's children stay in the order of their addresses, highest first. Roots' children
/// become roots.
void slot_lift_child(struct slot *slot);

/// Whether something may be derived from `slot` `levels` deeper. E_BUSY: it or something above
/// it is being revoked. E_DEPTH.
must_use enum status slot_derivable(const struct slot *slot, unsigned levels);

/// A descendant of `slot` without children. `slot` has children.
struct slot *slot_leaf(struct slot *slot);
