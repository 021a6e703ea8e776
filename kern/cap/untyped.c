/// Untyped memory.
///
/// Always: watermark <= 2^bits; watermark <= zeroed; every byte between the two is zero;
/// everything handed out since the watermark was last 0 lies below it and is in the tree below.
#include <kern/untyped.h>

void untyped_create(struct slot *slot, struct phys start, unsigned bits, bool device,
                    uint64_t zeroed)
{
    slot->kind = KIND_UNTYPED;
    slot->rights = RIGHT_ALL;
    slot->bits = (uint8_t)bits;
    slot->flags = device ? SLOT_DEVICE : 0;
    slot->address = start.at;
    slot->watermark = 0;
    slot->zeroed = zeroed;
}

/// Zeroes up to `end`, one step. What alignment skips is zeroed too: a later, smaller object
/// may get it if this one is not made.
static enum status zero_step(struct slot *untyped, uint64_t end)
{
    if (untyped->zeroed >= end)
        return OK;
    uint64_t bytes = end - untyped->zeroed;
    if (bytes > UNTYPED_ZERO_STEP)
        bytes = UNTYPED_ZERO_STEP;
    arch_zero(arch_pointer(phys(untyped->address + untyped->zeroed)), bytes);
    untyped->zeroed += bytes;
    return untyped->zeroed < end ? E_MORE : OK;
}

enum status untyped_reserve(struct slot *untyped, uint64_t bytes, unsigned align, bool zero,
                            uint64_t *offset)
{
    if (!untyped->child && untyped->watermark) {
        untyped->watermark = 0;
        untyped->zeroed = 0;
    }
    uint64_t mask = (1ul << align) - 1;
    uint64_t start = (untyped->watermark + mask) & ~mask;
    uint64_t size = 1ul << untyped->bits;
    CHECK(untyped_room, start <= size && bytes <= size - start, E_NOMEM);
    *offset = start;
    return zero ? zero_step(untyped, start + bytes) : OK;
}

void untyped_take(struct slot *untyped, uint64_t offset, uint64_t bytes)
{
    ASSERT(untyped_order, offset >= untyped->watermark);
    untyped->watermark = offset + bytes;
    if (untyped->zeroed < untyped->watermark)
        untyped->zeroed = untyped->watermark;
}

uint64_t untyped_zeroed(const struct slot *untyped, uint64_t offset, uint64_t bytes)
{
    if (untyped->zeroed <= offset)
        return 0;
    uint64_t known = untyped->zeroed - offset;
    return known < bytes ? known : bytes;
}
