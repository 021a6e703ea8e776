/* Finding by name; see tree.h. */
#include "tree.h"

#include <string.h>

/* Bit `bit` of a key, from 1 on: nine for each byte, the first of which says that there is one;
 * zeros between the two strings and from the end on. So no key is the beginning of another. Bit
 * 0, which the first node looks at, is 0 in all. */
static unsigned key_bit(const struct wasm_key *key, uint64_t bit)
{
    enum { BITS = 9 };
    if (bit == 0)
        return 0;
    uint64_t at = (bit - 1) / BITS;
    unsigned part = (unsigned)((bit - 1) % BITS);
    const struct wasm_name *name = &key->first;
    if (at > name->length) {
        at -= name->length + 1;
        name = &key->second;
    }
    if (at >= name->length)
        return 0;
    return part == 0 ? 1 : (unsigned char)name->bytes[at] >> (part - 1) & 1u;
}

static bool names_equal(struct wasm_name a, struct wasm_name b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

/* Where a search for `key` leads that looks at bits before `end`: to a node that looks at a
 * later one, or at no bit behind that of the node before. `*link` leads there. */
static struct wasm_tree_node *search(struct wasm_tree_node **root, const struct wasm_key *key,
                                     uint64_t end, struct wasm_tree_node ***link)
{
    struct wasm_tree_node *at = *root, *from = NULL;
    *link = root;
    while (at && (!from || at->bit > from->bit) && at->bit < end) {
        from = at;
        *link = &at->branch[key_bit(key, at->bit)];
        at = **link;
    }
    return at;
}

struct wasm_tree_node *wasm_tree_find(struct wasm_tree_node *root, struct wasm_key key)
{
    struct wasm_tree_node **link, *near = search(&root, &key, UINT64_MAX, &link);
    bool same = near && names_equal(near->key.first, key.first) &&
                names_equal(near->key.second, key.second);
    return same ? near : NULL;
}

void wasm_tree_add(struct wasm_tree_node **root, struct wasm_tree_node *node)
{
    struct wasm_tree_node **link, *near = search(root, &node->key, UINT64_MAX, &link);
    node->bit = 0;
    while (near && key_bit(&node->key, node->bit) == key_bit(&near->key, node->bit))
        node->bit++;
    unsigned own = key_bit(&node->key, node->bit);
    node->branch[own] = node;
    node->branch[!own] = near ? search(root, &node->key, node->bit, &link) : node;
    *link = node;
}
