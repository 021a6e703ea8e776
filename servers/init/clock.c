// A clock that depends on no server, for back-offs: `timer` itself may be what is down.
//
// The thread that the kernel started becomes the clock once there is `memory`: it has no fault
// endpoint, so it must not touch memory on demand, and the clock does not. init's main thread
// is made here. The clock sleeps until it is asked for a deadline, then looks at the TSC among
// the programs of its priority until that has come: it runs only while a server is down.
#include <lib/log.h>
#include <lib/slots.h>
#include "init.h"

enum { CLOCK_PRIORITY = 16, STACK_WORDS = 8192 };

#define BUFFER_AT (BOOT_BUFFER_ADDRESS - (1ul << 21)) // of the main thread

static uint32_t wake_clock; // signal capability: there is a deadline
static uint32_t clock_endpoint, wake_init;
static volatile uint64_t deadline; // 0: none
static _Alignas(16) uint64_t stack[STACK_WORDS];
static uint64_t control[2] = {(uint64_t)control, BUFFER_AT};

uint64_t tsc_now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

void clock_set(uint64_t when)
{
    if (!deadline || (int64_t)(when - deadline) < 0)
        deadline = when;
    status_ignore(sys_signal(wake_clock));
}

static uint32_t signal_to(uint32_t endpoint, uint64_t bits)
{
    uint32_t slot = slot_alloc();
    CHECK(sys_cap_copy(HANDLE_NULL, slot, endpoint, DERIVE_SIGNAL, bits, 0) == OK);
    return slot;
}

static void set_priority(uint32_t thread, uint32_t priority)
{
    uint64_t none[3];
    CHECK(sys_thread_control(thread, THREAD_OP_PRIORITY, priority, 0, &none[0], &none[1],
                             &none[2]) == OK);
}

/// The main thread: its page faults are answered by `memory`, like anybody's.
static void start_main(void (*main)(void))
{
    uint64_t none[3], missing;
    uint32_t thread = own_object(KIND_THREAD, 0), buffer = own_object(KIND_FRAME, PAGE_BITS);
    while (sys_map(buffer, own.vspace, BUFFER_AT, MAP_READ | MAP_WRITE, &missing) == E_TABLE)
        CHECK(sys_map(own_object(KIND_PAGE_TABLE, 0), own.vspace, BUFFER_AT, 0, &missing) ==
              OK);
    CHECK(sys_thread_configure(thread, own.cspace, own.vspace, buffer, STARTUP_SLOT_MEMORY,
                               HANDLE_NULL, 0) == OK);
    set_priority(thread, PRIORITY_INIT);
    struct registers *registers = (struct registers *)(void *)ipc_buffer()->registers;
    *registers = (struct registers){.rip = (uint64_t)main,
                                    .rsp = (uint64_t)(stack + STACK_WORDS) - 8,
                                    .fs_base = (uint64_t)control};
    CHECK(sys_thread_registers(thread, 1) == OK);
    CHECK(sys_thread_control(thread, THREAD_OP_START, 0, 0, &none[0], &none[1], &none[2]) ==
          OK);
}

_Noreturn void clock_run(void (*main)(void))
{
    clock_endpoint = own_object(KIND_ENDPOINT, 0);
    wake_clock = signal_to(clock_endpoint, 1);
    wake_init = signal_to(own_endpoint, CLOCK_SIGNAL);
    start_main(main);
    set_priority(HANDLE_NULL, CLOCK_PRIORITY);
    for (;;) {
        struct message m = {0};
        status_ignore(sys_recv(clock_endpoint, HANDLE_NULL, &m, 0));
        while (deadline && (int64_t)(tsc_now() - deadline) < 0)
            status_ignore(sys_yield());
        if (deadline) {
            deadline = 0;
            status_ignore(sys_signal(wake_init));
        }
    }
}
