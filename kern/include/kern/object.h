/// What is common to objects with a node: how they die.
///
/// Any code may find that a node lost its last child; object_die() puts it in the graveyard.
/// core/delete.c empties the graveyard in bounded steps.
#pragma once

#include <kern/slot.h>

/// The dying, linked by dead_next; the newest first.
extern struct slot *graveyard;

/// Prepares the node at the start of a new object.
void object_init(struct slot *node, unsigned kind, void *object);

/// Puts a node in the graveyard, unless it is there.
void object_die(struct slot *node);
