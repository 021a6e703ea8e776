/* Tables of references (specification 4.2.7). */
#include "runtime.h"

#include <stdlib.h>
#include <string.h>

static bool charge(struct wasm_store *store, uint64_t elements)
{
    if (elements > store->limits.table_elements - store->table_elements)
        return false;
    store->table_elements += elements;
    return true;
}

struct wasm_table *wasm_table_new(struct wasm_store *store, const struct wasm_table_def *def)
{
    if (!charge(store, def->bounds.min))
        return NULL;
    struct wasm_table *t = calloc(1, sizeof *t);
    if (t)
        t->elements = calloc(def->bounds.min + (size_t)1, sizeof *t->elements);
    if (!t || !t->elements) {
        store->table_elements -= def->bounds.min;
        free(t);
        return NULL;
    }
    t->size = t->room = def->bounds.min;
    t->max = def->bounds.max;
    t->type = def->type;
    t->declared = def->bounds;
    t->store = store;
    t->next = store->tables;
    store->tables = t;
    return t;
}

void wasm_table_free(struct wasm_table *table)
{
    free(table->elements);
    free(table);
}

/* Room for `wanted` elements: twice what there was, so that a table that grows one by one is
 * not copied each time, unless the limit or the host allows less. */
static bool make_room(struct wasm_table *t, size_t wanted)
{
    if (wanted <= t->room)
        return true;
    size_t room = 2 * (size_t)t->room;
    if (room > t->store->limits.table_elements)
        room = (size_t)t->store->limits.table_elements;
    if (room < wanted || room > UINT32_MAX)
        room = wanted;
    uint64_t *elements = realloc(t->elements, (room + 1) * sizeof *elements);
    if (!elements && room > wanted) {
        room = wanted;
        elements = realloc(t->elements, (room + 1) * sizeof *elements);
    }
    if (!elements)
        return false;
    t->elements = elements;
    t->room = (uint32_t)room;
    return true;
}

int64_t wasm_table_grow(struct wasm_table *t, uint32_t count, uint64_t value)
{
    uint32_t old = t->size;
    if (count > t->max - old || !charge(t->store, count))
        return -1;
    if (!make_room(t, (size_t)old + count)) {
        t->store->table_elements -= count;
        return -1;
    }
    t->size = old + count;
    wasm_table_fill(t, old, value, count);
    return old;
}

static bool inside(const struct wasm_table *t, uint32_t at, uint32_t length)
{
    return (uint64_t)at + length <= t->size;
}

bool wasm_table_fill(struct wasm_table *t, uint32_t to, uint64_t value, uint32_t length)
{
    if (!inside(t, to, length))
        return false;
    for (uint32_t i = 0; i < length; i++)
        t->elements[to + i] = value;
    return true;
}

bool wasm_table_copy(struct wasm_table *to_table, uint32_t to, struct wasm_table *from_table,
                     uint32_t from, uint32_t length)
{
    if (!inside(to_table, to, length) || !inside(from_table, from, length))
        return false;
    memmove(to_table->elements + to, from_table->elements + from,
            length * sizeof *to_table->elements);
    return true;
}

bool wasm_table_init(struct wasm_instance *instance, uint32_t table, uint32_t segment,
                     uint32_t to, uint32_t from, uint32_t length)
{
    const struct wasm_element_values *e = &instance->elements[segment];
    struct wasm_table *t = instance->tables[table];
    if (!inside(t, to, length) || (uint64_t)from + length > e->count)
        return false;
    if (length)
        memcpy(t->elements + to, e->values + from, length * sizeof *t->elements);
    return true;
}

void wasm_element_drop(struct wasm_instance *instance, uint32_t segment)
{
    struct wasm_element_values *e = &instance->elements[segment];
    free(e->values);
    *e = (struct wasm_element_values){NULL, 0};
}
