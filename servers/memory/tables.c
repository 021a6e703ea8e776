// Page tables of a space (tenant.h). Called by regions.c, frames.c and shares.c.
//
// Always: every page that is charged for or present is counted in its page table's `busy`, and
// that table in the next level's: a table is there from the first such page to the last. Its
// block and slot are there from the beginning, so that installing it cannot fail.
#include "tenant.h"

enum { TABLE_LEVELS = 3 };

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

enum status table_install(struct tenant *tenant, uint64_t address)
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

bool table_installed(const struct tenant *tenant, uint64_t address)
{
    const struct cap *table = table_find(tenant, address, 1);
    return table && table->prev;
}
