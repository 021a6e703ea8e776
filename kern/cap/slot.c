/// The derivation tree: pointers between slots.
///
/// Everything that makes, moves or ends a capability calls this. Always: a slot's siblings form
/// a list from parent->child on; depth grows by at least one from parent to child.
#include <kern/slot.h>

uint64_t slot_count;

void slot_add_child(struct slot *parent, struct slot *slot)
{
    slot_count++;
    slot->parent = parent;
    slot->depth = parent->depth + 1;
    slot->prev = NULL;
    slot->next = parent->child;
    if (slot->next)
        slot->next->prev = slot;
    parent->child = slot;
}

void slot_add_sibling(struct slot *source, struct slot *slot)
{
    slot_count++;
    slot->parent = source->parent;
    slot->depth = source->depth;
    slot->prev = source;
    slot->next = source->next;
    if (slot->next)
        slot->next->prev = slot;
    source->next = slot;
}

void slot_unlink(struct slot *slot)
{
    ASSERT(unlink_leaf, !slot->child);
    slot_count--;
    if (slot->prev)
        slot->prev->next = slot->next;
    else
        slot->parent->child = slot->next;
    if (slot->next)
        slot->next->prev = slot->prev;
}

void slot_clear(struct slot *slot)
{
    *slot = (struct slot){.kind = KIND_NONE};
}

enum status slot_move(struct slot *to, struct slot *from)
{
    unsigned children = 0;
    for (struct slot *child = from->child; child; child = child->next)
        CHECK(move_bounded, children++ < SLOT_MOVE_CHILDREN, E_BUSY);
    *to = *from;
    if (to->prev)
        to->prev->next = to;
    else
        to->parent->child = to;
    if (to->next)
        to->next->prev = to;
    for (struct slot *child = to->child; child; child = child->next)
        child->parent = to;
    slot_clear(from);
    return OK;
}

void slot_lift_child(struct slot *slot)
{
    struct slot *child = slot->child;
    slot->child = child->next;
    if (child->next)
        child->next->prev = NULL;
    child->parent = slot->parent; // its depth stays an upper bound for its own children
    child->prev = slot->prev;
    child->next = slot;
    if (child->prev)
        child->prev->next = child;
    else
        child->parent->child = child;
    slot->prev = child;
}

enum status slot_derivable(const struct slot *slot, unsigned levels)
{
    CHECK(derive_depth, slot->depth + levels <= DERIVATION_DEPTH, E_DEPTH);
    for (const struct slot *above = slot; above; above = above->parent)
        CHECK(derive_revoking, !(above->flags & SLOT_REVOKING), E_BUSY);
    return OK;
}

struct slot *slot_leaf(struct slot *slot)
{
    while (slot->child)
        slot = slot->child;
    return slot;
}
