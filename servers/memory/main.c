// The memory server: all physical memory, every address space, every page fault.
//
// Started by init with all Untyped capabilities as grants ("ram" and "device"), one block for
// its own use ("meta") and its CSpace's size ("slots"). It calls nobody. Reading order:
// tenant.h (what there is), regions.c (requests on addresses), frames.c and tables.c (what is
// mapped), shares.c, tenants.c (accounts, objects), blocks.c and slots.c (physical memory and
// the means to manage it), requests.c (the interface).
#include <lib/log.h>
#include <lib/start.h>
#include <lib/text.h>
#include <proto/memory_server.h>
#include "tenant.h"

enum {
    RESERVE_SHARE = 14,   // see slots.h: what the records of every single page would take
    RESTARTS_SHARE = 256, // of all memory
    RESTARTS_LEAST = 128 << 10,
};

static enum status reply_create(uint32_t *id, uint32_t *handle)
{
    *id = 0;
    *handle = own_object(KIND_REPLY);
    return *handle ? OK : E_NOMEM;
}

static enum status fault(struct request *r, const struct fault *fault,
                         enum fault_action *action)
{
    meta_refill();
    struct tenant *tenant = tenant_find(r->badge & ~BADGE_MANAGER);
    bool served = tenant && fault->kind == FAULT_PAGE &&
                  tenant_fault(tenant, fault->address, fault->code) == OK;
    *action = served ? FAULT_ACTION_RETRY : FAULT_ACTION_DIVERT;
    return OK;
}

static enum status dispatch(struct request *r)
{
    meta_refill();
    return memory_dispatch(r);
}

static uint32_t bits_of(uint64_t bytes)
{
    uint32_t bits = 0;
    while (bits < 63 && 1ul << (bits + 1) <= bytes)
        bits++;
    return bits;
}

/// Enters what init handed over.
static void take_over(const struct startup *startup)
{
    const struct startup_grant *grants = (const struct startup_grant *)startup->grants;
    uint64_t devices = 0;
    for (uint32_t i = 0; i < startup->grant_count; i++) {
        const struct startup_grant *grant = &grants[i];
        if (grant->kind != KIND_UNTYPED || text_equal(grant->name, "meta"))
            continue;
        if (text_equal(grant->name, "ram")) {
            CHECK(blocks_add(grant->slot, bits_of(grant->count)));
            totals.all += grant->count;
        } else {
            CHECK(device_add(grant->slot, grant->first, bits_of(grant->count)));
            devices++;
        }
        meta_refill();
    }
    totals.reserve = totals.all / RESERVE_SHARE & ~(PAGE_SIZE - 1);
    totals.free = totals.all - totals.reserve;
    totals.restarts = totals.all / RESTARTS_SHARE;
    if (totals.restarts < RESTARTS_LEAST)
        totals.restarts = RESTARTS_LEAST;
    log_line("%lu KiB, %lu KiB of it for records; %lu device ranges", totals.all >> 10,
             totals.reserve >> 10, devices);
}

void server_main(const struct startup *startup)
{
    const struct startup_grant *meta = startup_grant("meta");
    const struct startup_grant *slots = startup_grant("slots");
    const struct startup_grant *vspace = startup_grant("vspace");
    CHECK(meta && slots && vspace);
    own_vspace = vspace->slot;
    own_slots_start((uint32_t)slots->first, (uint32_t)(slots->first + slots->count), meta->slot,
                    meta->count);
    take_over(startup);
    static struct server server = {
        .dispatch = dispatch, .fault = fault, .reply_create = reply_create, .welcome = true};
    server.endpoint = STARTUP_SLOT_ENDPOINT;
    server_run(&server);
}
