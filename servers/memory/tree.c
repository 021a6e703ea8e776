// Ordered maps (tree.h). Used by every other file of this server.
//
// A treap: a search tree by key and a heap by priority. Recursion is as deep as the tree, some
// 60 levels for a million nodes.
#include "tree.h"

static uint64_t priority(const struct node *node)
{
    uint64_t hash = (uint64_t)(uintptr_t)node;
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdul;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ul;
    return hash ^ hash >> 33;
}

static void update(const struct tree *tree, struct node *node)
{
    if (tree->update)
        tree->update(node);
}

/// All keys of `left` are below those of `right`.
static struct node *join(const struct tree *tree, struct node *left, struct node *right)
{
    if (!left)
        return right;
    if (!right)
        return left;
    if (priority(left) > priority(right)) {
        left->right = join(tree, left->right, right);
        update(tree, left);
        return left;
    }
    right->left = join(tree, left, right->left);
    update(tree, right);
    return right;
}

/// Keys below `key` go left, the others right.
static void split(const struct tree *tree, struct node *node, uint64_t key, struct node **left,
                  struct node **right)
{
    if (!node) {
        *left = *right = NULL;
    } else if (node->key < key) {
        split(tree, node->right, key, &node->right, right);
        *left = node;
        update(tree, node);
    } else {
        split(tree, node->left, key, left, &node->left);
        *right = node;
        update(tree, node);
    }
}

static struct node *insert(const struct tree *tree, struct node *root, struct node *node)
{
    if (!root || priority(node) > priority(root)) {
        split(tree, root, node->key, &node->left, &node->right);
        update(tree, node);
        return node;
    }
    struct node **side = node->key < root->key ? &root->left : &root->right;
    *side = insert(tree, *side, node);
    update(tree, root);
    return root;
}

void tree_insert(struct tree *tree, struct node *node, uint64_t key)
{
    *node = (struct node){.key = key};
    tree->root = insert(tree, tree->root, node);
}

static struct node *without(const struct tree *tree, struct node *root, struct node *node)
{
    if (root == node)
        return join(tree, node->left, node->right);
    struct node **side = node->key < root->key ? &root->left : &root->right;
    *side = without(tree, *side, node);
    update(tree, root);
    return root;
}

void tree_remove(struct tree *tree, struct node *node)
{
    tree->root = without(tree, tree->root, node);
}

static void touch(const struct tree *tree, struct node *root, struct node *node)
{
    if (root != node)
        touch(tree, node->key < root->key ? root->left : root->right, node);
    update(tree, root);
}

void tree_touch(struct tree *tree, struct node *node)
{
    touch(tree, tree->root, node);
}

struct node *tree_find(const struct tree *tree, uint64_t key)
{
    struct node *node = tree_floor(tree, key);
    return node && node->key == key ? node : NULL;
}

struct node *tree_floor(const struct tree *tree, uint64_t key)
{
    struct node *best = NULL;
    for (struct node *node = tree->root; node;) {
        if (node->key <= key)
            best = node;
        node = node->key <= key ? node->right : node->left;
    }
    return best;
}

struct node *tree_ceiling(const struct tree *tree, uint64_t key)
{
    struct node *best = NULL;
    for (struct node *node = tree->root; node;) {
        if (node->key >= key)
            best = node;
        node = node->key >= key ? node->left : node->right;
    }
    return best;
}
