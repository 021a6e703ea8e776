/// Ordered maps from 64-bit keys to objects that contain a struct node: a treap, so every
/// operation takes a time logarithmic in the number of nodes. Nothing is allocated.
///
/// Priorities are a hash of the node's address, which no client chooses.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node {
    uint64_t key;
    struct node *left;
    struct node *right;
};

/// Zeroed is empty. `update`, where set, recomputes what a node says about the subtree below
/// it.
struct tree {
    struct node *root;
    void (*update)(struct node *node);
};

/// The object of `type` that contains `node`; `node` may be null.
#define NODE_OBJECT(node_, type)                                                               \
    ((type *)(void *)((node_) ? (char *)(node_)-offsetof(type, node) : NULL))

/// The key must not be in the tree.
void tree_insert(struct tree *tree, struct node *node, uint64_t key);

/// The node must be in the tree.
void tree_remove(struct tree *tree, struct node *node);

/// What the node says about itself has changed: updates all above it.
void tree_touch(struct tree *tree, struct node *node);

/// The node with exactly this key, the greatest at most this key, the least at least this key;
/// or null.
struct node *tree_find(const struct tree *tree, uint64_t key);
struct node *tree_floor(const struct tree *tree, uint64_t key);
struct node *tree_ceiling(const struct tree *tree, uint64_t key);
