// See deadlines.h. Called by waits.c. What always holds: no element is later than those below
// it, and each knows its place.
#include "deadlines.h"

#include <stddef.h>

#include <lib/kept.h>

static KEPT struct deadlines {
    struct deadline *heap[DEADLINES_MAX];
    uint32_t count;
} all;

static struct deadline **heap(void)
{
    return KEPT_VIEW(all)->heap;
}

static void put(struct deadline *deadline, uint32_t index)
{
    heap()[index] = deadline;
    deadline->place = index + 1;
}

static void sift_up(struct deadline *deadline, uint32_t index)
{
    while (index > 0 && heap()[(index - 1) / 2]->when > deadline->when) {
        put(heap()[(index - 1) / 2], index);
        index = (index - 1) / 2;
    }
    put(deadline, index);
}

static void sift_down(struct deadline *deadline, uint32_t index)
{
    uint32_t count = KEPT_VIEW(all)->count;
    for (uint32_t child; (child = 2 * index + 1) < count; index = child) {
        if (child + 1 < count && heap()[child + 1]->when < heap()[child]->when)
            child++;
        if (heap()[child]->when >= deadline->when)
            break;
        put(heap()[child], index);
    }
    put(deadline, index);
}

bool deadlines_add(struct deadline *deadline)
{
    struct deadlines *deadlines = KEPT_VIEW(all);
    if (deadlines->count == DEADLINES_MAX)
        return false;
    sift_up(deadline, deadlines->count++);
    return true;
}

void deadlines_remove(struct deadline *deadline)
{
    if (deadline->place == 0)
        return;
    uint32_t index = deadline->place - 1;
    deadline->place = 0;
    struct deadline *last = heap()[--KEPT_VIEW(all)->count];
    if (last == deadline)
        return;
    if (index > 0 && heap()[(index - 1) / 2]->when > last->when)
        sift_up(last, index);
    else
        sift_down(last, index);
}

struct deadline *deadlines_first(void)
{
    return KEPT_VIEW(all)->count ? heap()[0] : NULL;
}

void deadlines_forget(void)
{
    KEPT_VIEW(all)->count = 0;
}
