// See pages.h. Called by objects.c, contents.c and pipe.c. What always holds: a chunk with
// used == 0 is in the list `leaving`, or not committed and in the list `empty`, or lies behind
// `untouched`; one with
// 0 < used < all is in the list `partial`; a full one is in no list.
#include "pages.h"

#include <lib/kept.h>
#include <lib/text.h>

#define CHUNK_FULL 0xffffu
#define ROOM       16u // words of kept state, more than one step changes

static KEPT struct arena {
    const struct page_source *source;
    uint8_t *base;
    struct chunk *table;
    uint32_t chunks;
    uint32_t untouched; // chunks from here on were never used
    uint32_t empty;     // list heads
    uint32_t partial;
    uint32_t leaving;
    uint64_t used; // pages
    uint64_t reserve;
} kept_arena;

static struct arena *arena(void)
{
    return KEPT_VIEW(kept_arena);
}

void pages_init(const struct page_source *source, void *base, uint32_t chunks,
                struct chunk *table)
{
    arena()->source = source;
    arena()->base = base;
    arena()->table = table;
    arena()->chunks = chunks;
    arena()->untouched = 0;
    arena()->empty = CHUNK_NONE;
    arena()->partial = CHUNK_NONE;
    arena()->leaving = CHUNK_NONE;
    arena()->used = 0;
    arena()->reserve = (uint64_t)chunks * CHUNK_PAGES / RESERVE_DIVISOR;
}

static void list_push(uint32_t *head, uint32_t index)
{
    struct chunk *chunk = &arena()->table[index];
    chunk->next = *head;
    chunk->previous = CHUNK_NONE;
    if (*head != CHUNK_NONE)
        arena()->table[*head].previous = index;
    *head = index;
}

static void list_remove(uint32_t *head, uint32_t index)
{
    struct chunk *chunk = &arena()->table[index];
    if (chunk->previous == CHUNK_NONE)
        *head = chunk->next;
    else
        arena()->table[chunk->previous].next = chunk->next;
    if (chunk->next != CHUNK_NONE)
        arena()->table[chunk->next].previous = chunk->previous;
}

static uint8_t *chunk_address(uint32_t index)
{
    return arena()->base + (size_t)index * CHUNK_BYTES;
}

// Commits an empty chunk and puts it into `partial`. False: there is none, or no memory.
static bool chunk_open(void)
{
    bool recycled = arena()->empty != CHUNK_NONE;
    uint32_t index = recycled ? arena()->empty : arena()->untouched;
    if (index == arena()->chunks ||
        arena()->source->commit(chunk_address(index), CHUNK_BYTES) != OK)
        return false;
    if (recycled)
        list_remove(&arena()->empty, index);
    else
        arena()->untouched++;
    arena()->table[index].used = 0;
    arena()->table[index].dirty = 0;
    list_push(&arena()->partial, index);
    return true;
}

void *pages_take(enum page_use use, bool zero)
{
    if (pages_free(use) == 0 || (arena()->partial == CHUNK_NONE && !chunk_open()))
        return NULL;
    uint32_t index = arena()->partial;
    struct chunk *chunk = &arena()->table[index];
    uint32_t page = (uint32_t)__builtin_ctz(~(uint32_t)chunk->used);
    uint16_t bit = (uint16_t)(1u << page);
    uint8_t *address = chunk_address(index) + page * PAGE_BYTES;
    if (zero && (chunk->dirty & bit)) // fresh pages are zero already
        memset(address, 0, PAGE_BYTES);
    chunk->used |= bit;
    chunk->dirty |= bit;
    arena()->used++;
    if (chunk->used == CHUNK_FULL)
        list_remove(&arena()->partial, index);
    return address;
}

void pages_give(void *page)
{
    size_t offset = (size_t)((uint8_t *)page - arena()->base);
    uint32_t index = (uint32_t)(offset / CHUNK_BYTES);
    struct chunk *chunk = &arena()->table[index];
    if (chunk->used == CHUNK_FULL)
        list_push(&arena()->partial, index);
    chunk->used &= (uint16_t) ~(1u << (offset % CHUNK_BYTES / PAGE_BYTES));
    arena()->used--;
    if (chunk->used != 0)
        return;
    list_remove(&arena()->partial, index);
    list_push(&arena()->leaving, index);
}

