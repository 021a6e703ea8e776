// Regions: the two calls that nearly everybody makes together.
#include <lib/region.h>
#include <lib/session.h>
#include <proto/memory.h>

static uint64_t round_up(size_t bytes)
{
    return (bytes + 4095) & ~4095ul;
}

void *region_alloc(size_t bytes, uint32_t align_bits)
{
    struct session *memory = session_to(STARTUP_SLOT_MEMORY);
    uint64_t address;
    if (memory_reserve(memory, round_up(bytes), align_bits, &address) != OK)
        return 0;
    if (memory_commit(memory, address, round_up(bytes), PROTECTION_READ | PROTECTION_WRITE) !=
        OK) {
        status_ignore(memory_release(memory, address, round_up(bytes)));
        return 0;
    }
    return (void *)address;
}

void region_free(void *address, size_t bytes)
{
    if (address)
        status_ignore(memory_release(session_to(STARTUP_SLOT_MEMORY), (uint64_t)address,
                                     round_up(bytes)));
}
