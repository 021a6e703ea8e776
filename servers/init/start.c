// init's first steps: the kernel gives it a stack and boot information, but no start-up block
// and no thread control block. Makes both, so that servers/lib works here as everywhere.
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/start.h>
#include "init.h"

const struct boot_info *boot;
struct own_slots own;

static struct startup startup = {
    .magic = STARTUP_MAGIC, .version = STARTUP_VERSION, .pid = INIT_ID, .name = "init"};
static struct startup_grant debug = {.kind = KIND_DEBUG, .name = "debug"};

/// Word 0: its own address (the x86-64 TLS ABI); word 1: the IPC buffer (docs/startup.md).
static uint64_t control[2] = {(uint64_t)control, BOOT_BUFFER_ADDRESS};

/// Slots 1 to 7 are for sessions: what the kernel put there goes elsewhere.
static uint32_t move_away(uint32_t from)
{
    uint32_t to = slot_alloc();
    CHECK(sys_cap_move(HANDLE_NULL, to, from) == OK);
    return to;
}

_Noreturn void _start(const struct boot_info *info);

_Noreturn void _start(const struct boot_info *info)
{
    uint64_t none[3];
    status_ignore(sys_thread_control(HANDLE_NULL, THREAD_OP_FS_BASE, (uint64_t)control, 0,
                                     &none[0], &none[1], &none[2]));
    boot = info;
    debug.slot = BOOT_SLOT_DEBUG;
    startup.grants = (uint64_t)&debug;
    startup.grant_count = 1;
    startup.tsc_hz = info->tsc_hz;
    startup.cpu_count = info->cpu_count;
    startup_block = &startup;
    log_name = startup.name;
    CHECK(info->magic == BOOT_INFO_MAGIC && info->version == BOOT_INFO_VERSION);
    slots_start(info->free_slot, BOOT_SLOTS);
    uint32_t slot = move_away(BOOT_SLOT_DEBUG);
    own = (struct own_slots){.cspace = move_away(BOOT_SLOT_CSPACE),
                             .vspace = move_away(BOOT_SLOT_VSPACE),
                             .thread = move_away(BOOT_SLOT_THREAD),
                             .buffer = move_away(BOOT_SLOT_BUFFER),
                             .irq = move_away(BOOT_SLOT_IRQ),
                             .ioport = move_away(BOOT_SLOT_IOPORT),
                             .debug = slot};
    debug.slot = slot;
    server_main(&startup);
    log_die("server_main returned", __FILE__, __LINE__);
}