bool pages_unsettled(void)
{
    return arena()->leaving != CHUNK_NONE;
}

void pages_settle(void)
{
    uint32_t index;
    while ((index = arena()->leaving) != CHUNK_NONE) {
        arena()->source->decommit(chunk_address(index), CHUNK_BYTES);
        list_remove(&arena()->leaving, index);
        list_push(&arena()->empty, index);
        kept_commit();
    }
}

// All chunks of a list are `used` as it says, and linked as they should be. The result is how
// many, or CHUNK_NONE.
static uint32_t list_check(uint32_t head, bool partial)
{
    uint32_t count = 0;
    for (uint32_t index = head, before = CHUNK_NONE; index != CHUNK_NONE; count++) {
        if (index >= arena()->untouched || count > arena()->untouched)
            return CHUNK_NONE;
        const struct chunk *chunk = &arena()->table[index];
        bool is_partial = chunk->used != 0 && chunk->used != CHUNK_FULL;
        if (chunk->previous != before || is_partial != partial || (chunk->used && !partial))
            return CHUNK_NONE;
        before = index;
        index = chunk->next;
    }
    return count;
}

static uint32_t bits_set(uint32_t used)
{
    uint32_t count = 0;
    for (; used; used &= used - 1)
        count++;
    return count;
}

bool pages_resume(const struct page_source *source, void *base, struct chunk *table)
{
    struct arena *a = arena();
    if (a->base != base || a->table != table || a->untouched > a->chunks)
        return false;
    a->source = source;
    uint32_t partial = list_check(a->partial, true), empty = list_check(a->empty, false),
             leaving = list_check(a->leaving, false), found[3] = {0};
    uint64_t used = 0;
    for (uint32_t i = 0; i < a->untouched; i++) {
        uint32_t pages = bits_set(table[i].used);
        found[pages == 0 ? 0 : pages < CHUNK_PAGES ? 1 : 2]++;
        used += pages;
    }
    if (partial != found[1] || empty == CHUNK_NONE || leaving == CHUNK_NONE ||
        empty + leaving != found[0] || used != a->used)
        return false;
    // What an unfinished request wrote into pages is there, though they count as untaken again.
    for (uint32_t i = 0; i < a->untouched; i++) {
        if (kept_room() < ROOM)
            kept_commit();
        table[i].dirty = CHUNK_FULL;
    }
    // It may have opened chunks that count as empty again.
    for (uint32_t i = 0, end; i < a->chunks; i = end + 1) {
        for (end = i; end < a->chunks && (end >= a->untouched || !table[end].used); end++)
            ;
        if (end > i)
            source->decommit(chunk_address(i), (size_t)(end - i) * CHUNK_BYTES);
    }
    return true;
}

bool pages_holds(const void *address, size_t bytes)
{
    const struct arena *a = arena();
    size_t offset = (size_t)((const uint8_t *)address - a->base);
    return (uint64_t)address >= (uint64_t)a->base &&
           offset < (size_t)a->untouched * CHUNK_BYTES &&
           a->table[offset / CHUNK_BYTES].used >> (offset % CHUNK_BYTES / PAGE_BYTES) & 1 &&
           offset % PAGE_BYTES + bytes <= PAGE_BYTES;
}

uint64_t pages_total(void)
{
    return (uint64_t)arena()->chunks * CHUNK_PAGES - arena()->reserve;
}

uint64_t pages_free(enum page_use use)
{
    uint64_t limit = (uint64_t)arena()->chunks * CHUNK_PAGES;
    if (use == PAGE_CONTENTS)
        limit -= arena()->reserve;
    else if (use == PAGE_PIPE)
        limit -= arena()->reserve / 4;
    return arena()->used < limit ? limit - arena()->used : 0;
}
