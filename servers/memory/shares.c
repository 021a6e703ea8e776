// Shares: memory that several spaces map, RAM or devices' (tenant.h). Called by requests.c.
//
// A share's Frames are in its tree, keyed by offset. A space maps pieces: copies of whole
// Frames, or aligned parts of them, each a capability of its own (CAP_PIECE) in the space's
// tree. All of a share is present as long as it lives. One of the sharers pays; when it leaves,
// another does, even beyond its limit: what is there cannot be refused any more.
#include <proto/memory.h>
#include "tenant.h"

enum { SHARE_FRAME_BITS = 18 };

static struct tree shares;
static uint64_t last_id;
static struct tree devices; // CAP_DEVICE by physical address, whole and disjoint

struct share *share_find(uint64_t id)
{
    return NODE_OBJECT(tree_find(&shares, id), struct share);
}

static struct share *share_new(uint64_t length, uint32_t flags)
{
    struct share *share = record_take(NULL, sizeof *share);
    if (!share)
        return NULL;
    share->length = length;
    share->flags = flags;
    tree_insert(&shares, &share->node, ++last_id);
    return share;
}

/// All Frames and the record go. Every capability for a piece dies with its Frame's block.
static void share_free(struct share *share)
{
    struct node *node;
    while ((node = tree_ceiling(&share->frames, 0)) != NULL) {
        struct cap *frame = NODE_OBJECT(node, struct cap);
        tree_remove(&share->frames, node);
        if (frame->parent) {
            block_give(frame->parent);
            slot_give(cap_slot(frame));
        } else { // a device's
            revoke(cap_slot(frame));
            slot_drop(cap_slot(frame));
        }
    }
    tree_remove(&shares, &share->node);
    record_give(NULL, share, sizeof *share);
}

// ---------------------------------------------------------------- mapping

/// The largest aligned piece at `address` showing the share from `offset` on, at most `length`.
static uint32_t piece_bits(const struct cap *frame, uint64_t address, uint64_t offset,
                           uint64_t length)
{
    uint32_t bits = PAGE_BITS;
    uint64_t inside = offset - frame->node.key;
    while (bits < frame->bits && length >> (bits + 1) &&
           ((address | inside) & ((1ul << (bits + 1)) - 1)) == 0)
        bits++;
    return bits;
}

/// Maps one piece. *bytes: how much it covers.
static enum status piece_map(struct tenant *tenant, const struct share *share, uint64_t address,
                             uint64_t offset, uint64_t length, uint32_t protection,
                             uint64_t *bytes)
{
    struct cap *frame = NODE_OBJECT(tree_floor(&share->frames, offset), struct cap);
    uint32_t bits = piece_bits(frame, address, offset, length);
    uint64_t inside = offset - frame->node.key;
    *bytes = 1ul << bits;
    if (!extras_take(tenant, sizeof *frame + SLOT_BYTES))
        return E_NOMEM;
    uint32_t slot = slot_take();
    enum status status = E_NOMEM;
    if (slot && bits == frame->bits)
        status = sys_cap_copy(HANDLE_NULL, slot, cap_slot(frame), DERIVE_COPY, RIGHT_ALL, 0);
    else if (slot)
        status = sys_cap_copy(HANDLE_NULL, slot, cap_slot(frame), DERIVE_RANGE, inside, bits);
    if (status == OK) {
        if (protection)
            status = frame_map(tenant, slot, address, protection | share->flags);
        if (status == OK) {
            struct cap *piece = cap_at(slot);
            piece->state = CAP_PIECE;
            piece->bits = (uint8_t)bits;
            tree_insert(&tenant->frames, &piece->node, address);
            return OK;
        }
        slot_drop(slot);
    } else if (slot) {
        slot_give(slot);
    }
    extras_give(tenant, sizeof *frame + SLOT_BYTES);
    return status;
}

/// `region` shows `share`: among its sharers from now on.
static void sharer_add(struct share *share, struct region *region)
{
    region->share = share;
    region->prev_sharer = NULL;
    region->next_sharer = share->sharers;
    if (share->sharers)
        share->sharers->prev_sharer = region;
    share->sharers = region;
}

