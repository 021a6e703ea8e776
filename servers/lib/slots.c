// The allocator of capability slots: a bitmap, one bit for each slot that exists and is taken
// or does not exist. A page of slots, once granted by `memory`, stays.
#include <lib/slots.h>
#include <lib/session.h>
#include <proto/memory.h>

static uint64_t free_slots[SLOTS_MAX / 64]; // bit set: free
static uint32_t hint;                       // no free slot in a word below this one

static void mark_free(uint32_t slot)
{
    free_slots[slot / 64] |= 1ul << slot % 64;
    if (slot / 64 < hint)
        hint = slot / 64;
}

void slots_start(uint32_t first, uint32_t limit)
{
    for (uint32_t slot = first; slot < limit && slot < SLOTS_MAX; slot++) {
        if (slot % SLOTS_PER_PAGE) // the first of each page is the kernel's
            mark_free(slot);
    }
    hint = first / 64;
}

static uint32_t find(void)
{
    for (; hint < SLOTS_MAX / 64; hint++) {
        if (free_slots[hint]) {
            uint32_t slot = hint * 64 + (uint32_t)__builtin_ctzl(free_slots[hint]);
            free_slots[hint] &= free_slots[hint] - 1;
            return slot;
        }
    }
    return 0;
}

uint32_t slot_alloc(void)
{
    uint32_t slot = find();
    if (slot)
        return slot;
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

void slot_delete(uint32_t slot)
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
    slot_free(slot);
}
