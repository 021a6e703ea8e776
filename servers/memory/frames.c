// Frames of a space (tenant.h). Called by regions.c and shares.c.
//
// Always: every Frame of a space is in its tree, keyed by address and naturally aligned, so
// that two never overlap; a CAP_FRAME owns the block it was made from, a CAP_PIECE belongs to a
// share.
#include <proto/memory.h>
#include "tenant.h"

enum { LARGE_BITS = 21 }; // a leaf of the second level

enum status frame_map(struct tenant *tenant, uint32_t slot, uint64_t address, uint32_t flags)
{
    uint64_t missing;
    enum status status;
    while ((status = sys_map(slot, tenant->vspace, address, flags | MAP_READ, &missing)) ==
           E_TABLE) {
        status = table_install(tenant, address);
        if (status != OK)
            return status;
    }
    return status;
}

static uint64_t frame_size(const struct cap *frame)
{
    return 1ul << frame->bits;
}

static struct cap *frame_from(const struct tenant *tenant, uint64_t address)
{
    return NODE_OBJECT(tree_ceiling(&tenant->frames, address), struct cap);
}

struct cap *frame_at(const struct tenant *tenant, uint64_t address)
{
    struct cap *frame = NODE_OBJECT(tree_floor(&tenant->frames, address), struct cap);
    return frame && address - frame->node.key < frame_size(frame) ? frame : NULL;
}

/// A new zeroed Frame of at most 2^bits bytes, in no tree; null: no memory.
static struct cap *frame_new(uint32_t bits)
{
    uint32_t block = block_take(bits);
    uint32_t slot = block ? slot_take() : 0;
    if (!slot || object_make(block, KIND_FRAME, bits, slot) != OK) {
        if (slot)
            slot_give(slot);
        if (block)
            block_give(block);
        return NULL;
    }
    struct cap *frame = cap_at(slot);
    frame->state = CAP_FRAME;
    frame->bits = (uint8_t)bits;
    frame->parent = block;
    return frame;
}

/// A Frame that is in no tree, with its block.
static void frame_free(struct cap *frame)
{
    block_give(frame->parent); // which deletes the Frame and its copies
    slot_give(cap_slot(frame));
}

/// How much to fill in at once. Larger where the program works its way through a large region:
/// then what lies before is present already.
static uint32_t populate_bits(const struct region *region, uint64_t address)
{
    static const struct {
        uint8_t bits, before; // size; size that the Frame before must have
        uint64_t region;      // size that the region must have
    } choices[] = {{21, 18, 16ul << 20}, {18, 15, 4ul << 20}, {15, 0, 256ul << 10}};
    const struct tenant *tenant = region->tenant;
    for (size_t i = region->state == REGION_LAZY ? 2 : 0; i < 3; i++) {
        uint64_t size = 1ul << choices[i].bits;
        uint64_t window = address & ~(size - 1);
        if (region->end - region->node.key < choices[i].region || window < region->node.key ||
            region->end - window < size)
            continue;
        struct cap *next = frame_from(tenant, window);
        if (next && next->node.key < window + size)
            continue;
        struct cap *before = choices[i].before ? frame_at(tenant, window - 1) : NULL;
        if (choices[i].before && (!before || before->bits < choices[i].before))
            continue;
        if (choices[i].bits == LARGE_BITS && table_installed(tenant, window))
            continue; // small pages were there before
        return choices[i].bits;
    }
    return PAGE_BITS;
}

/// Charges for and makes a Frame of 2^bits bytes around `address`.
static struct cap *populate_frame(const struct region *region, uint64_t address, uint32_t bits)
{
    struct tenant *tenant = region->tenant;
    uint64_t start = address & ~((1ul << bits) - 1);
    bool lazy = region->state == REGION_LAZY;
    if (lazy) {
        if (tenant_charge(tenant, 1ul << bits) != OK)
            return NULL;
        if (tables_hold(tenant, start, start + (1ul << bits)) != OK) {
            tenant_refund(tenant, 1ul << bits);
            return NULL;
        }
    }
    struct cap *frame = frame_new(bits);
    if (frame && frame_map(tenant, cap_slot(frame), start, region->protection) != OK) {
        frame_free(frame);
        frame = NULL;
    }
    if (frame) {
        tree_insert(&tenant->frames, &frame->node, start);
    } else if (lazy) {
        tables_drop(tenant, start, start + (1ul << bits));
        tenant_refund(tenant, 1ul << bits);
    }
    return frame;
}

