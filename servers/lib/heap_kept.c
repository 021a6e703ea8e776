// Where the heap of a server that keeps its state gets its slabs: chunks at fixed addresses,
// committed while they are in use. Which chunks those are is kept state too, so that the next
// instance can tell them from others. What an unfinished request gave back must still be there
// when that is undone: chunks go back to `memory` after the commit (heap_settle).
#include <lib/heap.h>
#include <lib/kept.h>
#include <lib/session.h>
#include <proto/memory.h>

enum {
    CHUNK_BYTES = 1 << HEAP_SLAB_BITS,
    CHUNKS = (KEPT_END - KEPT_HEAP) / CHUNK_BYTES,
};

enum { FREE, USED, LEAVING };

struct chunks {
    uint8_t state[CHUNKS];
};

static KEPT struct chunks all;
static bool leaving = true; // the instance before may have left some,
static bool fresh = true;   // and some that nothing says anything of

static uint8_t *states(void)
{
    return KEPT_VIEW(all)->state;
}

static uint32_t chunks_of(size_t bytes)
{
    return (uint32_t)((bytes + CHUNK_BYTES - 1) / CHUNK_BYTES);
}

/// The first of `count` free chunks in a row; CHUNKS: there are none.
static uint32_t find(uint32_t count)
{
    const uint8_t *state = states();
    for (uint32_t i = 0, run = 0; i < CHUNKS; i++) {
        run = state[i] == FREE ? run + 1 : 0;
        if (run == count)
            return i + 1 - count;
    }
    return CHUNKS;
}

static void mark(uint32_t first, uint32_t count, uint8_t value)
{
    for (uint32_t i = 0; i < count; i++)
        states()[first + i] = value;
}

static void *take(size_t bytes)
{
    if (bytes > KEPT_END - KEPT_HEAP)
        return 0;
    uint32_t count = chunks_of(bytes), first = find(count);
    uint64_t address = KEPT_HEAP + (uint64_t)first * CHUNK_BYTES;
    if (first == CHUNKS ||
        memory_commit(session_to(STARTUP_SLOT_MEMORY), address, (uint64_t)count * CHUNK_BYTES,
                      PROTECTION_READ | PROTECTION_WRITE) != OK)
        return 0;
    mark(first, count, USED);
    return (void *)address;
}

static void give(void *address, size_t bytes)
{
    mark((uint32_t)(((uint64_t)address - KEPT_HEAP) / CHUNK_BYTES), chunks_of(bytes), LEAVING);
    leaving = true;
}

const struct heap_source heap_source = {take, give};

bool heap_unsettled(void)
{
    return leaving;
}

static bool is_leaving(uint8_t state)
{
    return state == LEAVING || (fresh && state == FREE);
}

void heap_settle(void)
{
    uint8_t *state = states();
    for (uint32_t i = 0, end; i < CHUNKS; i = end + 1) {
        for (end = i; end < CHUNKS && is_leaving(state[end]); end++)
            ;
        if (end > i)
            status_ignore(memory_decommit(session_to(STARTUP_SLOT_MEMORY),
                                          KEPT_HEAP + (uint64_t)i * CHUNK_BYTES,
                                          (uint64_t)(end - i) * CHUNK_BYTES));
        for (uint32_t j = i; j < end; j++)
            if (state[j] == LEAVING)
                state[j] = FREE;
    }
    kept_commit();
    leaving = fresh = false;
}

/// All chunks of it are in use.
static bool slab_there(uint64_t offset, uint64_t bytes)
{
    if (bytes == 0 || bytes > KEPT_END - KEPT_HEAP - offset)
        return false;
    for (uint32_t i = 0; i < chunks_of(bytes); i++)
        if (states()[offset / CHUNK_BYTES + i] != USED)
            return false;
    return true;
}

bool heap_check(void)
{
    for (uint32_t i = 0; i < CHUNKS;) {
        uint64_t bytes = CHUNK_BYTES, offset = (uint64_t)i * CHUNK_BYTES;
        if (states()[i] > LEAVING)
            return false;
        if (states()[i] == USED && (!heap_slab_check((void *)(KEPT_HEAP + offset), &bytes) ||
                                    !slab_there(offset, bytes)))
            return false;
        i += chunks_of(bytes);
    }
    return heap_lists_check();
}

bool heap_holds(const void *object, size_t bytes)
{
    uint64_t offset = (uint64_t)object - KEPT_HEAP;
    return offset < KEPT_END - KEPT_HEAP && states()[offset / CHUNK_BYTES] == USED &&
           heap_slab_holds((void *)(KEPT_HEAP + (offset & ~(uint64_t)(CHUNK_BYTES - 1))),
                           object, bytes);
}
