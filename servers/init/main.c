// init: wiring and loop. See init.h for what the rest is.
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/start.h>
#include <proto/init_server.h>
#include <proto/memory.h>
#include "init.h"

// What `memory` may hand out in init's space: 512 GiB that the kernel put nothing into.
#define OWN_SPACE_AT    0x100000000000ul
#define OWN_SPACE_BYTES (1ul << 39)

enum status init_on_ready(struct request *r, const struct init_ready_in *in,
                          struct init_ready_out *out)
{
    (void)in, (void)out;
    return server_ready((uint32_t)r->badge) ? OK : E_STALE;
}

enum status init_on_power(struct request *r, const struct init_power_in *in,
                          struct init_power_out *out)
{
    (void)r, (void)out;
    if (in->how > 1)
        return E_INVAL;
    power(in->how);
    return E_NOTSUP;
}

enum status init_on_end_server(struct request *r, const struct init_end_server_in *in,
                               struct init_end_server_out *out)
{
    (void)r, (void)out;
    return in->how > END_HANG ? E_INVAL : rtc_end_server(in->id, in->after, in->how);
}

static enum status fault(struct request *r, const struct fault *fault,
                         enum fault_action *action)
{
    *action = FAULT_ACTION_PASS; // nobody is left to take it: the space is gone by then
    server_fault((uint32_t)r->badge, fault);
    return OK;
}

static void signals(uint64_t bits)
{
    beat_answered(bits);
    if (bits & CLOCK_SIGNAL)
        (void)servers_wake();
    if (bits & TICK_SIGNAL)
        beat_due();
    if (bits & RTC_SIGNAL)
        rtc_due();
}

/// init's space and CSpace become known to `memory`, so that init can be its client.
static void join_memory(void)
{
    CHECK(memory_space_adopt(session_to(STARTUP_SLOT_MEMORY), OWN_SPACE_AT, OWN_SPACE_BYTES,
                             BOOT_SLOTS, own.vspace, own.cspace) == OK);
}

void panic(void)
{
    uint64_t none[3];
    status_ignore(sys_debug(own.debug, DEBUG_OP_PANIC, 0, 0, &none[0], &none[1], &none[2]));
}

_Noreturn void die_of_little_memory(void)
{
    log_line("too little memory: %lu KiB; give the machine at least 16 MB",
             boot->memory_bytes >> 10);
    panic();
    __builtin_trap();
}

/// The initrd, mapped for good.
static struct blob initrd(void)
{
    const struct boot_module *module = bootstrap_initrd();
    struct session *memory = session_to(STARTUP_SLOT_MEMORY);
    uint64_t address, length = (module->bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    uint32_t share;
    CHECK(memory_device_share(memory, module->address, length, 0, &share) == OK);
    enum status status = memory_attach_share(memory, PROTECTION_READ, share, &address, &length);
    if (status == E_NOMEM)
        die_of_little_memory();
    CHECK(status == OK);
    slot_delete(share);
    return (struct blob){(const uint8_t *)address, module->bytes};
}

static uint32_t memory_endpoint;

static _Noreturn void run(void)
{
    static struct server server = {
        .dispatch = init_dispatch, .fault = fault, .signals = signals, .welcome = true};
    const struct blob archive = initrd();
    rtc_start();
    servers_start(&archive, memory_endpoint);
    server.endpoint = own_endpoint;
    server_run(&server);
}

void server_main(const struct startup *startup)
{
    (void)startup;
    uint64_t none[3];
    log_dying = panic;
    log_line("Pith, build %s, %lu KiB of memory, %u CPUs", boot->build_id,
             boot->memory_bytes >> 10, boot->cpu_count);
    bootstrap_start();
    bootstrap_memory(&memory_endpoint);
    CHECK(sys_thread_control(HANDLE_NULL, THREAD_OP_PRIORITY, PRIORITY_INIT, 0, &none[0],
                             &none[1], &none[2]) == OK);
    join_memory();
    clock_run(run);
}
