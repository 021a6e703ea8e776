// See objects.h. A slab page starts with a header, then come the objects. What always holds:
// a slab with room is in the list of its class and use; one without is in none; an empty one
// does not exist.
#include "objects.h"

#include <lib/kept.h>
#include <lib/text.h>

#define CLASSES (OBJECT_BYTES_MAX / OBJECT_STEP + 1)

struct slab {
    struct slab *next, *previous;
    void *free;     // list through the first word of each free object
    uint16_t count; // objects in use
    uint16_t fresh; // objects that were never handed out, behind all others
    uint16_t class;
    uint16_t use;
    // objects follow
};

static KEPT struct heads {
    struct slab *of[PAGE_SERVER + 1][CLASSES];
} kept_heads;

void objects_init(void)
{
    memset(KEPT_VIEW(kept_heads), 0, sizeof kept_heads);
}

static size_t class_bytes(uint32_t class)
{
    return class == CLASSES ? OBJECT_BYTES_MAX : (size_t) class * OBJECT_STEP;
}

static uint32_t class_capacity(uint32_t class)
{
    return (uint32_t)((PAGE_BYTES - sizeof(struct slab)) / class_bytes(class));
}

static struct slab **slab_head(const struct slab *slab)
{
    return &KEPT_VIEW(kept_heads)->of[slab->use][slab->class - 1];
}

static void slab_link(struct slab *slab)
{
    struct slab **head = slab_head(slab);
    slab->next = *head;
    slab->previous = NULL;
    if (*head)
        (*head)->previous = slab;
    *head = slab;
}

static void slab_unlink(struct slab *slab)
{
    if (slab->previous)
        slab->previous->next = slab->next;
    else
        *slab_head(slab) = slab->next;
    if (slab->next)
        slab->next->previous = slab->previous;
}

static struct slab *slab_new(enum page_use use, uint32_t class)
{
    struct slab *slab = pages_take(use, true);
    if (!slab)
        return NULL;
    slab->class = (uint16_t) class;
    slab->use = (uint16_t)use;
    slab->fresh = (uint16_t)class_capacity(class);
    slab_link(slab);
    return slab;
}

void *object_new(enum page_use use, size_t bytes)
{
    uint32_t class = (uint32_t)((bytes + OBJECT_STEP - 1) / OBJECT_STEP);
    if (bytes == 0 || bytes > OBJECT_BYTES_MAX)
        return NULL;
    struct slab *slab = KEPT_VIEW(kept_heads)->of[use][class - 1];
    if (!slab && !(slab = slab_new(use, class)))
        return NULL;
    void *object = slab->free;
    if (object) {
        memcpy(&slab->free, object, sizeof slab->free);
    } else {
        uint32_t index = class_capacity(class) - slab->fresh--;
        object = (uint8_t *)(slab + 1) + index * class_bytes(class);
    }
    memset(object, 0, class_bytes(class));
    slab->count++;
    if (!slab->free && slab->fresh == 0)
        slab_unlink(slab);
    return object;
}

void object_free(void *object)
{
    if (!object)
        return;
    struct slab *slab = (struct slab *)((uintptr_t)object & ~(uintptr_t)(PAGE_BYTES - 1));
    if (!slab->free && slab->fresh == 0)
        slab_link(slab);
    memcpy(object, &slab->free, sizeof slab->free);
    slab->free = object;
    if (--slab->count == 0) {
        slab_unlink(slab);
        pages_give(slab);
    }
}

bool object_valid(const void *object, size_t bytes)
{
    const struct slab *slab =
        (const struct slab *)((uintptr_t)object & ~(uintptr_t)(PAGE_BYTES - 1));
    if (!object || !pages_holds(object, bytes) || slab->class == 0 || slab->class > CLASSES ||
        slab->use > PAGE_SERVER || bytes > class_bytes(slab->class))
        return false;
    size_t offset = (size_t)((const uint8_t *)object - (const uint8_t *)slab);
    uint32_t capacity = class_capacity(slab->class);
    return offset >= sizeof *slab && slab->count >= 1 && slab->count <= capacity &&
           (offset - sizeof *slab) % class_bytes(slab->class) == 0 &&
           (offset - sizeof *slab) / class_bytes(slab->class) < capacity - slab->fresh;
}
