// Servers: started in the manifest's order, buried when they fault, started again.
//
//      DOWN --start--> STARTING --ready--> UP
//        \                 \---------------+--fault--> WAITING --back-off passed--> STARTING
//         the next is started when its predecessor is ready for the first time
//
// Order of a burial (DESIGN 3): its space goes with its threads first, then its Replies (so that
// callers that it had received get E_DEAD), then memory; the other servers are told; the start
// follows after 10 ms, doubling to 1 s, from 10 ms again after 1 s of health. Its endpoint is
// init's and stays: who queues there is served by the next instance.
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/text.h>
#include <pith/names.h>
#include <pith/status.h>
#include <proto/io.h>
#include <proto/memory.h>
#include <proto/timer.h>
#include "init.h"

enum state { DOWN, STARTING, UP, WAITING };

enum {
    STACK_BYTES = 256 * 1024,
    BACK_OFF_MIN = 10, // milliseconds
    BACK_OFF_MAX = 1000,
    RESTART_ID = 0x40000000, // restarted servers get ids from here on
    NOTICES_MAX = 64,
};

struct server {
    const struct server_plan *plan;
    enum state state;
    uint32_t id;
    uint32_t endpoint;
    uint32_t session; // ours, a manager's, for session_end
    uint32_t shares[GRANTS_MAX];
    struct loader_process process;
    uint32_t back_off; // milliseconds that the next burial is followed by
    uint64_t started, due; // TSC
};

static struct manifest manifest;
static struct server servers[SERVERS_MAX];
static struct blob archive;
static uint32_t memory_endpoint;
static uint32_t next_id = RESTART_ID;

/// Deaths that a server has not been told of.
static struct {
    uint32_t server, id;
} notices[NOTICES_MAX];
static uint32_t notice_count;

static uint64_t ticks(uint64_t milliseconds)
{
    return boot->tsc_hz / 1000 * milliseconds;
}

// ---------------------------------------------------------------- what a server gets

struct gifts {
    struct loader_capability capabilities[8 + 5 + GRANTS_MAX];
    uint32_t capability_count;
    struct startup_grant grants[GRANTS_MAX];
    uint32_t made[GRANTS_MAX]; // slots to delete when it has its copies
};

static void add_capability(struct gifts *gifts, uint32_t slot, uint32_t source, uint64_t badge, uint32_t rights)
{
    gifts->capabilities[gifts->capability_count++] = (struct loader_capability){slot, source, badge, rights};
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
    add_capability(gifts, STARTUP_SLOT_MEMORY, memory_endpoint, badge_for(server, STARTUP_SLOT_MEMORY), 0);
    add_capability(gifts, STARTUP_SLOT_INIT, own_endpoint, badge_for(server, STARTUP_SLOT_INIT), 0);
    add_capability(gifts, STARTUP_SLOT_ENDPOINT, server->endpoint, 0, RIGHT_ALL);
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
    return memory_device_share(session_to(STARTUP_SLOT_MEMORY), grant->first, length, grant->flags,
                               &server->shares[index]);
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
        status = sys_cap_copy(HANDLE_NULL, source, grant.kind == KIND_IRQ ? own.irq : own.ioport,
                              DERIVE_RANGE, grant.first, grant.count);
    }
    if (status != OK) {
        log_line("%s: grant %s: %s", server->plan->name, grant.name, status_message(status));
        return status;
    }
    add_capability(gifts, slot, source, 0, RIGHT_ALL);
    struct startup_grant *shown = &gifts->grants[index];
    *shown = (struct startup_grant){.slot = slot, .kind = grant.kind, .first = grant.first, .count = grant.count};
    text_copy(shown->name, sizeof shown->name, grant.name);
    return OK;
}

// ---------------------------------------------------------------- start

static enum status read_blob(void *context, uint64_t offset, void *to, uint32_t bytes)
{
    const struct blob *blob = context;
    memcpy(to, blob->bytes + offset, bytes);
    return OK;
}

/// The ids of all servers, as `NAME=ID`, for who lists processes.
static uint32_t list_servers(char *text, uint32_t max)
{
    uint32_t at = (uint32_t)text_format(text, max, "init=%u", INIT_ID) + 1;
    at += (uint32_t)text_format(text + at, max - at, "memory=%u", MEMORY_ID) + 1;
    for (uint32_t i = 0; i < manifest.count; i++)
        at += (uint32_t)text_format(text + at, max - at, "%s=%u", servers[i].plan->name, servers[i].id) + 1;
    return at;
}

static enum status start_image(struct server *server, const struct gifts *gifts, struct blob *file)
{
    char arguments[sizeof server->plan->name], environment[(SERVERS_MAX + 2) * 48];
    text_copy(arguments, sizeof arguments, server->plan->name);
    const struct loader_program program = {
        .file = {read_blob, file, file->size},
        .name = server->plan->name,
        .session = server->id,
        .parent = INIT_ID,
        .stack_bytes = STACK_BYTES,
        .priority = server->plan->priority,
        .tsc_hz = boot->tsc_hz,
        .cpu_count = boot->cpu_count,
        .capabilities = gifts->capabilities,
        .capability_count = gifts->capability_count,
        .memory_endpoint = memory_endpoint,
        .supervisor_endpoint = own_endpoint,
        .arguments = arguments,
        .arguments_bytes = (uint32_t)strlen(arguments) + 1,
        .environment = environment,
        .environment_bytes = list_servers(environment, sizeof environment),
        .grants = gifts->grants,
        .grant_count = server->plan->grant_count,
    };
    return loader_start(&program, &server->process);
}

