// Regions: which addresses of a space are whose, and the requests on ranges of them (tenant.h).
// Called by requests.c, tenants.c and shares.c.
//
// A request checks its whole range, then prepares (splits regions and Frames at the borders,
// charges, holds tables), then changes. What was prepared for a request that fails is undone or
// harmless; `range_merge` joins neighbours that are alike, so that their number stays small.
#include <proto/memory.h>
#include "tenant.h"

enum {
    CHECK_RESERVED = 1 << REGION_RESERVED,
    CHECK_COMMITTED = 1 << REGION_COMMITTED,
    CHECK_LAZY = 1 << REGION_LAZY,
    CHECK_SHARED = 1 << REGION_SHARED,
    CHECK_PRIVATE = CHECK_RESERVED | CHECK_COMMITTED | CHECK_LAZY,
};

#define CHOSEN_LOW (1ul << 32) // addresses below are chosen by programs: their images

struct region *region_at(const struct tenant *tenant, uint64_t address)
{
    struct region *region = NODE_OBJECT(tree_floor(&tenant->regions, address), struct region);
    return region && address < region->end ? region : NULL;
}

/// The first region that begins at `address` or behind.
static struct region *region_from(const struct tenant *tenant, uint64_t address)
{
    return NODE_OBJECT(tree_ceiling(&tenant->regions, address), struct region);
}

struct region *region_behind(const struct tenant *tenant, uint64_t address)
{
    struct region *region = region_at(tenant, address);
    return region ? region : region_from(tenant, address);
}

bool range_valid(const struct tenant *tenant, uint64_t start, uint64_t length)
{
    return start % PAGE_SIZE == 0 && length % PAGE_SIZE == 0 && length > 0 &&
           start >= tenant->low && start < tenant->high && length <= tenant->high - start;
}

/// The lowest free range of `need` bytes in the subtree; *end is where the last region before
/// it ends, and is moved along. 0: none.
static uint64_t find_gap(const struct region *region, uint64_t *end, uint64_t need)
{
    if (!region || region->high <= *end)
        return 0;
    uint64_t before = region->low > *end ? region->low - *end : 0;
    if (before < need && region->gap < need) {
        *end = region->high;
        return 0;
    }
    uint64_t found = find_gap(NODE_OBJECT(region->node.left, struct region), end, need);
    if (found)
        return found;
    if (region->node.key > *end && region->node.key - *end >= need)
        return *end;
    if (region->end > *end)
        *end = region->end;
    return find_gap(NODE_OBJECT(region->node.right, struct region), end, need);
}

uint64_t region_gap(const struct tenant *tenant, uint64_t length, uint32_t bits)
{
    if (bits < PAGE_BITS || bits > 47 || length == 0 || length % PAGE_SIZE ||
        length > tenant->high)
        return 0;
    uint64_t align = 1ul << bits;
    uint64_t need = length + align; // a page stays free before it: overruns fault
    uint64_t end = tenant->low > CHOSEN_LOW ? tenant->low : CHOSEN_LOW;
    uint64_t found = find_gap(NODE_OBJECT(tenant->regions.root, struct region), &end, need);
    if (!found && tenant->high > end && tenant->high - end >= need)
        found = end;
    return found ? (found + PAGE_SIZE + align - 1) & ~(align - 1) : 0;
}

enum status region_add(struct tenant *tenant, uint64_t start, uint64_t length,
                       enum region_state state, uint32_t protection, struct region **result)
{
    struct region *next = region_from(tenant, start);
    if (region_at(tenant, start) || (next && next->node.key - start < length))
        return E_EXIST;
    if (tenant->region_count >= REGIONS_MAX)
        return E_NOMEM;
    struct region *region = record_take(tenant, sizeof *region);
    if (!region)
        return E_NOMEM;
    region->tenant = tenant;
    region->end = start + length;
    region->state = (uint8_t)state;
    region->protection = (uint8_t)protection;
    tree_insert(&tenant->regions, &region->node, start);
    tenant->region_count++;
    if (result)
        *result = region;
    return OK;
}

void region_drop(struct region *region)
{
    struct tenant *tenant = region->tenant;
    tree_remove(&tenant->regions, &region->node);
    tenant->region_count--;
    record_give(tenant, region, sizeof *region);
}

/// A border between regions at `at`.
static enum status region_cut(struct tenant *tenant, uint64_t at)
{
    struct region *region = region_at(tenant, at);
    if (!region || region->node.key == at)
        return OK;
    uint64_t end = region->end;
    region->end = at;
    tree_touch(&tenant->regions, &region->node);
    struct region *rest;
    enum status status =
        region_add(tenant, at, end - at, region->state, region->protection, &rest);
    if (status != OK) {
        region->end = end;
        tree_touch(&tenant->regions, &region->node);
        return status;
    }
    rest->sealed = region->sealed;
    return OK;
}

