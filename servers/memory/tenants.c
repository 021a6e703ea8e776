// Tenants: accounts, kernel objects, creation and destruction (tenant.h). Called by requests.c.
//
// What a new tenant is made from, one block of 32 KiB:
//
//      0         8         12                           28        32 KiB
//      [ VSpace ][ CSpace ][ four pages of 64 slots    ][ unused ]
#include <lib/heap.h>
#include <proto/memory.h>
#include "tenant.h"

enum {
    TENANT_BITS = 15,
    TENANT_SLOT_PAGES = 4,
    EXTRAS_SHARE = 80,   // 1/80 of memory: regions, shares, tenants, pieces
    EXTRAS_RESTARTS = 8, // 1/8 of that is not for programs
};

struct totals totals;

static struct tree tenants;
static uint64_t extras;
static uint32_t given[2]; // slots of capabilities that the last reply carried

// ---------------------------------------------------------------- records

bool extras_take(struct tenant *tenant, uint64_t bytes)
{
    uint64_t limit = totals.all / EXTRAS_SHARE;
    uint64_t kept = tenant && !tenant->serves ? limit / EXTRAS_RESTARTS : 0;
    if (extras + bytes + kept > limit || (tenant && tenant->extras + bytes > limit / 4))
        return false;
    extras += bytes;
    if (tenant)
        tenant->extras += bytes;
    return true;
}

void extras_give(struct tenant *tenant, uint64_t bytes)
{
    extras -= bytes;
    if (tenant)
        tenant->extras -= bytes;
}

void *record_take(struct tenant *tenant, size_t bytes)
{
    if (!extras_take(tenant, bytes))
        return NULL;
    void *record = heap_alloc(bytes);
    if (!record)
        extras_give(tenant, bytes);
    return record;
}

void record_give(struct tenant *tenant, void *record, size_t bytes)
{
    heap_free(record);
    extras_give(tenant, bytes);
}

// ---------------------------------------------------------------- accounts

enum status tenant_charge(struct tenant *tenant, uint64_t bytes)
{
    uint64_t left = tenant->limit > tenant->used ? tenant->limit - tenant->used : 0;
    uint64_t kept = tenant->serves ? 0 : totals.restarts;
    if (bytes > left || bytes + kept > totals.free)
        return E_NOMEM;
    tenant->used += bytes;
    totals.free -= bytes;
    return OK;
}

void tenant_refund(struct tenant *tenant, uint64_t bytes)
{
    tenant->used -= bytes;
    totals.free += bytes;
}

enum status tenant_charge_object(struct tenant *tenant, uint64_t bytes)
{
    enum status status = tenant_charge(tenant, bytes);
    if (status == OK)
        tenant->objects += bytes;
    return status;
}

void tenant_refund_object(struct tenant *tenant, uint64_t bytes)
{
    tenant->objects -= bytes;
    tenant_refund(tenant, bytes);
}

// ---------------------------------------------------------------- life and death

struct tenant *tenant_find(uint64_t session)
{
    return NODE_OBJECT(tree_find(&tenants, session), struct tenant);
}

/// Makes VSpace, CSpace and first slots in the tenant's block.
static enum status make_space(struct tenant *tenant)
{
    enum status status = object_make(tenant->block, KIND_VSPACE, 0, tenant->vspace);
    if (status == OK)
        status = object_make(tenant->block, KIND_CSPACE, PAGE_BITS, tenant->cspace);
    while (status == OK && tenant->slot_pages < TENANT_SLOT_PAGES) {
        do
            status =
                sys_retype(tenant->block, KIND_SLOTS, 0, 1, tenant->cspace, tenant->slot_pages);
        while (status == E_MORE);
        tenant->slot_pages++;
    }
    return status;
}

static void unmake_space(struct tenant *tenant)
{
    if (tenant->block)
        block_give(tenant->block); // which empties the two slots
    if (tenant->vspace)
        slot_give(tenant->vspace);
    if (tenant->cspace)
        slot_give(tenant->cspace);
}

static void region_update(struct node *node)
{
    struct region *region = NODE_OBJECT(node, struct region);
    struct region *left = NODE_OBJECT(node->left, struct region);
    struct region *right = NODE_OBJECT(node->right, struct region);
    region->low = left ? left->low : node->key;
    region->high = right ? right->high : region->end;
    region->gap = 0;
    uint64_t gaps[4] = {left ? left->gap : 0, left ? node->key - left->high : 0,
                        right ? right->gap : 0, right ? right->low - region->end : 0};
    for (int i = 0; i < 4; i++)
        if (gaps[i] > region->gap)
            region->gap = gaps[i];
}

