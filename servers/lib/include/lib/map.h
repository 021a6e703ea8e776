/// A hash table from 64-bit keys to objects that contain a struct map_node.
#pragma once

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

struct map_node {
    uint64_t key;
    struct map_node *next;
};

/// Zeroed is empty. Grows by doubling, from the heap; gives everything back when it gets empty.
struct map {
    struct map_node **buckets;
    uint32_t bucket_count; ///< 0 or a power of two
    uint32_t count;
};

/// Null: no such key.
struct map_node *map_find(const struct map *map, uint64_t key);

/// False: no memory. The key must not be in the map.
__attribute__((warn_unused_result)) bool map_add(struct map *map, struct map_node *node,
                                                 uint64_t key);

/// The node must be in the map.
void map_remove(struct map *map, struct map_node *node);

/// Any node, null: empty.
struct map_node *map_first(const struct map *map);

/// Runs over the nodes; the current one may be removed inside, if the map does not get empty.
#define MAP_EACH(node, map)                                                                    \
    for (uint32_t bucket_ = 0; bucket_ < (map)->bucket_count; bucket_++)                       \
        for (struct map_node *node = (map)->buckets[bucket_], *node##_next;                    \
             node && (node##_next = node->next, true); node = node##_next)

/// A key from bytes (FNV-1a): for names. Equal names have equal keys; compare the names too.
uint64_t map_hash(const void *bytes, size_t size);
