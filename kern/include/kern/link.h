/// Circular doubly linked lists: endpoint queues and ready queues.
///
/// A list is a struct link of its own that is never an element; an empty one points at itself.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *next;
    struct link *prev;
};

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

static inline void link_init(struct link *list)
{
    list->next = list->prev = list;
}

static inline bool link_empty(const struct link *list)
{
    return list->next == list;
}

static inline void link_insert(struct link *before, struct link *item)
{
    struct link *prev = before->prev;
    item->next = before;
    item->prev = prev;
    prev->next = item;
    before->prev = item;
}

static inline void link_append(struct link *list, struct link *item)
{
    link_insert(list, item);
}

static inline void link_prepend(struct link *list, struct link *item)
{
    link_insert(list->next, item);
}

/// Of a list that is not empty.
static inline void link_remove_first(struct link *list)
{
    struct link *second = list->next->next;
    list->next = second;
    second->prev = list;
}

static inline void link_remove(struct link *item)
{
    item->next->prev = item->prev;
    item->prev->next = item->next;
}
