// Servers: started in the manifest's order, buried when they fault, started again.
//
//      DOWN --start--> STARTING --ready--> UP
//        \                 \---------------+--fault--> WAITING --back-off passed--> STARTING
//         the next is started when its predecessor is ready for the first time
//
// Order of a burial (DESIGN 3): its threads stop, then its Replies go (so that callers that it
// had received get E_DEAD), then memory; the start follows after 10 ms, doubling to 1 s, from
// 10 ms again after 1 s of health. Its endpoint is init's and stays: who queues there is served
// by the next instance. Space, id and capabilities of a server that keeps its state stay too
// (docs/restart.md); with any other, and with one that faults while it starts, all goes and the
// other servers are told.
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/text.h>
#include <pith/names.h>
#include <pith/status.h>
#include <proto/io.h>
#include <proto/memory.h>
#include <proto/timer.h>
#include <proto/process.h>
#include "servers.h"

enum {
    STACK_BYTES = 256 * 1024,
    BACK_OFF_MIN = 10, // milliseconds
    BACK_OFF_MAX = 1000,
    RESTART_ID = 0x40000000, // restarted servers get ids from here on
    NOTICES_MAX = 512,
};

struct manifest manifest;
struct server servers[SERVERS_MAX];
uint32_t memory_endpoint;

static struct blob archive;
static uint32_t next_id = RESTART_ID;

/// Deaths that a server has not been told of.
static struct {
    uint32_t server, id;
} notices[NOTICES_MAX];
static uint32_t notice_count;

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
        at += (uint32_t)text_format(text + at, max - at, "%s=%u", servers[i].plan->name,
                                    servers[i].id) +
              1;
    return at;
}

static enum status start_image(struct server *server, const struct gifts *gifts,
                               struct blob *file)
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
        .cpu = server->plan->cpu % boot->cpu_count,
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
        .former_ip = server->former_ip,
        .former_status = server->former_status,
        .slots = server->slots,
    };
    return loader_start(&program, &server->process);
}

static void wait_and_retry(struct server *server)
{
    uint64_t now = tsc_now();
    if (server->state == UP && now - server->started >= milliseconds(BACK_OFF_MAX))
        server->back_off = BACK_OFF_MIN;
    server->state = WAITING;
    server->due = now + milliseconds(server->back_off);
    clock_set(server->due);
    rtc_hasten();
    server->back_off =
        server->back_off * 2 < BACK_OFF_MAX ? server->back_off * 2 : BACK_OFF_MAX;
}

/// Of the space nothing is left but what outlasts the instance.
static bool strip(struct server *server)
{
    return memory_space_renew(session_to(STARTUP_SLOT_MEMORY), server->id, KEPT_AT,
                              &server->slots) == OK;
}

static void start(struct server *server)
{
    char path[sizeof server->plan->name + 8];
    struct gifts gifts;
    struct blob file = {0};
    (void)text_format(path, sizeof path, "sbin/%s", server->plan->name);
    enum status status = initrd_find(&archive, path, &file) ? OK : E_NOENT;
    server->process.error = 0;
    enum status made = gifts_make(&gifts, server);
    if (status == OK)
        status = made;
    if (status == OK)
        status = start_image(server, &gifts, &file);
    gifts_drop(&gifts);
    server->missed = 0;
    server->started = tsc_now();
    if (status == OK) {
        server->state = STARTING;
        return;
    }
    log_line("cannot start: %s, /%s",
             server->process.error ? server->process.error : status_message(status), path);
    if (server->former_ip)
        strip(server);
    wait_and_retry(server);
}

void servers_start(const struct blob *initrd, uint32_t endpoint)
{
    struct blob text;
    const char *error = "there is no boot/manifest in the initrd";
    uint32_t line = 0;
    archive = *initrd;
    memory_endpoint = endpoint;
    if (!initrd_find(&archive, "boot/manifest", &text) ||
        !manifest_read(&text, &manifest, &error, &line)) {
        log_line("boot/manifest: %s, line %u", error, line);
        log_die("no manifest", __FILE__, __LINE__);
    }
    for (uint32_t i = 0; i < manifest.count; i++) {
        struct server *server = &servers[i];
        *server = (struct server){.plan = &manifest.plans[i],
                                  .id = MEMORY_ID + 1 + i,
                                  .endpoint = own_object(KIND_ENDPOINT, 0),
                                  .session = slot_alloc(),
                                  .back_off = BACK_OFF_MIN};
        CHECK(sys_cap_copy(HANDLE_NULL, server->session, server->endpoint, DERIVE_CALL,
                           INIT_ID | BADGE_MANAGER, 1) == OK);
        beat_prepare(server);
    }
    start(&servers[0]);
}

struct server *server_find(uint32_t id)
{
    for (uint32_t i = 0; i < manifest.count; i++)
        if (servers[i].id == id && servers[i].state != DOWN)
            return &servers[i];
    return 0;
}