enum status share_attach(struct tenant *tenant, struct share *share, uint64_t address,
                         uint64_t offset, uint64_t length, uint32_t protection)
{
    const uint32_t both = PROTECTION_WRITE | PROTECTION_EXECUTE;
    if (!range_valid(tenant, address, length) || offset % PAGE_SIZE ||
        offset >= share->length || length > share->length - offset || protection > 7 ||
        (protection & both) == both)
        return E_INVAL;
    struct region *region;
    enum status status =
        region_add(tenant, address, length, REGION_SHARED, protection, &region);
    if (status != OK)
        return status;
    region->allowed = (uint8_t)protection;
    region->offset = offset;
    status = tables_hold(tenant, address, address + length);
    if (status == OK) {
        uint64_t bytes;
        for (uint64_t at = 0; at < length && status == OK; at += bytes)
            status = piece_map(tenant, share, address + at, offset + at, length - at,
                               protection, &bytes);
        if (status != OK) {
            (void)frames_remove(tenant, address, address + length);
            tables_drop(tenant, address, address + length);
        }
    }
    if (status != OK) {
        region_drop(region);
        return status;
    }
    sharer_add(share, region);
    return OK;
}

void share_leave(struct region *region)
{
    struct tenant *tenant = region->tenant;
    struct share *share = region->share;
    (void)frames_remove(tenant, region->node.key, region->end);
    tables_drop(tenant, region->node.key, region->end);
    if (region->prev_sharer)
        region->prev_sharer->next_sharer = region->next_sharer;
    else
        share->sharers = region->next_sharer;
    if (region->next_sharer)
        region->next_sharer->prev_sharer = region->prev_sharer;
    region_drop(region);
    if (share->payer == tenant) {
        const struct region *other = share->sharers;
        while (other && other->tenant != tenant)
            other = other->next_sharer;
        if (!other) { // no region of the payer is left
            share->payer = share->sharers ? share->sharers->tenant : NULL;
            tenant->used -= share->length;
            if (share->payer)
                share->payer->used += share->length;
            else
                totals.free += share->length;
        }
    }
    if (!share->sharers && !share->device)
        share_free(share);
}

// ---------------------------------------------------------------- RAM

/// Fills the share's tree with zeroed Frames.
static enum status share_fill(struct share *share)
{
    for (uint64_t at = 0; at < share->length;) {
        uint32_t bits = SHARE_FRAME_BITS;
        while (bits > PAGE_BITS &&
               (at & ((1ul << bits) - 1) || share->length - at < 1ul << bits))
            bits -= 3;
        uint32_t block = block_take(bits);
        if (!block && bits > PAGE_BITS)
            block = block_take(bits = PAGE_BITS); // memory is in pieces
        uint32_t slot = block ? slot_take() : 0;
        if (!slot || object_make(block, KIND_FRAME, bits, slot) != OK) {
            if (slot)
                slot_give(slot);
            if (block)
                block_give(block);
            return E_NOMEM;
        }
        struct cap *frame = cap_at(slot);
        frame->bits = (uint8_t)bits;
        frame->parent = block;
        tree_insert(&share->frames, &frame->node, at);
        at += 1ul << bits;
    }
    return OK;
}

enum status share_create(struct tenant *tenant, uint64_t length, uint64_t *address,
                         uint64_t *id)
{
    if (length == 0 || length % PAGE_SIZE)
        return E_INVAL;
    *address =
        region_gap(tenant, length, length >= 1ul << SHARE_FRAME_BITS ? SHARE_FRAME_BITS : 15);
    if (!*address || tenant_charge(tenant, length) != OK)
        return E_NOMEM;
    struct share *share = share_new(length, 0);
    if (!share) {
        tenant_refund(tenant, length);
        return E_NOMEM;
    }
    enum status status = share_fill(share);
    if (status == OK)
        status = share_attach(tenant, share, *address, 0, length,
                              PROTECTION_READ | PROTECTION_WRITE);
    if (status != OK) {
        share_free(share);
        tenant_refund(tenant, length);
        return status;
    }
    share->payer = tenant;
    *id = share->node.key;
    return OK;
}