static struct tenant *tenant_new(uint64_t session, uint64_t creator, uint64_t limit)
{
    struct tenant *tenant = record_take(NULL, sizeof *tenant);
    if (!tenant)
        return NULL;
    const struct tenant *maker = tenant_find(creator);
    tenant->creator = creator;
    tenant->serves = !maker || !maker->creator;
    tenant->limit = limit ? limit : totals.all;
    tenant->regions.update = region_update;
    tree_insert(&tenants, &tenant->node, session);
    return tenant;
}

enum status tenant_create(uint64_t session, uint64_t creator, uint64_t limit)
{
    if (session == 0 || session > UINT32_MAX)
        return E_INVAL;
    if (tenant_find(session))
        return E_EXIST;
    struct tenant *tenant = tenant_new(session, creator, limit);
    if (!tenant)
        return E_NOMEM;
    tenant->low = 1ul << 21;
    tenant->high = USER_END;
    enum status status = tenant_charge_object(tenant, 1ul << TENANT_BITS);
    if (status == OK) {
        tenant->block = block_take(TENANT_BITS);
        tenant->vspace = slot_take();
        tenant->cspace = slot_take();
        status =
            tenant->block && tenant->vspace && tenant->cspace ? make_space(tenant) : E_NOMEM;
        if (status != OK)
            tenant_refund_object(tenant, 1ul << TENANT_BITS);
    }
    if (status != OK) {
        unmake_space(tenant);
        tree_remove(&tenants, &tenant->node);
        record_give(NULL, tenant, sizeof *tenant);
    }
    return status;
}

enum status tenant_adopt(uint64_t session, uint64_t low, uint64_t high, uint32_t slots,
                         uint32_t vspace, uint32_t cspace)
{
    if (low == 0 || low >= high || high > USER_END || (low | high) & ((1ul << 39) - 1))
        return E_INVAL;
    if (tenant_find(session))
        return E_EXIST;
    struct tenant *tenant = tenant_new(session, 0, 0);
    if (!tenant)
        return E_NOMEM;
    tenant->low = low;
    tenant->high = high;
    tenant->vspace = vspace;
    tenant->cspace = cspace;
    tenant->slot_pages = slots / SLOTS_PER_PAGE;
    return OK;
}

struct tenant *tenant_created_by(uint64_t creator, uint64_t from)
{
    for (struct node *node = tree_ceiling(&tenants, from); node;
         node = tree_ceiling(&tenants, node->key + 1)) {
        struct tenant *tenant = NODE_OBJECT(node, struct tenant);
        if (tenant->creator == creator && node->key != creator)
            return tenant;
    }
    return NULL;
}

/// Gives back the regions that begin below `end`.
static void regions_end(struct tenant *tenant, uint64_t end)
{
    struct node *node;
    while ((node = tree_ceiling(&tenant->regions, 0)) != NULL && node->key < end) {
        struct region *region = NODE_OBJECT(node, struct region);
        region->fixed = 0;
        (void)range_release(tenant, node->key, region->end - node->key);
    }
}

void tenant_renew(struct tenant *tenant, uint64_t end)
{
    for (uint32_t id = tenant->first_object, next; id; id = next) {
        next = cap_at(id)->next;
        if (!cap_at(id)->busy) // else it is a page of slots
            (void)object_destroy(tenant, id);
    }
    regions_end(tenant, end);
}

void tenant_destroy(struct tenant *tenant)
{
    struct tenant *created;
    while ((created = tenant_created_by(tenant->node.key, 0)) != NULL)
        tenant_destroy(created);
    while (tenant->first_object)
        (void)object_destroy(tenant, tenant->first_object);
    if (tenant->block) { // mappings end with the space: taking the Frames back is cheaper then
        unmake_space(tenant);
        tenant_refund_object(tenant, 1ul << TENANT_BITS);
    }
    regions_end(tenant, UINT64_MAX);
    tree_remove(&tenants, &tenant->node);
    record_give(NULL, tenant, sizeof *tenant);
}

// ---------------------------------------------------------------- kernel objects

/// Empty slot number `i` for a capability that goes out with the reply. What the reply before
/// carried has been copied to its receiver: this server's copy goes.
static uint32_t given_slot(int i)
{
    if (given[i])
        slot_drop(given[i]);
    given[i] = slot_take();
    return given[i];
}

