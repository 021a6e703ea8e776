// The allocator of capability slots: a bitmap, one bit for each slot that exists and is taken
// or does not exist. A page of slots, once granted by `memory`, stays.
#include <lib/slots.h>
#include <lib/kept.h>
#include <lib/session.h>
#include <proto/memory.h>

static KEPT struct slots {
    uint64_t free[SLOTS_MAX / 64]; // bit set: free
    uint32_t hint;                 // no free slot in a word below this one
    uint32_t limit;                // none exists from here on
} all;

static bool unsure; // a free slot may hold what the instance before this one left in it

static struct slots *slots(void)
{
    return KEPT_VIEW(all);
}

static void mark_free(uint32_t slot)
{
    slots()->free[slot / 64] |= 1ul << slot % 64;
    if (slot / 64 < slots()->hint)
        slots()->hint = slot / 64;
}

void slots_start(uint32_t first, uint32_t limit)
{
    if (limit > slots()->limit)
        slots()->limit = limit;
    for (uint32_t slot = first; slot < limit && slot < SLOTS_MAX; slot++) {
        if (slot % SLOTS_PER_PAGE) // the first of each page is the kernel's
            mark_free(slot);
    }
    slots()->hint = first / 64;
}

void slots_resume(uint32_t limit)
{
    unsure = true;
    if (limit > slots()->limit) // pages that came with a request that was undone
        slots_start(slots()->limit, limit);
}

static uint32_t find(void)
{
    struct slots *s = slots();
    for (; s->hint < SLOTS_MAX / 64; s->hint++) {
        if (s->free[s->hint]) {
            uint32_t slot = s->hint * 64 + (uint32_t)__builtin_ctzl(s->free[s->hint]);
            s->free[s->hint] &= s->free[s->hint] - 1;
            return slot;
        }
    }
    return 0;
}

uint32_t slot_alloc(void)
{
    uint32_t slot = find();
    if (slot) {
        if (unsure)
            slot_empty(slot);
        return slot;
    }
    uint32_t first;
    if (memory_grow_slots(session_to(STARTUP_SLOT_MEMORY), &first) != OK)
        return 0;
    slots_start(first, first + SLOTS_PER_PAGE - 1);
    return find();
}

void slot_free(uint32_t slot)
{
    if (slot && slot < SLOTS_MAX)
        mark_free(slot);
}

void slot_empty(uint32_t slot)
{
    if (!slot)
        return;
    enum status result;
    while ((result = sys_cap_delete(HANDLE_NULL, slot)) == E_MORE || result == E_BUSY) {
        if (result == E_BUSY) {
            while (sys_cap_revoke(HANDLE_NULL, slot) == E_MORE)
                ;
        }
    }
}

void slot_delete(uint32_t slot)
{
    slot_empty(slot);
    slot_free(slot);
}

bool slot_taken(uint32_t slot)
{
    return slot && slot < slots()->limit && slot % SLOTS_PER_PAGE &&
           !(slots()->free[slot / 64] >> slot % 64 & 1);
}

void slots_sweep(uint32_t first)
{
    slots()->hint = first / 64;
    for (uint32_t slot = first; slot < slots()->limit; slot++) {
        if (slots()->free[slot / 64] >> slot % 64 & 1)
            slot_empty(slot);
    }
    unsure = false;
}