enum status frame_populate(struct region *region, uint64_t address)
{
    uint32_t bits = populate_bits(region, address);
    while (!populate_frame(region, address, bits)) {
        if (bits == PAGE_BITS)
            return E_NOMEM;
        bits = PAGE_BITS; // memory is in pieces
    }
    return OK;
}

uint64_t frames_remove(struct tenant *tenant, uint64_t start, uint64_t end)
{
    uint64_t bytes = 0;
    struct cap *frame;
    while ((frame = frame_from(tenant, start)) != NULL && frame->node.key < end) {
        bytes += frame_size(frame);
        tree_remove(&tenant->frames, &frame->node);
        if (frame->state == CAP_FRAME) {
            frame_free(frame);
        } else {
            slot_drop(cap_slot(frame));
            extras_give(tenant, sizeof *frame + SLOT_BYTES);
        }
    }
    return bytes;
}

void frames_protect(struct tenant *tenant, uint64_t start, uint64_t end, uint32_t protection,
                    uint32_t flags)
{
    struct cap *frame;
    for (; (frame = frame_from(tenant, start)) != NULL && frame->node.key < end;
         start = frame->node.key + frame_size(frame)) {
        if (protection == 0)
            while (sys_unmap(cap_slot(frame)) == E_MORE)
                ;
        else
            (void)frame_map(tenant, cap_slot(frame), frame->node.key, protection | flags);
    }
}

// ---------------------------------------------------------------- splitting

/// Fills the new Frame `to` from byte `offset` on of what the first window shows.
static enum status copy_part(uint64_t offset, struct cap *to)
{
    uint64_t *window = (uint64_t *)(WINDOW_ADDRESS + (1ul << LARGE_BITS));
    enum status status = own_map(cap_slot(to), (uint64_t)window, MAP_READ | MAP_WRITE);
    if (status != OK)
        return status;
    const uint64_t *source = (const uint64_t *)(WINDOW_ADDRESS + offset);
    for (uint64_t i = 0; i < frame_size(to) / sizeof *window; i++)
        window[i] = source[i];
    while (sys_unmap(cap_slot(to)) == E_MORE)
        ;
    return OK;
}

/// Replaces a private Frame by eight of the next smaller size with the same contents.
static enum status frame_split(struct tenant *tenant, struct cap *frame)
{
    struct cap *parts[8] = {0};
    uint32_t bits = frame->bits - 3u;
    uint32_t source = slot_take();
    enum status status =
        source ? sys_cap_copy(HANDLE_NULL, source, cap_slot(frame), DERIVE_COPY, RIGHT_ALL, 0)
               : E_NOMEM;
    bool copied = status == OK;
    if (copied)
        status = own_map(source, WINDOW_ADDRESS, MAP_READ);
    for (uint32_t i = 0; i < 8 && status == OK; i++) {
        parts[i] = frame_new(bits);
        status = parts[i] ? copy_part((uint64_t)i << bits, parts[i]) : E_NOMEM;
    }
    if (copied)
        slot_drop(source); // unmaps it here
    else if (source)
        slot_give(source);
    if (status != OK) {
        for (uint32_t i = 0; i < 8 && parts[i]; i++)
            frame_free(parts[i]);
        return status;
    }
    uint64_t start = frame->node.key;
    uint32_t protection = region_at(tenant, start)->protection;
    tree_remove(&tenant->frames, &frame->node);
    frame_free(frame);
    for (uint32_t i = 0; i < 8; i++) { // its tables are held: mapping cannot fail
        uint64_t address = start + ((uint64_t)i << bits);
        if (protection)
            (void)frame_map(tenant, cap_slot(parts[i]), address, protection);
        tree_insert(&tenant->frames, &parts[i]->node, address);
    }
    return OK;
}

enum status frames_isolate(struct tenant *tenant, uint64_t start, uint64_t end)
{
    const uint64_t borders[2] = {start, end};
    for (int i = 0; i < 2; i++) {
        struct cap *frame;
        while ((frame = frame_at(tenant, borders[i])) != NULL && frame->node.key < borders[i] &&
               frame->state == CAP_FRAME) {
            enum status status = frame_split(tenant, frame);
            if (status != OK)
                return status;
        }
    }
    return OK;
}