// ---------------------------------------------------------------- devices

bool device_add(uint32_t slot, uint64_t address, uint32_t bits)
{
    struct cap *cap = cap_at(slot);
    *cap = (struct cap){.bits = (uint8_t)bits, .state = CAP_DEVICE};
    tree_insert(&devices, &cap->node, address);
    return true;
}

/// The device block around `address`, split until one Frame can cover it. Null: none.
static struct cap *device_block(uint64_t address)
{
    struct cap *cap;
    while ((cap = NODE_OBJECT(tree_floor(&devices, address), struct cap)) != NULL &&
           address - cap->node.key < 1ul << cap->bits && cap->bits > FRAME_BITS_MAX) {
        uint32_t bits = cap->bits - 3u < FRAME_BITS_MAX ? FRAME_BITS_MAX : cap->bits - 3u;
        uint32_t count = 1u << (cap->bits - bits);
        uint32_t first = group_take();
        if (!first ||
            sys_retype(cap_slot(cap), KIND_UNTYPED, bits, count, HANDLE_NULL, first) != OK) {
            if (first)
                group_give(first);
            return NULL;
        }
        uint64_t start = cap->node.key;
        tree_remove(&devices, &cap->node);
        for (uint32_t i = 0; i < count; i++)
            (void)device_add(first + i, start + ((uint64_t)i << bits), bits);
    }
    return cap && address - cap->node.key < 1ul << cap->bits ? cap : NULL;
}

/// The Frame of a whole device block, made when it is first needed; 0: no memory.
static uint32_t device_frame(struct cap *block)
{
    if (!block->next) {
        uint32_t slot = slot_take();
        if (slot && object_make(cap_slot(block), KIND_FRAME, block->bits, slot) == OK)
            block->next = slot;
        else if (slot)
            slot_give(slot);
    }
    return block->next;
}

/// The largest aligned piece of physical memory at `address` inside its block.
static enum status device_piece(struct share *share, uint64_t address, uint64_t offset,
                                uint64_t *bytes)
{
    struct cap *block = device_block(address);
    if (!block)
        return E_NOENT;
    uint32_t whole = device_frame(block);
    uint32_t slot = whole ? slot_take() : 0;
    if (!slot)
        return E_NOMEM;
    uint64_t inside = address - block->node.key;
    uint32_t bits = PAGE_BITS;
    while (bits < block->bits && (share->length - offset) >> (bits + 1) &&
           (inside & ((1ul << (bits + 1)) - 1)) == 0)
        bits++;
    enum status status =
        bits == block->bits
            ? sys_cap_copy(HANDLE_NULL, slot, whole, DERIVE_COPY, RIGHT_ALL, 0)
            : sys_cap_copy(HANDLE_NULL, slot, whole, DERIVE_RANGE, inside, bits);
    if (status != OK) {
        slot_give(slot);
        return status;
    }
    cap_at(slot)->bits = (uint8_t)bits;
    tree_insert(&share->frames, &cap_at(slot)->node, offset);
    *bytes = 1ul << bits;
    return OK;
}

enum status device_share(uint64_t address, uint64_t length, uint32_t flags, uint64_t *id)
{
    if (address % PAGE_SIZE || length % PAGE_SIZE || length == 0 ||
        address + length < address || flags & ~(uint32_t)(MAP_UNCACHED | MAP_COMBINE))
        return E_INVAL;
    struct share *share = share_new(length, flags);
    if (!share)
        return E_NOMEM;
    share->device = true;
    share->skew = address & ((1ul << FRAME_BITS_MAX) - 1);
    uint64_t bytes;
    for (uint64_t at = 0; at < length; at += bytes) {
        enum status status = device_piece(share, address + at, at, &bytes);
        if (status != OK) {
            share_free(share);
            return status;
        }
    }
    *id = share->node.key;
    return OK;
}
