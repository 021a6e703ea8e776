/* Exports by name: that no two have the same, and which has a given one.
 *
 * The names are sorted once, by merging, since a libc's qsort may take the square of the time
 * for an order that a module chooses. */
#include "module.h"

#include <stdlib.h>
#include <string.h>

static int compare_names(struct wasm_name a, struct wasm_name b)
{
    if (a.length != b.length)
        return a.length < b.length ? -1 : 1;
    return a.length ? memcmp(a.bytes, b.bytes, a.length) : 0;
}

static struct wasm_name name_of(const struct wasm_module *m, uint32_t index)
{
    return m->exports.items[index].name;
}

/* Merges the sorted [0, middle) and [middle, end) of `from` to `to`. */
static void merge(const struct wasm_module *m, const uint32_t *from, uint32_t *to,
                  size_t middle, size_t end)
{
    size_t left = 0, right = middle;
    for (size_t at = 0; at < end; at++) {
        bool take_left = right == end ||
                         (left < middle &&
                          compare_names(name_of(m, from[left]), name_of(m, from[right])) <= 0);
        to[at] = take_left ? from[left++] : from[right++];
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Sorts `order`, of `count` indices; `other` is room for as many. Returns which of the two has
 * the result. */
static uint32_t *sort(const struct wasm_module *m, uint32_t *order, uint32_t *other,
                      size_t count)
{
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t at = 0; at < count; at += 2 * width)
            merge(m, order + at, other + at, smaller(width, count - at),
                  smaller(2 * width, count - at));
        uint32_t *sorted = other;
        other = order;
        order = sorted;
    }
    return order;
}

static _Noreturn void refuse(struct wasm_loader *l, const struct wasm_reader *r,
                             struct wasm_name twice)
{
    char text[81];
    wasm_name_copy(twice, text, sizeof text);
    wasm_fail_at(&l->failure, WASM_INVALID, wasm_reader_offset(r),
                 "duplicate export name \"%s\"", text);
}

void wasm_exports_sort(struct wasm_loader *l, const struct wasm_reader *r)
{
    struct wasm_module *m = l->module;
    size_t count = m->exports.count;
    m->exports_by_name = malloc((count + 1) * sizeof *m->exports_by_name);
    uint32_t *other = malloc((count + 1) * sizeof *other);
    if (!m->exports_by_name || !other) {
        free(other);
        wasm_no_memory(&l->failure);
    }
    for (size_t i = 0; i < count; i++)
        m->exports_by_name[i] = (uint32_t)i;
    uint32_t *sorted = sort(m, m->exports_by_name, other, count);
    other = sorted == other ? m->exports_by_name : other;
    m->exports_by_name = sorted;
    free(other);
    for (size_t i = 1; i < count; i++) {
        struct wasm_name name = name_of(m, sorted[i]);
        if (compare_names(name_of(m, sorted[i - 1]), name) == 0)
            refuse(l, r, name);
    }
}

const struct wasm_export_def *wasm_export_find(const struct wasm_module *m,
                                               struct wasm_name name)
{
    size_t low = 0, high = m->exports.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_names(name, name_of(m, m->exports_by_name[middle]));
        if (order == 0)
            return &m->exports.items[m->exports_by_name[middle]];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
