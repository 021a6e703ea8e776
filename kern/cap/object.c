/// Nodes of objects, and the graveyard.
///
/// Always: a node is in the graveyard exactly if it is flagged SLOT_DYING, and a node without
/// children is in it (pages of slots, which never have children, excepted).
#include <kern/object.h>

struct slot *graveyard;

void object_init(struct slot *node, unsigned kind, void *object)
{
    node->kind = (uint8_t)kind;
    node->flags = SLOT_NODE;
    node->object = object;
}

void object_die(struct slot *node)
{
    if (node->flags & SLOT_DYING)
        return;
    node->flags |= SLOT_DYING;
    node->dead_next = graveyard;
    graveyard = node;
}
