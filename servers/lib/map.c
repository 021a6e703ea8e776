// The hash table of lib/map.h: chains, and as many buckets as nodes at most.
#include <lib/map.h>
#include <lib/heap.h>

enum {
    BUCKETS_MIN = 8,
};

static struct map_node **bucket(const struct map *map, uint64_t key)
{
    uint64_t mixed = key * 0x9e3779b97f4a7c15ul;
    return &map->buckets[(mixed >> 32) & (map->bucket_count - 1)];
}

struct map_node *map_find(const struct map *map, uint64_t key)
{
    if (!map->count)
        return 0;
    struct map_node *node = *bucket(map, key);
    while (node && node->key != key)
        node = node->next;
    return node;
}

static void insert(struct map *map, struct map_node *node)
{
    struct map_node **head = bucket(map, node->key);
    node->next = *head;
    *head = node;
}

static bool grow(struct map *map)
{
    struct map old = *map;
    map->bucket_count = old.bucket_count ? old.bucket_count * 2 : BUCKETS_MIN;
    map->buckets = heap_alloc(map->bucket_count * sizeof *map->buckets);
    if (!map->buckets) {
        *map = old;
        return false;
    }
    for (uint32_t i = 0; i < old.bucket_count; i++) {
        for (struct map_node *node = old.buckets[i], *next; node; node = next) {
            next = node->next;
            insert(map, node);
        }
    }
    heap_free(old.buckets);
    return true;
}

bool map_add(struct map *map, struct map_node *node, uint64_t key)
{
    // Without memory to grow, longer chains serve as well.
    if (map->count == map->bucket_count && !grow(map) && !map->bucket_count)
        return false;
    node->key = key;
    insert(map, node);
    map->count++;
    return true;
}

void map_remove(struct map *map, struct map_node *node)
{
    struct map_node **at = bucket(map, node->key);
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    if (--map->count == 0) {
        heap_free(map->buckets);
        *map = (struct map){0};
    }
}

struct map_node *map_first(const struct map *map)
{
    for (uint32_t i = 0; i < map->bucket_count; i++) {
        if (map->buckets[i])
            return map->buckets[i];
    }
    return 0;
}

uint64_t map_hash(const void *bytes, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325ul;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3ul;
    return hash;
}
