/// Intrusive doubly linked lists. A struct list is the head and, inside an object, the link.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

/// The object of `type` whose member `member` is at `link`.
#define LIST_OBJECT(link, type, member)                                                        \
    ((type *)(void *)((char *)(link)-offsetof(type, member)))

/// Runs over the links; the current one may be removed inside.
#define LIST_EACH(link, head)                                                                  \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head);          \
         link = link##_next, link##_next = link->next)

static inline void list_start(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

/// Behind the last.
static inline void list_append(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

/// Safe to repeat: a removed link is a list of its own.
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_start(link);
}