/// Joins like neighbours from the region before `start` to the one behind `end`.
static void range_merge(struct tenant *tenant, uint64_t start, uint64_t end)
{
    struct region *region = region_at(tenant, start - 1);
    if (!region)
        region = region_from(tenant, start);
    while (region && region->node.key <= end) {
        struct region *next = region_from(tenant, region->end);
        if (next && next->node.key == region->end && next->state == region->state &&
            next->protection == region->protection && next->sealed == region->sealed &&
            !next->fixed && !region->fixed && region->state != REGION_SHARED) {
            region->end = next->end;
            region_drop(next);
            tree_touch(&tenant->regions, &region->node);
        } else {
            region = next;
        }
    }
}

/// Whether [start, start + length) is covered by regions of the states in `states`. Shares
/// must lie in it whole. E_INVAL, E_BUSY: an IPC buffer, which goes with its thread.
static enum status range_check(const struct tenant *tenant, uint64_t start, uint64_t length,
                               uint32_t states)
{
    if (!range_valid(tenant, start, length))
        return E_INVAL;
    uint64_t end = start + length;
    for (uint64_t at = start; at < end;) {
        const struct region *region = region_at(tenant, at);
        if (!region || !(states >> region->state & 1))
            return E_INVAL;
        if (region->state == REGION_SHARED && (region->node.key < start || region->end > end))
            return E_INVAL;
        if (region->fixed)
            return E_BUSY;
        at = region->end;
    }
    return OK;
}

/// Borders of regions and Frames at both ends of a checked range.
static enum status range_isolate(struct tenant *tenant, uint64_t start, uint64_t end)
{
    enum status status = frames_isolate(tenant, start, end);
    if (status == OK)
        status = region_cut(tenant, start);
    if (status == OK)
        status = region_cut(tenant, end);
    return status;
}

enum status range_reserve(struct tenant *tenant, uint64_t start, uint64_t length)
{
    if (!range_valid(tenant, start, length))
        return E_INVAL;
    enum status status = region_add(tenant, start, length, REGION_RESERVED, 0, NULL);
    if (status == OK)
        range_merge(tenant, start, start + length);
    return status;
}

static bool protection_valid(uint32_t protection)
{
    const uint32_t both = PROTECTION_WRITE | PROTECTION_EXECUTE;
    return protection <= (PROTECTION_READ | both) && (protection & both) != both;
}

/// Whether all regions of a checked range may get this protection.
static enum status range_permits(const struct tenant *tenant, uint64_t start, uint64_t end,
                                 uint32_t protection)
{
    for (const struct region *region; start < end; start = region->end) {
        region = region_at(tenant, start);
        if (region->state == REGION_SHARED && protection & ~(uint32_t)region->allowed)
            return E_RIGHTS;
        if (region->sealed && protection & PROTECTION_WRITE)
            return E_RIGHTS;
    }
    return OK;
}

/// Gives a region of an isolated range its protection; `flags`: enum map of a share.
static void region_protect(struct region *region, uint32_t protection, uint32_t flags)
{
    if (region->protection != protection)
        frames_protect(region->tenant, region->node.key, region->end, protection, flags);
    region->protection = (uint8_t)protection;
    if (protection & PROTECTION_EXECUTE && region->state != REGION_SHARED)
        region->sealed = true;
}

/// Bytes of reserved regions in an isolated range.
static uint64_t range_reserved(const struct tenant *tenant, uint64_t start, uint64_t end)
{
    uint64_t bytes = 0;
    for (const struct region *region; start < end; start = region->end) {
        region = region_at(tenant, start);
        if (region->state == REGION_RESERVED)
            bytes += region->end - region->node.key;
    }
    return bytes;
}

/// Tables for the reserved parts of an isolated range, which become charged for.
static enum status range_hold(struct tenant *tenant, uint64_t start, uint64_t end)
{
    struct region *region;
    for (uint64_t at = start; at < end; at = region->end) {
        region = region_at(tenant, at);
        if (region->state != REGION_RESERVED)
            continue;
        enum status status = tables_hold(tenant, at, region->end);
        if (status == OK)
            continue;
        for (uint64_t done = start; done < at; done = region->end) {
            region = region_at(tenant, done);
            if (region->state == REGION_RESERVED)
                tables_drop(tenant, done, region->end);
        }
        return status;
    }
    return OK;
}

