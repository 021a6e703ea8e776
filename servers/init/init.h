/// The first process: builds `memory` by hand, starts the other servers as the boot manifest
/// says, watches over them, turns the machine off. Reading order: main.c, bootstrap.c (before
/// there is `memory`), manifest.c, servers.c (start, burial, restart), clock.c, power.c.
///
/// init calls `memory` only. Servers call init (ready, power); it serves them from one loop.
#pragma once

#include <stdbool.h>
#include <lib/loader.h>
#include <pith/abi.h>

enum {
    INIT_ID = 1, ///< init's session everywhere
    MEMORY_ID =
        2, ///< the servers follow in the manifest's order; a restarted one gets a new id
    SERVERS_MAX = 8,
    GRANTS_MAX = 12,
    PRIORITY_INIT = 60,
    PRIORITY_MEMORY = 62,
    PAGE = 4096,
};

/// init's own boot information, read-only.
extern const struct boot_info *boot;

/// Where init's first capabilities went: slots 1 to 7 hold sessions, as in any process.
struct own_slots {
    uint32_t cspace, vspace, thread, buffer, irq, ioport, debug;
};
extern struct own_slots own;

/// init's own endpoint: calls, faults and signals of servers.
extern uint32_t own_endpoint;

// ---------------------------------------------------------------- bootstrap.c

/// A file inside the initrd.
struct blob {
    const uint8_t *bytes;
    uint64_t size;
};

/// One object from init's own memory, in a new slot. Never given back: for what outlives
/// servers.
uint32_t own_object(uint32_t kind, uint32_t bits);

/// Finds init's own memory and makes its endpoint. First of all.
void bootstrap_start(void);

/// Maps the initrd from device untypeds, loads and starts `memory` from it, and hands every
/// other untyped over. *endpoint is memory's. Afterwards slot 1 is a manager's session with it.
void bootstrap_memory(uint32_t *endpoint);

/// The boot module that is the initrd.
const struct boot_module *bootstrap_initrd(void);

// ---------------------------------------------------------------- manifest.c

/// What a server may use besides its sessions.
struct grant {
    enum kind kind; ///< KIND_IRQ, KIND_IOPORT, KIND_DEBUG, KIND_ENDPOINT: a share of memory
    uint64_t first, count;
    uint32_t flags; ///< memory: enum map
    char name[32];
};

/// One line of the manifest.
struct server_plan {
    char name[32];
    uint32_t priority;
    uint32_t cpu;     ///< modulo how many there are
    uint32_t manages; ///< bit n: a manager's session with the server in startup slot n
    bool kept;        ///< its state outlasts its instances
    uint32_t grant_count;
    struct grant grants[GRANTS_MAX];
};

struct manifest {
    uint32_t count;
    struct server_plan plans[SERVERS_MAX];
};

/// Reads iso/manifest (its syntax is described there). False: *error says what, *line where.
bool manifest_read(const struct blob *text, struct manifest *manifest, const char **error,
                   uint32_t *line);

/// Null: the archive (ustar, POSIX.1-2017 pax) has no such regular file, or is damaged before
/// it.
bool initrd_find(const struct blob *archive, const char *path, struct blob *file);

// ---------------------------------------------------------------- servers.c

/// Startup slot of a session with this server (or init), 0: it is none that others call.
uint32_t session_slot(const char *name);

/// Takes the manifest's plans, makes the endpoints, starts the first server; each `ready`
/// starts the next. Dies with a message where that cannot work.
void servers_start(const struct blob *initrd, uint32_t memory_endpoint);

/// The server with this id says that it serves. False: no such server.
bool server_ready(uint32_t id);

/// The thread of the server with this id faulted: the server is buried and started again later.
void server_fault(uint32_t id, const struct fault *fault);

/// Ends everything with the kernel's panic screen: init cannot go on.
void panic(void);

/// The same, where the machine has too little memory to start.
_Noreturn void die_of_little_memory(void);

/// A back-off may have passed. False: nobody is to be started.
bool servers_wake(void);

// ---------------------------------------------------------------- beat.c

/// At each tick: looks who is well and asks all again.
void beat_due(void);

/// Servers answered: bit PONG_SHIFT + place in the manifest.
void beat_answered(uint64_t bits);

// ---------------------------------------------------------------- rtc.c

/// Starts the interrupts that depend on no server.
void rtc_start(void);

/// One came: looks after `timer`, and ends who is to be ended.
void rtc_due(void);

/// Timer ticked, or starts.
void rtc_ticked(void);

/// Pulses come fast until nobody is to be ended or started.
void rtc_hasten(void);

/// See init.idl.
enum status rtc_end_server(uint32_t id, uint64_t after, uint32_t how);

// Bits of init's endpoint.
#define CLOCK_SIGNAL 1ul /// the clock's time has come
#define TICK_SIGNAL  2ul /// timer's, once a second
#define RTC_SIGNAL   4ul
#define PONG_SHIFT   8

// ---------------------------------------------------------------- clock.c

/// Starts `main` as init's main thread and becomes the clock.
_Noreturn void clock_run(void (*main)(void));

/// Signals CLOCK_SIGNAL when the TSC shows `deadline`, or an earlier one that was set before.
void clock_set(uint64_t deadline);
uint64_t tsc_now(void);

// ---------------------------------------------------------------- power.c

/// Off (how 0) or restart (1). Returns only where the machine has no way to do it.
void power(uint32_t how);