bool server_ready(uint32_t id)
{
    struct server *server = server_find(id);
    if (!server)
        return false;
    if (server->state == STARTING && server->ended)
        log_line("%s is ready again after %lu us", server->plan->name,
                 (tsc_now() - server->ended) / (boot->tsc_hz / 1000000));
    else if (server->state == STARTING)
        log_line("%s is ready", server->plan->name);
    server->ended = 0;
    server->missed = 0;
    server->state = UP;
    if (session_slot(server->plan->name) == STARTUP_SLOT_TIMER)
        rtc_ticked();
    if (server + 1 < servers + manifest.count && server[1].state == DOWN)
        start(server + 1);
    return true;
}

// ---------------------------------------------------------------- death

/// The label of `session_end` at the server in this startup slot, 0: it has none.
static uint32_t end_label(uint32_t slot)
{
    switch (slot) {
    case STARTUP_SLOT_FILES:
    case STARTUP_SLOT_CONSOLE:
        return LABEL_IO_SESSION_END;
    case STARTUP_SLOT_TIMER:
        return LABEL_TIMER_SESSION_END;
    case STARTUP_SLOT_PROCESS:
        return LABEL_PROCESS_SESSION_END;
    default:
        return 0;
    }
}

/// Tells others of deaths, without waiting: who is busy is told later.
static void notices_send(void)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < notice_count; i++) {
        const struct server *server = &servers[notices[i].server];
        uint32_t label = end_label(session_slot(server->plan->name));
        struct message m = {.tag = tag_make(label, 1, 0), .words = {notices[i].id}};
        if (server->state == UP && sys_send(server->session, &m, IPC_NONBLOCK) == E_AGAIN)
            notices[kept++] = notices[i];
    }
    notice_count = kept;
    if (kept)
        clock_set(tsc_now() + milliseconds(BACK_OFF_MIN));
}

/// `id` is dead, and `dead` is not to be told of it.
static void note_death(const struct server *dead, uint32_t id)
{
    for (uint32_t i = 0; i < manifest.count && notice_count < NOTICES_MAX; i++) {
        if (&servers[i] == dead || servers[i].state != UP ||
            !end_label(session_slot(servers[i].plan->name)))
            continue;
        notices[notice_count].server = i;
        notices[notice_count++].id = id;
    }
}

/// Takes back all that an instance had.
static void unmake(struct server *server)
{
    struct session *memory = session_to(STARTUP_SLOT_MEMORY);
    uint64_t made = 0; // by `process`: its programs end with it
    while (memory_space_created(memory, server->id, made + 1, &made) == OK)
        note_death(server, (uint32_t)made);
    note_death(server, server->id);
    enum status status = memory_space_destroy(memory, server->id);
    if (status != OK)
        log_line("cannot take back the space: %s, %s", status_message(status),
                 server->plan->name);
    slot_delete(server->process.thread);
    slot_delete(server->process.vspace);
    slot_delete(server->process.cspace);
    notices_send();
    server->id = next_id++;
    server->former_ip = 0;
}

/// Ends the instance alone: its thread stops, and where it did is noted; then its Replies die
/// (who had called gets E_DEAD), and what memory was its own. False: that could not be done.
static bool renew(struct server *server)
{
    uint64_t none[3];
    if (sys_thread_control(server->process.thread, THREAD_OP_SUSPEND, 0, 0, &none[0], &none[1],
                           &none[2]) != OK ||
        sys_thread_registers(server->process.thread, 0) != OK)
        return false;
    const struct registers *registers = (const void *)ipc_buffer()->registers;
    if (server->state == UP || !server->former_ip) { // else what it was told still holds
        server->former_ip = registers->rip ? registers->rip : 1;
        server->former_status = registers->rax;
    }
    slot_delete(server->process.thread);
    server->process.thread = 0;
    return strip(server);
}

void server_bury(struct server *server, bool kept)
{
    server->doom = 0;
    if (!server->ended)
        server->ended = tsc_now();
    if (kept && server->plan->kept && renew(server)) {
        wait_and_retry(server);
        return;
    }
    unmake(server);
    // With `process` all programs are gone, so what the servers behind it had started is too:
    // they begin again when it is ready.
    bool programs = server->plan->manages >> STARTUP_SLOT_MEMORY & 1;
    for (struct server *next = server + 1; programs && next < servers + manifest.count;
         next++) {
        if (next->state == STARTING || next->state == UP)
            unmake(next);
        next->state = DOWN;
    }
    wait_and_retry(server);
}

void server_fault(uint32_t id, const struct fault *fault)
{
    const char *kind = fault_kind_name(fault->kind);
    struct server *server = server_find(id);
    const char *name = server ? server->plan->name : id == MEMORY_ID ? "memory" : "?";
    log_line("%s died: %s at ip 0x%lx, address 0x%lx, code 0x%lx", name, kind ? kind : "fault",
             fault->ip, fault->address, fault->code);
    if (id == MEMORY_ID) // part of what everything rests on
        panic();
    if (server) // what makes it fault at its start is likely what it keeps
        server_bury(server, server->state == UP);
}

bool servers_wake(void)
{
    uint64_t now = tsc_now();
    bool waiting = false;
    notices_send();
    for (uint32_t i = 0; i < manifest.count; i++) {
        struct server *server = &servers[i];
        if (server->state == WAITING && (int64_t)(now - server->due) >= 0)
            start(server);
        else if (server->state == WAITING)
            clock_set(server->due);
        waiting |= server->state == WAITING;
    }
    return waiting;
}
