// The requests of servers/proto/memory.idl. Called by the generated dispatch, which has checked
// lengths and the manager bit; what the arguments mean is checked here and below.
#include <lib/slots.h>
#include <proto/memory_server.h>
#include "tenant.h"

/// A share capability is a signal capability of this server's own endpoint with this bit and
/// the share's id: no session looks like it, and signalling it means nothing.
#define SHARE_BIT (1ul << 61)

static uint32_t last_share; // slot of the share capability that the last reply carried

static struct tenant *caller(const struct request *r)
{
    return tenant_find(r->client->node.key);
}

/// The share that a received capability names, or null. The capability is deleted.
static struct share *share_received(const struct request *r, uint32_t slot)
{
    uint64_t kind, value = 0, size;
    if (!slot)
        return NULL;
    enum status status = sys_cap_identify(slot, r->server->endpoint, &kind, &value, &size);
    slot_delete(slot);
    return status == OK && kind == KIND_ENDPOINT && value & SHARE_BIT
               ? share_find(value & ~SHARE_BIT)
               : NULL;
}

/// A capability that names share `id`, for the reply. What the reply before carried goes.
static enum status share_capability(struct request *r, uint64_t id, uint32_t *slot)
{
    if (last_share)
        slot_drop(last_share);
    last_share = slot_take();
    *slot = last_share;
    r->keep_caps = true;
    return last_share ? sys_cap_copy(HANDLE_NULL, last_share, r->server->endpoint,
                                     DERIVE_SIGNAL, SHARE_BIT | id, 0)
                      : E_NOMEM;
}

// ---------------------------------------------------------------- the caller's own space

enum status memory_on_reserve(struct request *r, const struct memory_reserve_in *in,
                              struct memory_reserve_out *out)
{
    struct tenant *tenant = caller(r);
    if (!tenant)
        return E_STALE;
    if (in->length == 0 || in->length % PAGE_SIZE || in->align_bits < PAGE_BITS ||
        in->align_bits > 47)
        return E_INVAL;
    out->address = region_gap(tenant, in->length, in->align_bits);
    return out->address ? range_reserve(tenant, out->address, in->length) : E_NOMEM;
}

enum status memory_on_reserve_at(struct request *r, const struct memory_reserve_at_in *in,
                                 struct memory_reserve_at_out *out)
{
    (void)out;
    struct tenant *tenant = caller(r);
    return tenant ? range_reserve(tenant, in->address, in->length) : E_STALE;
}

enum status memory_on_commit(struct request *r, const struct memory_commit_in *in,
                             struct memory_commit_out *out)
{
    (void)out;
    struct tenant *tenant = caller(r);
    if (!tenant)
        return E_STALE;
    if (in->protection & PROTECTION_LAZY)
        return E_INVAL;
    return range_commit(tenant, in->address, in->length, in->protection);
}

enum status memory_on_decommit(struct request *r, const struct memory_decommit_in *in,
                               struct memory_decommit_out *out)
{
    (void)out;
    struct tenant *tenant = caller(r);
    return tenant ? range_decommit(tenant, in->address, in->length) : E_STALE;
}

enum status memory_on_protect(struct request *r, const struct memory_protect_in *in,
                              struct memory_protect_out *out)
{
    (void)out;
    struct tenant *tenant = caller(r);
    return tenant ? range_protect(tenant, in->address, in->length, in->protection) : E_STALE;
}

enum status memory_on_release(struct request *r, const struct memory_release_in *in,
                              struct memory_release_out *out)
{
    (void)out;
    struct tenant *tenant = caller(r);
    return tenant ? range_release(tenant, in->address, in->length) : E_STALE;
}

enum status memory_on_info(struct request *r, const struct memory_info_in *in,
                           struct memory_info_out *out)
{
    (void)in;
    const struct tenant *tenant = caller(r);
    if (!tenant)
        return E_STALE;
    *out = (struct memory_info_out){totals.all, totals.free, tenant->used, tenant->limit,
                                    tenant->objects};
    return OK;
}

