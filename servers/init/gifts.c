// What a server gets besides its image: sessions, and what the manifest grants. Called by
// servers.c.
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/text.h>
#include <pith/status.h>
#include <proto/memory.h>
#include "servers.h"

static void add_capability(struct gifts *gifts, uint32_t slot, uint32_t source, uint64_t badge,
                           uint32_t rights)
{
    gifts->capabilities[gifts->capability_count++] =
        (struct loader_capability){slot, source, badge, rights};
}

/// The endpoint behind a session slot, 0: no such server.
static uint32_t endpoint_of(uint32_t slot)
{
    if (slot == STARTUP_SLOT_MEMORY)
        return memory_endpoint;
    for (uint32_t i = 0; i < manifest.count; i++)
        if (session_slot(servers[i].plan->name) == slot)
            return servers[i].endpoint;
    return 0;
}

static uint64_t badge_for(const struct server *server, uint32_t slot)
{
    return server->id | (server->plan->manages >> slot & 1 ? BADGE_MANAGER : 0);
}

static void add_sessions(struct gifts *gifts, const struct server *server)
{
    add_capability(gifts, STARTUP_SLOT_MEMORY, memory_endpoint,
                   badge_for(server, STARTUP_SLOT_MEMORY), 0);
    add_capability(gifts, STARTUP_SLOT_INIT, own_endpoint, badge_for(server, STARTUP_SLOT_INIT),
                   0);
    add_capability(gifts, STARTUP_SLOT_ENDPOINT, server->endpoint, 0, RIGHT_ALL);
    if (server->pong)
        add_capability(gifts, STARTUP_SLOT_HEART, server->pong, 0, RIGHT_ALL);
    if (session_slot(server->plan->name) == STARTUP_SLOT_TIMER)
        add_capability(gifts, STARTUP_SLOT_TICK, beat_tick(), 0, RIGHT_ALL);
    for (const struct server *other = servers; other < server; other++) {
        uint32_t slot = session_slot(other->plan->name);
        if (slot && other->plan->priority > server->plan->priority)
            add_capability(gifts, slot, other->endpoint, badge_for(server, slot), 0);
    }
    if (!(server->plan->manages >> STARTUP_SLOT_MEMORY & 1))
        return;
    for (uint32_t i = 0; i < 5; i++) { // it makes processes: it mints their sessions
        uint32_t endpoint = endpoint_of(STARTUP_SLOT_MEMORY + i);
        if (endpoint)
            add_capability(gifts, STARTUP_SLOT_MINT + i, endpoint, 0,
                           RIGHT_CALL | RIGHT_SIGNAL | RIGHT_GRANT);
    }
}

/// A share of the grant's memory, made once for all instances of the server.
static enum status share_for(struct server *server, uint32_t index, struct grant *grant)
{
    if (text_equal(grant->name, "initrd")) {
        const struct boot_module *module = bootstrap_initrd();
        grant->first = module->address;
        grant->count = module->bytes;
    }
    uint64_t length = (grant->count + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    if (server->shares[index])
        return OK;
    return memory_device_share(session_to(STARTUP_SLOT_MEMORY), grant->first, length,
                               grant->flags, &server->shares[index]);
}

static enum status add_grant(struct gifts *gifts, struct server *server, uint32_t index)
{
    struct grant grant = server->plan->grants[index];
    uint32_t slot = STARTUP_SLOT_GRANT + index, source = own.debug;
    enum status status = OK;
    if (grant.kind == KIND_ENDPOINT) {
        status = share_for(server, index, &grant);
        source = server->shares[index];
    } else if (grant.kind != KIND_DEBUG) {
        source = gifts->made[index] = slot_alloc();
        status =
            sys_cap_copy(HANDLE_NULL, source, grant.kind == KIND_IRQ ? own.irq : own.ioport,
                         DERIVE_RANGE, grant.first, grant.count);
    }
    if (status != OK) {
        log_line("%s: grant %s: %s", server->plan->name, grant.name, status_message(status));
        return status;
    }
    // Without WRITE, kernel log and trace ring are no way to stop the machine.
    add_capability(gifts, slot, source, 0,
                   grant.kind == KIND_DEBUG ? RIGHT_CONTROL : RIGHT_ALL);
    struct startup_grant *shown = &gifts->grants[index];
    *shown = (struct startup_grant){
        .slot = slot, .kind = grant.kind, .first = grant.first, .count = grant.count};
    text_copy(shown->name, sizeof shown->name, grant.name);
    return OK;
}

enum status gifts_make(struct gifts *gifts, struct server *server)
{
    *gifts = (struct gifts){0};
    add_sessions(gifts, server);
    enum status status = OK;
    for (uint32_t i = 0; i < server->plan->grant_count && status == OK; i++)
        status = add_grant(gifts, server, i);
    return status;
}

void gifts_drop(struct gifts *gifts)
{
    for (uint32_t i = 0; i < GRANTS_MAX; i++)
        slot_delete(gifts->made[i]);
}