static void wait_and_retry(struct server *server)
{
    uint64_t now = tsc_now();
    if (server->state == UP && now - server->started >= ticks(BACK_OFF_MAX))
        server->back_off = BACK_OFF_MIN;
    server->state = WAITING;
    server->due = now + ticks(server->back_off);
    clock_set(server->due);
    server->back_off = server->back_off * 2 < BACK_OFF_MAX ? server->back_off * 2 : BACK_OFF_MAX;
}

static void start(struct server *server)
{
    char path[sizeof server->plan->name + 8];
    struct gifts gifts = {0};
    struct blob file = {0};
    (void)text_format(path, sizeof path, "sbin/%s", server->plan->name);
    add_sessions(&gifts, server);
    enum status status = initrd_find(&archive, path, &file) ? OK : E_NOENT;
    server->process.error = 0;
    for (uint32_t i = 0; i < server->plan->grant_count && status == OK; i++)
        status = add_grant(&gifts, server, i);
    if (status == OK)
        status = start_image(server, &gifts, &file);
    for (uint32_t i = 0; i < GRANTS_MAX; i++)
        slot_delete(gifts.made[i]);
    server->started = tsc_now();
    if (status == OK) {
        server->state = STARTING;
        return;
    }
    log_line("cannot start: %s, /%s", server->process.error ? server->process.error : status_message(status),
             path);
    wait_and_retry(server);
}

void servers_start(const struct blob *initrd, uint32_t endpoint)
{
    struct blob text;
    const char *error = "there is no boot/manifest in the initrd";
    uint32_t line = 0;
    archive = *initrd;
    memory_endpoint = endpoint;
    if (!initrd_find(&archive, "boot/manifest", &text) || !manifest_read(&text, &manifest, &error, &line)) {
        log_line("boot/manifest: %s, line %u", error, line);
        log_die("no manifest", __FILE__, __LINE__);
    }
    for (uint32_t i = 0; i < manifest.count; i++) {
        struct server *server = &servers[i];
        *server = (struct server){.plan = &manifest.plans[i], .id = MEMORY_ID + 1 + i,
                                  .endpoint = own_object(KIND_ENDPOINT, 0), .session = slot_alloc(),
                                  .back_off = BACK_OFF_MIN};
        CHECK(sys_cap_copy(HANDLE_NULL, server->session, server->endpoint, DERIVE_CALL,
                           INIT_ID | BADGE_MANAGER, 1) == OK);
    }
    start(&servers[0]);
}

static struct server *find(uint32_t id)
{
    for (uint32_t i = 0; i < manifest.count; i++)
        if (servers[i].id == id && servers[i].state != DOWN)
            return &servers[i];
    return 0;
}

bool server_ready(uint32_t id)
{
    struct server *server = find(id);
    if (!server)
        return false;
    if (server->state == STARTING)
        log_line("%s is ready", server->plan->name);
    server->state = UP;
    if (server + 1 < servers + manifest.count && server[1].state == DOWN)
        start(server + 1);
    return true;
}

// ---------------------------------------------------------------- death

/// Tells others of deaths, without waiting: who is busy is told later.
static void notices_send(void)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < notice_count; i++) {
        const struct server *server = &servers[notices[i].server];
        bool clock = text_equal(server->plan->name, "timer");
        struct message m = {.tag = tag_make(clock ? LABEL_TIMER_SESSION_END : LABEL_IO_SESSION_END, 1, 0),
                            .words = {notices[i].id}};
        if (server->state == UP && sys_send(server->session, &m, IPC_NONBLOCK) == E_AGAIN)
            notices[kept++] = notices[i];
    }
    notice_count = kept;
    if (kept)
        clock_set(tsc_now() + ticks(BACK_OFF_MIN));
}

static void tell_others(const struct server *dead)
{
    for (uint32_t i = 0; i < manifest.count && notice_count < NOTICES_MAX; i++) {
        uint32_t slot = session_slot(servers[i].plan->name);
        if (&servers[i] == dead || servers[i].state != UP ||
            (slot != STARTUP_SLOT_FILES && slot != STARTUP_SLOT_CONSOLE && slot != STARTUP_SLOT_TIMER))
            continue;
        notices[notice_count].server = i;
        notices[notice_count++].id = dead->id;
    }
    notices_send();
}

static void bury(struct server *server)
{
    enum status status = memory_space_destroy(session_to(STARTUP_SLOT_MEMORY), server->id);
    if (status != OK)
        log_line("cannot take back the space: %s, %s", status_message(status), server->plan->name);
    slot_delete(server->process.thread);
    slot_delete(server->process.vspace);
    slot_delete(server->process.cspace);
    tell_others(server);
    server->id = next_id++;
    wait_and_retry(server);
}

void server_fault(uint32_t id, const struct fault *fault)
{
    const char *kind = fault_kind_name(fault->kind);
    struct server *server = find(id);
    const char *name = server ? server->plan->name : id == MEMORY_ID ? "memory" : "?";
    log_line("%s died: %s at ip 0x%lx, address 0x%lx, code 0x%lx", name, kind ? kind : "fault",
             fault->ip, fault->address, fault->code);
    if (id == MEMORY_ID) { // part of what everything rests on
        uint64_t none[3];
        status_ignore(sys_debug(own.debug, DEBUG_OP_PANIC, 0, 0, &none[0], &none[1], &none[2]));
    }
    if (server)
        bury(server);
}

void servers_wake(void)
{
    uint64_t now = tsc_now();
    notices_send();
    for (uint32_t i = 0; i < manifest.count; i++) {
        struct server *server = &servers[i];
        if (server->state == WAITING && (int64_t)(now - server->due) >= 0)
            start(server);
        else if (server->state == WAITING)
            clock_set(server->due);
    }
}