enum status memory_on_idle_slots(struct request *r, const struct memory_idle_slots_in *in,
                                 struct memory_idle_slots_out *out)
{
    (void)r, (void)in;
    out->slots = blocks_idle;
    return OK;
}

// ---------------------------------------------------------------- shares

enum status memory_on_share(struct request *r, const struct memory_share_in *in,
                            struct memory_share_out *out)
{
    struct tenant *tenant = caller(r);
    uint64_t id;
    if (!tenant)
        return E_STALE;
    enum status status = share_create(tenant, in->length, &out->address, &id);
    if (status != OK)
        return status;
    status = share_capability(r, id, &out->share);
    if (status != OK)
        (void)range_release(tenant, out->address, in->length);
    return status;
}

enum status memory_on_attach_share(struct request *r, const struct memory_attach_share_in *in,
                                   struct memory_attach_share_out *out)
{
    struct tenant *tenant = caller(r);
    struct share *share = share_received(r, in->share);
    if (!tenant)
        return E_STALE;
    if (!share)
        return in->share ? E_DEAD : E_HANDLE;
    if (in->protection & ~(uint32_t)(PROTECTION_READ | PROTECTION_WRITE))
        return E_RIGHTS; // code comes from managers, or by the seal of private pages
    out->length = share->length;
    uint32_t bits = share->length >> FRAME_BITS_MAX ? FRAME_BITS_MAX : 15;
    uint64_t skew = share->skew & ((1ul << bits) - 1);
    uint64_t gap = region_gap(tenant, share->length + skew, bits);
    out->address = gap + skew;
    return gap ? share_attach(tenant, share, out->address, 0, share->length, in->protection)
               : E_NOMEM;
}

enum status memory_on_device_share(struct request *r, const struct memory_device_share_in *in,
                                   struct memory_device_share_out *out)
{
    uint64_t id;
    enum status status = device_share(in->address, in->length, in->flags, &id);
    return status == OK ? share_capability(r, id, &out->share) : status;
}

// ---------------------------------------------------------------- kernel objects

enum status memory_on_object_create(struct request *r, const struct memory_object_create_in *in,
                                    struct memory_object_create_out *out)
{
    struct tenant *tenant = caller(r);
    r->keep_caps = true;
    if (!tenant)
        return E_STALE;
    return object_create(tenant, in->kind, in->bits, &out->id, &out->object);
}

enum status memory_on_object_destroy(struct request *r,
                                     const struct memory_object_destroy_in *in,
                                     struct memory_object_destroy_out *out)
{
    (void)out;
    struct tenant *tenant = caller(r);
    return tenant ? object_destroy(tenant, in->id) : E_STALE;
}

enum status memory_on_grow_slots(struct request *r, const struct memory_grow_slots_in *in,
                                 struct memory_grow_slots_out *out)
{
    (void)in;
    struct tenant *tenant = caller(r);
    return tenant ? tenant_grow_slots(tenant, &out->first_slot) : E_STALE;
}

enum status memory_on_region_next(struct request *r, const struct memory_region_next_in *in,
                                  struct memory_region_next_out *out)
{
    const struct tenant *tenant = caller(r);
    if (!tenant)
        return E_STALE;
    const struct region *region = region_behind(tenant, in->from);
    if (!region)
        return E_NOENT;
    *out = (struct memory_region_next_out){region->node.key, region->end - region->node.key,
                                           region->state};
    return OK;
}

// ---------------------------------------------------------------- managers

enum status memory_on_space_create(struct request *r, const struct memory_space_create_in *in,
                                   struct memory_space_create_out *out)
{
    enum status status = tenant_create(in->session, r->client->node.key, in->limit);
    if (status != OK)
        return status;
    const struct tenant *tenant = tenant_find(in->session);
    r->keep_caps = true;
    out->vspace = tenant->vspace;
    out->cspace = tenant->cspace;
    return OK;
}

