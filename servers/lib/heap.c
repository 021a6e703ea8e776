// The heap: see lib/heap.h. A slab is 2^HEAP_SLAB_BITS bytes, aligned to its size, so that an
// object's slab is found by masking its address:
//
//      | struct slab (64 bytes) | object | object | ...
//
// Slabs with a free object are in their class's list; a large object is alone in its slab,
// whose size is larger.
#include <lib/heap.h>
#include <lib/kept.h>
#include <lib/list.h>
#include <lib/log.h>
#include <stdint.h>

enum {
    SLAB_BYTES = 1 << HEAP_SLAB_BITS,
    SLAB_MAGIC = 0x62616c73,
    CLASSES = 11,
};

static const uint16_t class_bytes[CLASSES] = {16,  32,  48,  64,   96,  128,
                                              192, 256, 512, 1024, 2016};

struct slab {
    struct list link; // in partial[kind], while it has a free object
    void *free;       // freed objects, each pointing to the next
    uint64_t bytes;   // of the whole slab
    uint32_t magic;
    uint16_t kind;  // CLASSES: a large object
    uint16_t used;  // objects
    uint32_t fresh; // offset of the first object that was never used
    uint32_t pad[5];
};
_Static_assert(sizeof(struct slab) == 64, "objects start 64 bytes into the slab");

static KEPT struct partial {
    struct list of[CLASSES];
} lists;

static struct list *partial(uint32_t kind)
{
    return &KEPT_VIEW(lists)->of[kind];
}

static struct slab *slab_create(uint32_t kind, uint64_t bytes)
{
    struct slab *slab = heap_source.take(bytes);
    if (!slab)
        return 0;
    list_start(&slab->link);
    slab->bytes = bytes;
    slab->magic = SLAB_MAGIC;
    slab->kind = (uint16_t)kind;
    slab->fresh = sizeof *slab;
    return slab;
}

static void slab_destroy(struct slab *slab)
{
    list_remove(&slab->link);
    slab->magic = 0;
    heap_source.give(slab, slab->bytes);
}

static uint32_t class_of(size_t bytes)
{
    uint32_t kind = 0;
    while (kind < CLASSES && class_bytes[kind] < bytes)
        kind++;
    return kind;
}

/// The slab has a free object.
static void *slab_alloc(struct slab *slab)
{
    uint32_t bytes = class_bytes[slab->kind];
    void *object = slab->free;
    if (object) {
        slab->free = *(void **)object;
        __builtin_memset(object, 0, bytes);
    } else {
        object = (char *)slab + slab->fresh;
        slab->fresh += bytes;
    }
    slab->used++;
    if (!slab->free && slab->fresh + bytes > SLAB_BYTES)
        list_remove(&slab->link);
    return object;
}

void *heap_alloc(size_t bytes)
{
    uint32_t kind = class_of(bytes);
    if (kind == CLASSES) {
        if (bytes > SIZE_MAX / 2)
            return 0;
        struct slab *large = slab_create(CLASSES, (sizeof *large + bytes + 4095) & ~4095ul);
        return large ? large + 1 : 0;
    }
    if (!partial(kind)->next)
        list_start(partial(kind));
    if (list_empty(partial(kind))) {
        struct slab *slab = slab_create(kind, SLAB_BYTES);
        if (!slab)
            return 0;
        list_append(partial(kind), &slab->link);
    }
    return slab_alloc(LIST_OBJECT(partial(kind)->next, struct slab, link));
}

void heap_free(void *object)
{
    if (!object)
        return;
    struct slab *slab = (struct slab *)((uintptr_t)object & ~(uintptr_t)(SLAB_BYTES - 1));
    CHECK(slab->magic == SLAB_MAGIC);
    if (slab->kind == CLASSES) {
        slab_destroy(slab);
        return;
    }
    CHECK(slab->used > 0);
    *(void **)object = slab->free;
    slab->free = object;
    if (--slab->used == 0)
        slab_destroy(slab);
    else if (list_empty(&slab->link))
        list_append(partial(slab->kind), &slab->link);
}

#ifdef PITH_KEPT

// ---------------------------------------------------------------- checks of a kept heap

static bool is_place(const struct slab *slab, const void *object)
{
    uint64_t offset = (uint64_t)object - (uint64_t)slab;
    return offset >= sizeof *slab && offset < slab->fresh &&
           (offset - sizeof *slab) % class_bytes[slab->kind] == 0;
}

bool heap_slab_check(const void *address, uint64_t *bytes)
{
    const struct slab *slab = address;
    if (slab->magic != SLAB_MAGIC || slab->kind > CLASSES)
        return false;
    *bytes = slab->bytes;
    if (slab->kind == CLASSES)
        return slab->bytes % 4096 == 0;
    uint32_t size = class_bytes[slab->kind], places = (slab->fresh - sizeof *slab) / size;
    if (slab->bytes != SLAB_BYTES || slab->fresh < sizeof *slab || slab->fresh > SLAB_BYTES ||
        (slab->fresh - sizeof *slab) % size || slab->used == 0 || slab->used > places)
        return false;
    uint32_t free = 0;
    for (const void *object = slab->free; object; object = *(void *const *)object)
        if (!is_place(slab, object) || ++free > places)
            return false;
    return slab->used + free == places;
}

bool heap_slab_holds(const void *address, const void *object, size_t bytes)
{
    const struct slab *slab = address;
    if (slab->magic != SLAB_MAGIC || slab->kind > CLASSES)
        return false;
    if (slab->kind == CLASSES)
        return object == slab + 1 && bytes <= slab->bytes - sizeof *slab;
    return is_place(slab, object) && bytes <= class_bytes[slab->kind];
}

bool heap_lists_check(void)
{
    for (uint32_t kind = 0; kind < CLASSES; kind++) {
        const struct list *head = partial(kind), *before = head;
        for (const struct list *link = head->next; link && link != head; link = link->next) {
            const struct slab *slab = LIST_OBJECT(link, const struct slab, link);
            if (!heap_holds(slab + 1, 1) || slab->kind != kind || link->prev != before)
                return false;
            before = link;
        }
        if (head->next && head->prev != before)
            return false;
    }
    return true;
}

#endif
