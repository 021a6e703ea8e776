// Frames and page tables of a space (tenant.h). Called by regions.c and shares.c.
//
// Always: every Frame of a space is in its tree, keyed by address and naturally aligned, so
// that two never overlap; a CAP_FRAME owns the block it was made from, a CAP_PIECE belongs to a
// share. Every page that is charged for or present is counted in its page table's `busy`, and
// that table in the next level's: a table is there from the first such page to the last.
#include <proto/memory.h>
#include "tenant.h"

enum {
    TABLE_LEVELS = 3,
    LARGE_BITS = 21, // a leaf of the second level
};

// ---------------------------------------------------------------- page tables

/// What one table of this level (1 to 3) covers.
static uint64_t table_span(uint32_t level)
{
    return 1ul << (PAGE_BITS + 9 * level);
}

static struct cap *table_find(const struct tenant *tenant, uint64_t address, uint32_t level)
{
    return NODE_OBJECT(tree_find(&tenant->tables, (address & ~(table_span(level) - 1)) | level),
                       struct cap);
}

/// `count` uses of a table less, and what follows from it.
static void table_unuse(struct tenant *tenant, uint64_t address, uint32_t level, uint32_t count)
{
    for (; level <= TABLE_LEVELS; level++, count = 1) {
        struct cap *table = table_find(tenant, address, level);
        table->busy = (uint16_t)(table->busy - count);
        if (table->busy)
            return;
        tree_remove(&tenant->tables, &table->node);
        uint32_t slot = table->next;
        block_give(cap_slot(table));
        slot_give(slot);
        tenant_refund_object(tenant, PAGE_SIZE);
    }
}

/// The block and slot for a table; it is made when it is first needed.
static enum status table_add(struct tenant *tenant, uint64_t address, uint32_t level)
{
    enum status status = tenant_charge_object(tenant, PAGE_SIZE);
    if (status != OK)
        return status;
    uint32_t block = block_take(PAGE_BITS);
    uint32_t slot = block ? slot_take() : 0;
    if (!slot) {
        if (block)
            block_give(block);
        tenant_refund_object(tenant, PAGE_SIZE);
        return E_NOMEM;
    }
    struct cap *table = cap_at(block);
    table->state = CAP_TABLE;
    table->next = slot;
    table->prev = 0; // 1: installed
    table->busy = 0;
    tree_insert(&tenant->tables, &table->node, (address & ~(table_span(level) - 1)) | level);
    return OK;
}

/// `count` uses of the table more; it and those above it are made when needed.
static enum status table_use(struct tenant *tenant, uint64_t address, uint32_t level,
                             uint32_t count)
{
    struct cap *table = table_find(tenant, address, level);
    if (!table) {
        enum status status = OK;
        if (level < TABLE_LEVELS)
            status = table_use(tenant, address, level + 1, 1);
        if (status != OK)
            return status;
        status = table_add(tenant, address, level);
        if (status != OK) {
            if (level < TABLE_LEVELS)
                table_unuse(tenant, address, level + 1, 1);
            return status;
        }
        table = table_find(tenant, address, level);
    }
    table->busy = (uint16_t)(table->busy + count);
    return OK;
}

/// The part of [start, end) in the window of the table that covers `start`, in pages.
static uint32_t pages_in_window(uint64_t start, uint64_t end)
{
    uint64_t window_end = (start & ~(table_span(1) - 1)) + table_span(1);
    return (uint32_t)(((end < window_end ? end : window_end) - start) / PAGE_SIZE);
}

void tables_drop(struct tenant *tenant, uint64_t start, uint64_t end)
{
    for (uint32_t pages; start < end; start += pages * PAGE_SIZE) {
        pages = pages_in_window(start, end);
        table_unuse(tenant, start, 1, pages);
    }
}

enum status tables_hold(struct tenant *tenant, uint64_t start, uint64_t end)
{
    uint32_t pages;
    for (uint64_t at = start; at < end; at += pages * PAGE_SIZE) {
        pages = pages_in_window(at, end);
        enum status status = table_use(tenant, at, 1, pages);
        if (status != OK) {
            tables_drop(tenant, start, at);
            return status;
        }
    }
    return OK;
}

/// Installs the highest table that the space does not have yet on the way to `address`.
static enum status table_install(struct tenant *tenant, uint64_t address)
{
    for (uint32_t level = TABLE_LEVELS; level >= 1; level--) {
        struct cap *table = table_find(tenant, address, level);
        if (!table)
            return E_TABLE;
        if (table->prev)
            continue;
        uint64_t missing;
        enum status status = object_make(cap_slot(table), KIND_PAGE_TABLE, 0, table->next);
        if (status == OK)
            status = sys_map(table->next, tenant->vspace, address, 0, &missing);
        table->prev = status == OK;
        return status;
    }
    return E_TABLE;
}

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

// ---------------------------------------------------------------- Frames

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
        struct cap *table = table_find(tenant, window, 1);
        if (choices[i].bits == LARGE_BITS && (!table || table->prev))
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