enum status range_commit(struct tenant *tenant, uint64_t start, uint64_t length,
                         uint32_t protection)
{
    bool lazy = protection & PROTECTION_LAZY;
    protection &= ~(uint32_t)PROTECTION_LAZY;
    enum status status = range_check(tenant, start, length, CHECK_PRIVATE);
    if (status == OK && !protection_valid(protection))
        status = E_INVAL;
    uint64_t end = start + length;
    if (status == OK)
        status = range_permits(tenant, start, end, protection);
    if (status == OK)
        status = range_isolate(tenant, start, end);
    if (status == OK && !lazy) {
        uint64_t bytes = range_reserved(tenant, start, end);
        status = tenant_charge(tenant, bytes);
        if (status == OK) {
            status = range_hold(tenant, start, end);
            if (status != OK)
                tenant_refund(tenant, bytes);
        }
    }
    // Past this line it cannot fail.
    struct region *region;
    for (uint64_t at = start; status == OK && at < end; at = region->end) {
        region = region_at(tenant, at);
        if (region->state == REGION_RESERVED)
            region->state = lazy ? REGION_LAZY : REGION_COMMITTED;
        region_protect(region, protection, 0);
    }
    if (range_valid(tenant, start, length))
        range_merge(tenant, start, end);
    return status;
}

/// Takes pages, charges and tables of a private region back.
static void region_empty(struct region *region)
{
    struct tenant *tenant = region->tenant;
    uint64_t start = region->node.key, end = region->end;
    if (region->state == REGION_COMMITTED) {
        (void)frames_remove(tenant, start, end);
        tables_drop(tenant, start, end);
        tenant_refund(tenant, end - start);
    } else if (region->state == REGION_LAZY) {
        struct node *node;
        while ((node = tree_ceiling(&tenant->frames, start)) != NULL && node->key < end) {
            uint64_t at = node->key;
            uint64_t bytes = frames_remove(tenant, at, at + 1);
            tables_drop(tenant, at, at + bytes);
            tenant_refund(tenant, bytes);
        }
    }
    region->state = REGION_RESERVED;
    region->protection = 0;
    region->sealed = false;
}

enum status range_decommit(struct tenant *tenant, uint64_t start, uint64_t length)
{
    enum status status = range_check(tenant, start, length, CHECK_PRIVATE);
    if (status == OK)
        status = range_isolate(tenant, start, start + length);
    struct region *region;
    for (uint64_t at = start; status == OK && at < start + length; at = region->end) {
        region = region_at(tenant, at);
        region_empty(region);
    }
    if (range_valid(tenant, start, length))
        range_merge(tenant, start, start + length);
    return status;
}

enum status range_protect(struct tenant *tenant, uint64_t start, uint64_t length,
                          uint32_t protection)
{
    enum status status =
        range_check(tenant, start, length, CHECK_COMMITTED | CHECK_LAZY | CHECK_SHARED);
    if (status == OK && !protection_valid(protection))
        status = E_INVAL;
    uint64_t end = start + length;
    if (status == OK)
        status = range_permits(tenant, start, end, protection);
    if (status == OK)
        status = range_isolate(tenant, start, end);
    struct region *region;
    for (uint64_t at = start; status == OK && at < end; at = region->end) {
        region = region_at(tenant, at);
        region_protect(region, protection, region->share ? region->share->flags : 0);
    }
    if (range_valid(tenant, start, length))
        range_merge(tenant, start, end);
    return status;
}

enum status range_release(struct tenant *tenant, uint64_t start, uint64_t length)
{
    enum status status = range_check(tenant, start, length, CHECK_PRIVATE | CHECK_SHARED);
    if (status == OK)
        status = range_isolate(tenant, start, start + length);
    for (uint64_t at = start; status == OK && at < start + length;) {
        struct region *region = region_at(tenant, at);
        at = region->end;
        if (region->state == REGION_SHARED) {
            share_leave(region);
        } else {
            region_empty(region);
            region_drop(region);
        }
    }
    return status;
}

enum status tenant_fault(struct tenant *tenant, uint64_t address, uint64_t code)
{
    enum { CODE_WRITE = 2, CODE_USER = 4, CODE_FETCH = 16 }; // Intel SDM volume 3, 4.7
    // An access that the CPU made for the thread with its own rights: no page that could be
    // mapped makes it pass. (QEMU's TCG reads the stack so for IRET and far RET, against SMAP.)
    if (!(code & CODE_USER))
        return E_FAULT;
    struct region *region = region_at(tenant, address);
    if (!region || region->state == REGION_RESERVED)
        return E_FAULT;
    uint32_t need = code & CODE_FETCH   ? PROTECTION_EXECUTE
                    : code & CODE_WRITE ? PROTECTION_WRITE
                                        : 7;
    if (!(region->protection & need))
        return E_FAULT;
    struct cap *frame = frame_at(tenant, address);
    if (!frame)
        return frame_populate(region, address & ~(PAGE_SIZE - 1));
    // Another thread of the space may have been first. Mapping it again tells whether it is
    // there.
    return frame_map(tenant, cap_slot(frame), frame->node.key,
                     region->protection | (region->share ? region->share->flags : 0));
}