enum status object_create(struct tenant *tenant, uint32_t kind, uint32_t bits, uint32_t *id,
                          uint32_t *slot)
{
    if (kind == KIND_FRAME ? bits < PAGE_BITS || bits > 21 : bits != 0)
        return E_INVAL;
    if (kind != KIND_FRAME && kind != KIND_THREAD && kind != KIND_ENDPOINT &&
        kind != KIND_REPLY)
        return E_INVAL;
    uint32_t block_bits =
        kind == KIND_FRAME ? (bits - PAGE_BITS + 2) / 3 * 3 + PAGE_BITS : PAGE_BITS;
    enum status status = tenant_charge_object(tenant, 1ul << block_bits);
    if (status != OK)
        return status;
    uint32_t block = block_take(block_bits);
    *slot = block ? given_slot(0) : 0;
    status = *slot ? object_make(block, kind, bits, *slot) : E_NOMEM;
    if (status != OK) {
        if (block)
            block_give(block);
        tenant_refund_object(tenant, 1ul << block_bits);
        return status;
    }
    struct cap *cap = cap_at(block);
    cap->state = CAP_OBJECT;
    cap->node.key = tenant->node.key;
    cap->node.left = NULL; // thread_create: the region of its buffer
    cap->prev = 0;
    cap->next = tenant->first_object;
    if (cap->next)
        cap_at(cap->next)->prev = block;
    tenant->first_object = block;
    *id = block;
    return OK;
}

enum status thread_create(struct tenant *tenant, uint32_t *id, uint64_t *address,
                          uint32_t *thread, uint32_t *buffer)
{
    struct region *region;
    if (!*address)
        *address = region_gap(tenant, PAGE_SIZE, PAGE_BITS);
    enum status status = range_valid(tenant, *address, PAGE_SIZE) ? OK : E_INVAL;
    if (status == OK)
        status = region_add(tenant, *address, PAGE_SIZE, REGION_LAZY,
                            PROTECTION_READ | PROTECTION_WRITE, &region);
    if (status != OK)
        return status;
    region->fixed = 1; // its neighbours do not merge with it
    status = frame_populate(region, *address);
    if (status == OK)
        status = object_create(tenant, KIND_THREAD, 0, id, thread);
    if (status == OK) {
        *buffer = given_slot(1);
        status = *buffer
                     ? sys_cap_copy(HANDLE_NULL, *buffer, cap_slot(frame_at(tenant, *address)),
                                    DERIVE_COPY, RIGHT_ALL, 0)
                     : E_NOMEM;
        if (status != OK)
            (void)object_destroy(tenant, *id);
    }
    if (status == OK) {
        cap_at(*id)->node.left = &region->node;
    } else {
        region->fixed = 0;
        (void)range_release(tenant, *address, PAGE_SIZE);
    }
    return status;
}

enum status object_destroy(struct tenant *tenant, uint32_t id)
{
    if (id == 0 || id >= own_slots_limit())
        return E_NOENT;
    struct cap *cap = cap_at(id);
    if (cap->state != CAP_OBJECT || cap->node.key != tenant->node.key)
        return E_NOENT;
    if (cap->prev)
        cap_at(cap->prev)->next = cap->next;
    else
        tenant->first_object = cap->next;
    if (cap->next)
        cap_at(cap->next)->prev = cap->prev;
    struct region *region = NODE_OBJECT(cap->node.left, struct region);
    tenant_refund_object(tenant, 1ul << cap->bits);
    block_give(id);
    if (region) {
        region->fixed = 0;
        (void)range_release(tenant, region->node.key, PAGE_SIZE);
    }
    return OK;
}

enum status tenant_grow_slots(struct tenant *tenant, uint32_t *first)
{
    uint32_t id, slot;
    enum status status = object_create(tenant, KIND_ENDPOINT, 0, &id, &slot);
    if (status != OK)
        return status;
    revoke(id); // an object like others, but for what is made from it
    do
        status = sys_retype(id, KIND_SLOTS, 0, 1, tenant->cspace, tenant->slot_pages);
    while (status == E_MORE);
    if (status != OK) {
        (void)object_destroy(tenant, id);
        return E_NOMEM;
    }
    cap_at(id)->busy = 1;
    *first = tenant->slot_pages++ * SLOTS_PER_PAGE + 1;
    return OK;
}
