// Capability slots and the memory for own use (slots.h).
//
// Three things need each other: a page of slots needs meta memory, meta memory needs a block, a
// block may need slots to be split from a larger one. So each is topped up while there is still
// enough of it for what topping up takes: twelve levels of blocks take twelve groups of slots;
// a page of slots takes a page for itself, one for records, three for tables.
#include <lib/heap.h>
#include "slots.h"
#include "blocks.h"

enum { SINGLES_LOW = 8 };

uint32_t own_vspace;

static struct {
    uint32_t block, pages; // being carved from; pages left in it
    uint32_t next, next_pages;
    uint64_t taken; // bytes of all blocks so far
    bool refilling;
} meta;

static struct {
    uint32_t first; // free single slots, linked by cap.next
    uint32_t count;
} singles, groups;

static uint32_t slot_pages;  // pages of slots that the CSpace has
static uint64_t records_end; // addresses that are backed
static uint64_t heap_end = HEAP_ADDRESS;
static uint32_t start_slot; // before there are records: the next unused slot
static bool growing;

// ---------------------------------------------------------------- steps of the kernel's

enum status object_make(uint32_t untyped, uint32_t kind, uint32_t bits, uint32_t slot)
{
    enum status status;
    do
        status = sys_retype(untyped, kind, bits, 1, HANDLE_NULL, slot);
    while (status == E_MORE);
    return status;
}

void revoke(uint32_t slot)
{
    while (sys_cap_revoke(HANDLE_NULL, slot) == E_MORE)
        ;
}

void slot_drop(uint32_t slot)
{
    while (sys_cap_delete(HANDLE_NULL, slot) == E_MORE)
        ;
    slot_give(slot);
}

// ---------------------------------------------------------------- meta memory

/// One page-sized object from meta memory. `slot`: where, or for KIND_SLOTS which page of
/// slots.
static enum status meta_make(uint32_t kind, uint32_t slot)
{
    if (meta.pages == 0) {
        meta.block = meta.next;
        meta.pages = meta.next_pages;
        meta.next_pages = 0;
    }
    if (meta.pages == 0)
        return E_NOMEM;
    enum status status =
        object_make(meta.block, kind, kind == KIND_FRAME ? PAGE_BITS : 0, slot);
    if (status == OK)
        meta.pages--;
    return status;
}

void meta_refill(void)
{
    if (meta.pages + meta.next_pages >= META_LOW || meta.next_pages || meta.refilling)
        return;
    meta.refilling = true;
    for (uint32_t bits = META_BITS; bits >= PAGE_BITS && !meta.next_pages; bits -= 3) {
        meta.next = block_take(bits);
        if (meta.next) {
            meta.next_pages = 1u << (cap_at(meta.next)->bits - PAGE_BITS);
            meta.taken += (uint64_t)meta.next_pages * PAGE_SIZE;
        }
    }
    meta.refilling = false;
}

uint64_t meta_bytes(void)
{
    return meta.taken;
}

enum status own_map(uint32_t slot, uint64_t address, uint32_t flags)
{
    uint64_t missing;
    enum status status;
    while ((status = sys_map(slot, own_vspace, address, flags, &missing)) == E_TABLE) {
        uint32_t table = slot_take();
        if (!table)
            return E_NOMEM;
        status = meta_make(KIND_PAGE_TABLE, table);
        if (status == OK)
            status = sys_map(table, own_vspace, address, 0, &missing);
        if (status != OK)
            break;
    }
    return status;
}

/// Maps a zeroed page of meta memory.
static bool own_page(uint64_t address)
{
    uint32_t slot = slot_take();
    return slot && meta_make(KIND_FRAME, slot) == OK &&
           own_map(slot, address, MAP_READ | MAP_WRITE) == OK;
}

uint32_t own_object(uint32_t kind)
{
    uint32_t slot = slot_take();
    return slot && meta_make(kind, slot) == OK ? slot : 0;
}

// ---------------------------------------------------------------- the heap's slabs

/// Free slabs of 2^(HEAP_SLAB_BITS + i) bytes; their first word links them.
static void *free_slabs[8];

static uint32_t slab_order(size_t bytes)
{
    uint32_t order = 0;
    while (order < 8 && bytes > 1ul << (HEAP_SLAB_BITS + order))
        order++;
    return order;
}

