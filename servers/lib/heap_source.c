// Where the heap of an ordinary server gets its slabs: regions of `memory`.
#include <lib/heap.h>
#include <lib/region.h>

static void *take(size_t bytes)
{
    return region_alloc(bytes, HEAP_SLAB_BITS);
}

const struct heap_source heap_source = {take, region_free};
