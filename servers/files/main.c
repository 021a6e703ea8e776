// The `files` server: one name space of files in memory over the initrd, pipes, and the devices
// of /dev. This file wires it: memory, initrd, clock, loop. The rest, largest subject first:
//
//      names.c path.c   POSIX's calls on paths     inode.c directory.c contents.c   the tree
//      description.c handles.c   open files        pipe.c blocked.c   pipes and who waits
//      io_requests.c path_requests.c   messages    pages.c objects.c   memory
#include <lib/clock.h>
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/random.h>
#include <lib/start.h>
#include <pith/status.h>
#include <proto/files_server.h>
#include <proto/init.h>
#include <proto/memory.h>
#include <proto/timer.h>

#include "blocked.h"
#include "initrd.h"
#include "names.h"
#include "objects.h"

#define SHARE_OF_MEMORY 2u            // files may fill half of what is free at the start
#define FREE_LEAST      (256ul << 10) // what files leave of it, so that servers can start again
#define TABLE_AT        KEPT_PAGES
#define ARENA_AT        (KEPT_PAGES + (1ul << 40))

uint32_t kept_words_max = 16384;

static struct server server;
static struct random generator;
static uint64_t wall_offset; // real time - monotonic time

static uint64_t wall_clock(void)
{
    return wall_offset + clock_now(startup_block->tsc_hz);
}

static enum status commit(void *address, size_t bytes)
{
    uint64_t total, free, used, limit, objects;
    struct session *memory = session_to(STARTUP_SLOT_MEMORY);
    enum status status = memory_info(memory, &total, &free, &used, &limit, &objects);
    if (status == OK && free < bytes + FREE_LEAST)
        status = E_NOMEM;
    return status != OK ? status
                        : memory_commit(memory, (uint64_t)address, bytes,
                                        PROTECTION_READ | PROTECTION_WRITE);
}

static void decommit(void *address, size_t bytes)
{
    CHECK(memory_decommit(session_to(STARTUP_SLOT_MEMORY), (uint64_t)address, bytes) == OK);
}

static const struct page_source source = {commit, decommit};

// The table of chunks, then the chunks, where nobody else's addresses are.
static void start_arena(void)
{
    uint64_t total, free, used, limit, objects;
    struct session *memory = session_to(STARTUP_SLOT_MEMORY);
    CHECK(memory_info(memory, &total, &free, &used, &limit, &objects) == OK);
    uint64_t chunks = free / SHARE_OF_MEMORY / CHUNK_BYTES;
    uint64_t table = (CHUNK_TABLE(chunks) + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
    CHECK(memory_reserve_at(memory, TABLE_AT, table) == OK &&
          commit((void *)TABLE_AT, table) == OK &&
          memory_reserve_at(memory, ARENA_AT, chunks * CHUNK_BYTES) == OK);
    pages_init(&source, (void *)ARENA_AT, (uint32_t)chunks, (struct chunk *)TABLE_AT);
    objects_init();
}

static void random_fill(void *to, size_t bytes)
{
    random_bytes(&generator, to, bytes);
}

static void start_clock(void)
{
    uint64_t seed[4];
    struct session *timer = session_to(STARTUP_SLOT_TIMER);
    if (timer_real_time(timer, &wall_offset) != OK)
        log_line("no wall clock from timer, times start at 1970");
    CHECK(timer_entropy(timer, &seed[0], &seed[1], &seed[2], &seed[3]) == OK);
    random_mix(&generator, seed);
    inode_clock = wall_clock;
    description_random = random_fill;
}

static void load_initrd(void)
{
    const struct startup_grant *grant = startup_grant("initrd");
    uint64_t address, length;
    size_t where = 0;
    if (!grant) {
        log_line("no initrd was granted: the file system starts empty");
        return;
    }
    enum status status = memory_attach_share(session_to(STARTUP_SLOT_MEMORY), PROTECTION_READ,
                                             grant->slot, &address, &length);
    if (status == OK) {
        inodes()->initrd = address;
        inodes()->initrd_bytes = length;
        status = initrd_load((const void *)address, grant->count, &where);
    }
    if (status != OK)
        log_line("initrd, offset %lu: %s%s; what came before it is there", (unsigned long)where,
                 status_message(status), status == E_NOSPACE ? " (too little memory)" : "");
}

static void make_devices(void)
{
    static const struct {
        const char *path;
        enum device device;
    } devices[] = {
        {"/dev/console", DEVICE_CONSOLE}, {"/dev/tty", DEVICE_CONSOLE},
        {"/dev/null", DEVICE_NULL},       {"/dev/zero", DEVICE_ZERO},
        {"/dev/random", DEVICE_RANDOM},   {"/dev/urandom", DEVICE_RANDOM},
    };
    static const char *const directories[] = {"dev", "tmp"};
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        enum status status = names_make_directory(
            (struct path){inodes()->root, directories[i], 3}, 0, i == 0 ? 0755 : 01777);
        CHECK(status == OK || status == E_EXIST);
    }
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        CHECK(names_make_device(devices[i].path, devices[i].device) == OK);
}

static void begin(void)
{
    start_arena();
    CHECK(inode_init() == OK && handles_init() == OK);
    load_initrd();
    make_devices();
}

static void resume(void)
{
    KEPT_CHECK(pages_resume(&source, (void *)ARENA_AT, (struct chunk *)TABLE_AT));
    KEPT_CHECK(directory_valid());
    blocked_resume();
}

static void settle(void)
{
    blocked_settle();
    inodes_settle();
    pages_settle();
}

static enum status dispatch(struct request *r)
{
    enum status status = files_dispatch(r);
    server.unsettled |= blocked_unsettled() || inodes_unsettled() || pages_unsettled();
    return status;
}

void server_main(const struct startup *startup)
{
    server = (struct server){
        .endpoint = STARTUP_SLOT_ENDPOINT,
        .dispatch = dispatch,
        .settle = settle,
        .client_bytes = sizeof(struct files_client),
    };
    (void)startup;
    start_clock();
    if (server_resume(&server))
        resume();
    else
        begin();
    if (inodes()->initrd)
        server_claim((void *)inodes()->initrd);
    CHECK(init_ready(session_to(STARTUP_SLOT_INIT)) == OK);
    server_run(&server);
}
