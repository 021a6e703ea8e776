/* Finding by name: a PATRICIA tree, in which no choice of keys makes a search longer than its
 * key has bits. So no module makes one that is slow, as it could with a hash.
 *
 * Used by the store, for function types and for what imports may be linked to. A node is part
 * of what it finds, which owns it and the bytes of its key; a tree only grows. */
#ifndef WASM_TREE_H
#define WASM_TREE_H

#include "wasm/wasm.h"

/* Two strings of any bytes: of a definition, module and name; of a type, parameters and
 * results.
 */
struct wasm_key {
    struct wasm_name first, second;
};

struct wasm_tree_node {
    struct wasm_key key;
    /* Which bit of a key this node looks at, and where a 0 or 1 leads: to a node that looks at
     * a later bit, or up to the one node that is left. */
    uint64_t bit;
    struct wasm_tree_node *branch[2];
};

/* The node with this key, or NULL. */
struct wasm_tree_node *wasm_tree_find(struct wasm_tree_node *root, struct wasm_key key);

/* Adds a node whose key is set; the tree has none that equals it. */
void wasm_tree_add(struct wasm_tree_node **root, struct wasm_tree_node *node);

#endif