enum status memory_on_space_adopt(struct request *r, const struct memory_space_adopt_in *in,
                                  struct memory_space_adopt_out *out)
{
    (void)out;
    if (!in->vspace || in->address + in->length < in->address)
        return E_INVAL;
    // The capabilities stay in the slots that they came in.
    return tenant_adopt(r->client->node.key, in->address, in->address + in->length, in->slots,
                        in->vspace, in->cspace);
}

enum status memory_on_space_destroy(struct request *r, const struct memory_space_destroy_in *in,
                                    struct memory_space_destroy_out *out)
{
    (void)out;
    struct tenant *tenant = tenant_find(in->session);
    if (!tenant)
        return E_NOENT;
    if (!tenant->block)
        return E_NOTSUP; // adopted: who runs in it would be gone
    tenant_destroy(tenant);
    struct client *client = server_client(r->server, in->session, false);
    if (client && client != r->client)
        server_client_end(r->server, client);
    return OK;
}

enum status memory_on_space_commit(struct request *r, const struct memory_space_commit_in *in,
                                   struct memory_space_commit_out *out)
{
    (void)r, (void)out;
    struct tenant *tenant = tenant_find(in->session);
    if (!tenant)
        return E_NOENT;
    enum status status = range_reserve(tenant, in->address, in->length);
    if (status != OK)
        return status;
    status =
        in->protection ? range_commit(tenant, in->address, in->length, in->protection) : OK;
    if (status != OK)
        (void)range_release(tenant, in->address, in->length);
    return status;
}

enum status memory_on_space_attach(struct request *r, const struct memory_space_attach_in *in,
                                   struct memory_space_attach_out *out)
{
    (void)out;
    struct tenant *tenant = tenant_find(in->session);
    struct share *share = share_received(r, in->share);
    if (!tenant)
        return E_NOENT;
    if (!share)
        return in->share ? E_DEAD : E_HANDLE;
    return share_attach(tenant, share, in->address, in->offset, in->length, in->protection);
}

enum status memory_on_space_object(struct request *r, const struct memory_space_object_in *in,
                                   struct memory_space_object_out *out)
{
    struct tenant *tenant = tenant_find(in->session);
    r->keep_caps = true;
    return tenant ? object_create(tenant, in->kind, in->bits, &out->id, &out->object) : E_NOENT;
}

enum status memory_on_space_object_destroy(struct request *r,
                                           const struct memory_space_object_destroy_in *in,
                                           struct memory_space_object_destroy_out *out)
{
    (void)r, (void)out;
    struct tenant *tenant = tenant_find(in->session);
    return tenant ? object_destroy(tenant, in->id) : E_NOENT;
}

enum status memory_on_space_thread(struct request *r, const struct memory_space_thread_in *in,
                                   struct memory_space_thread_out *out)
{
    struct tenant *tenant = tenant_find(in->session);
    r->keep_caps = true;
    out->where = in->address;
    return tenant ? thread_create(tenant, &out->id, &out->where, &out->thread, &out->buffer)
                  : E_NOENT;
}

enum status memory_on_space_info(struct request *r, const struct memory_space_info_in *in,
                                 struct memory_space_info_out *out)
{
    (void)r;
    const struct tenant *tenant = tenant_find(in->session);
    if (!tenant)
        return E_NOENT;
    *out = (struct memory_space_info_out){tenant->used, tenant->limit, tenant->objects};
    return OK;
}

enum status memory_on_space_created(struct request *r, const struct memory_space_created_in *in,
                                    struct memory_space_created_out *out)
{
    (void)r;
    const struct tenant *tenant = tenant_created_by(in->creator, in->from);
    if (!tenant)
        return E_NOENT;
    out->session = tenant->node.key;
    return OK;
}

enum status memory_on_space_renew(struct request *r, const struct memory_space_renew_in *in,
                                  struct memory_space_renew_out *out)
{
    struct tenant *tenant = tenant_find(in->session);
    if (!tenant)
        return E_NOENT;
    if (tenant == caller(r) || in->end % PAGE_SIZE)
        return E_INVAL;
    tenant_renew(tenant, in->end);
    out->slots = tenant->slot_pages * SLOTS_PER_PAGE;
    return OK;
}