static void *heap_take(size_t bytes)
{
    uint32_t order = slab_order(bytes);
    if (order == 8)
        return NULL;
    void *slab = free_slabs[order];
    if (slab) {
        free_slabs[order] = *(void **)slab;
        __builtin_memset(slab, 0, bytes);
        return slab;
    }
    uint64_t start = heap_end;
    for (; heap_end < start + (1ul << (HEAP_SLAB_BITS + order)); heap_end += PAGE_SIZE)
        if (!own_page(heap_end)) { // what there is goes to nobody: it is the end anyway
            heap_end = start + (1ul << (HEAP_SLAB_BITS + order));
            return NULL;
        }
    return (void *)start;
}

static void heap_give(void *slab, size_t bytes)
{
    uint32_t order = slab_order(bytes);
    *(void **)slab = free_slabs[order];
    free_slabs[order] = slab;
}

const struct heap_source heap_source = {heap_take, heap_give};

// ---------------------------------------------------------------- slots

static bool records_back(uint32_t limit)
{
    while (records_end < (uint64_t)cap_at(limit)) {
        if (!own_page(records_end))
            return false;
        records_end += PAGE_SIZE;
    }
    return true;
}

/// Enters the slots [first, limit) of one page into the lists.
static void slots_enter(uint32_t first, uint32_t limit)
{
    for (uint32_t slot = limit; slot > first;) {
        if (slot % GROUP_SLOTS == 0 && slot - GROUP_SLOTS >= first &&
            (slot - GROUP_SLOTS) % SLOTS_PER_PAGE != 0) {
            slot -= GROUP_SLOTS;
            group_give(slot);
        } else if (--slot % SLOTS_PER_PAGE != 0) { // the first of each page is the kernel's
            slot_give(slot);
        }
    }
}

/// One more page of slots.
static bool slots_grow(void)
{
    if (growing)
        return true; // the reserve serves
    growing = true;
    uint32_t first = slot_pages * SLOTS_PER_PAGE;
    bool done = meta_make(KIND_SLOTS, slot_pages) == OK;
    if (done) {
        slot_pages++;
        done = records_back(first + SLOTS_PER_PAGE);
    }
    if (done)
        slots_enter(first, first + SLOTS_PER_PAGE);
    growing = false;
    meta_refill();
    return done;
}

void own_slots_start(uint32_t first, uint32_t limit, uint32_t block, uint64_t bytes)
{
    meta.block = block;
    meta.pages = (uint32_t)(bytes / PAGE_SIZE);
    slot_pages = limit / SLOTS_PER_PAGE;
    records_end = CAPS_ADDRESS;
    start_slot = first;
    growing = true;
    if (!records_back(limit))
        return; // no slot will ever be found: start-up says so
    first = start_slot;
    start_slot = 0;
    growing = false;
    for (uint32_t page = first / SLOTS_PER_PAGE; page < slot_pages; page++) {
        uint32_t start = page * SLOTS_PER_PAGE;
        slots_enter(start > first ? start : first, start + SLOTS_PER_PAGE);
    }
}

uint32_t own_slots_limit(void)
{
    return slot_pages * SLOTS_PER_PAGE;
}

uint32_t group_take(void)
{
    if (groups.count < GROUPS_LOW)
        (void)slots_grow();
    uint32_t first = groups.first;
    if (first) {
        groups.first = cap_at(first)->next;
        groups.count--;
        cap_at(first)->next = 0;
    }
    return first;
}

void group_give(uint32_t first)
{
    cap_at(first)->next = groups.first;
    groups.first = first;
    groups.count++;
}

uint32_t slot_take(void)
{
    if (start_slot)
        return start_slot++;
    if (singles.count < SINGLES_LOW) {
        uint32_t group = groups.count > GROUPS_LOW || slots_grow() ? group_take() : 0;
        for (uint32_t i = GROUP_SLOTS; group && i-- > 0;)
            slot_give(group + i);
    }
    uint32_t slot = singles.first;
    if (slot) {
        singles.first = cap_at(slot)->next;
        singles.count--;
        *cap_at(slot) = (struct cap){0};
    }
    return slot;
}

void slot_give(uint32_t slot)
{
    *cap_at(slot) = (struct cap){.next = singles.first};
    singles.first = slot;
    singles.count++;
}
