/// The kernel's fuzzer: unprivileged threads on all CPUs that make random system calls with
/// what they were given (fuzz_victim.c), in the debug build of the kernel, which examines
/// itself meanwhile. Nothing may panic, and all memory and all slots must come back.
///
///     -fw_cfg name=opt/pith.fuzz,string='SEED CALLS CPUS LIFE'
///
/// A life is a space, a CSpace and threads, all made from one untyped; revoking that ends it.
/// Its victims' random numbers follow from SEED and the life's number: LIFE is the first one,
/// to repeat what failed. Ends with `fuzz: N calls ...` and `guest end`.

#include "fuzz.h"
#include "options.h"

enum {
    UNTYPED_BITS = 22,
    VICTIMS_MAX = 12,
    VICTIMS_PER_CPU = 3,
    CALLS_PER_LIFE = 50000,
    CALLS_PER_TURN = 20000, ///< of one victim; its slice is 10 ms
    PATIENCE = 200,         ///< turns without a call before a life counts as over
    PRIORITY = 10,
    CODE_PAGES_MAX = 4,
    TABLES = 3, ///< from the top level to VICTIM_ADDRESS; all that a victim maps is near
};

/// Slots of ours, empty between lives.
enum life_slot {
    LIFE_CSPACE,
    LIFE_VSPACE,
    LIFE_TABLES,
    LIFE_CODE_TABLES = LIFE_TABLES + TABLES,
    LIFE_CODE = LIFE_CODE_TABLES + TABLES,
    LIFE_CODE_COPY = LIFE_CODE + CODE_PAGES_MAX,
    LIFE_GIFT = LIFE_CODE_COPY + CODE_PAGES_MAX, ///< made to be moved to the victims
    LIFE_ENDPOINT,
    LIFE_FAULT,
    LIFE_SLOTS,
};

enum victim_slot { VICTIM_THREAD, VICTIM_BUFFER, VICTIM_BUFFER_COPY, VICTIM_SLOTS };

extern char far_start[], far_end[]; // guest.ld

static uint64_t seed = 1, calls_wanted = 1000000, cpus = 1, life = 0;
static uint64_t calls_made, succeeded[SYSCALL_COUNT], lives, failures;
static uint32_t untyped, first, first_victim, irq, ioport, victims;
static uint64_t seen[VICTIMS_MAX]; ///< their counts at the last turn
static bool moved[VICTIMS_MAX];    ///< they have made calls since the one before
static uint64_t scratch;           ///< pages of ours: victims' buffers, then code

// ---------------------------------------------------------------- a life

static uint32_t victim_slot(uint32_t victim, enum victim_slot slot)
{
    return first_victim + victim * VICTIM_SLOTS + slot;
}

static void make_at(uint32_t slot, enum kind kind, uint32_t bits)
{
    enum status status;
    do
        status = sys_retype(untyped, kind, bits, 1, BOOT_SLOT_CSPACE, slot);
    while (status == E_MORE);
    MUST(status == OK);
}

static void copy_at(uint32_t slot, uint32_t source)
{
    MUST(sys_cap_copy(BOOT_SLOT_CSPACE, slot, source, DERIVE_COPY, RIGHT_ALL, 0) == OK);
}

/// A copy for the victims, number `i` of its kind.
static void give_copy(enum kind kind, uint32_t i, uint32_t source)
{
    MUST(sys_cap_copy(first + LIFE_CSPACE, home_of(kind) + i, source, DERIVE_COPY, RIGHT_ALL,
                      0) == OK);
}

/// A new object for the victims alone.
static void give_new(enum kind kind, uint32_t i, uint32_t bits)
{
    make_at(first + LIFE_GIFT, kind, bits);
    MUST(sys_cap_move(first + LIFE_CSPACE, home_of(kind) + i, first + LIFE_GIFT) == OK);
}

static void map_tables(uint32_t slot, uint64_t address)
{
    uint64_t missing;
    for (uint32_t i = 0; i < TABLES; i++) {
        make_at(slot + i, KIND_PAGE_TABLE, 0);
        if (sys_map(slot + i, first + LIFE_VSPACE, address, 0, &missing) != OK)
            return; // shares the upper ones
    }
}

static void copy_page(uint64_t to, const void *from)
{
    for (uint32_t i = 0; i < PAGE / 8; i++)
        ((volatile uint64_t *)to)[i] = ((const uint64_t *)from)[i];
}

static void make_space(void)
{
    uint64_t missing;
    make_at(first + LIFE_VSPACE, KIND_VSPACE, 0);
    map_tables(first + LIFE_TABLES, VICTIM_ADDRESS);
    map_tables(first + LIFE_CODE_TABLES, (uint64_t)far_start);
    uint32_t i = 0;
    for (char *at = far_start; at < far_end; at += PAGE, i++) {
        MUST(i < CODE_PAGES_MAX);
        uint64_t here = scratch + (VICTIMS_MAX + i) * PAGE;
        make_at(first + LIFE_CODE + i, KIND_FRAME, PAGE_BITS);
        copy_at(first + LIFE_CODE_COPY + i, first + LIFE_CODE + i);
        MUST(map_at(first + LIFE_CODE_COPY + i, BOOT_SLOT_VSPACE, here, MAP_READ | MAP_WRITE) ==
             OK);
        copy_page(here, at);
        MUST(sys_map(first + LIFE_CODE + i, first + LIFE_VSPACE, (uint64_t)at,
                     MAP_READ | MAP_EXECUTE, &missing) == OK);
    }
}

static void make_cspace(void)
{
    make_at(first + LIFE_CSPACE, KIND_CSPACE, PAGE_BITS);
    for (uint32_t page = 0; page < VICTIM_PAGES; page++) {
        enum status status;
        do
            status = sys_retype(untyped, KIND_SLOTS, 0, 1, first + LIFE_CSPACE, page);
        while (status == E_MORE);
        MUST(status == OK);
    }
}

/// Three or four of each kind: the first four handles of a home are those that calls name most.
static void give_objects(void)
{
    for (uint32_t i = 0; i < 3; i++) {
        give_new(KIND_UNTYPED, i, UNTYPED_BITS - 4 - i);
        give_new(KIND_REPLY, i, 0);
        give_new(KIND_FRAME, i, PAGE_BITS + 2 * i);
        give_new(KIND_PAGE_TABLE, i, 0);
        make_at(first + LIFE_GIFT, KIND_ENDPOINT, 0);
        MUST(sys_cap_move(first + LIFE_CSPACE, home_of(KIND_ENDPOINT) + 3 + i,
                          first + LIFE_GIFT) == OK);
    }
    make_at(first + LIFE_ENDPOINT, KIND_ENDPOINT, 0);
    give_copy(KIND_ENDPOINT, 0, first + LIFE_ENDPOINT);
    MUST(sys_cap_copy(first + LIFE_CSPACE, home_of(KIND_ENDPOINT) + 1, first + LIFE_ENDPOINT,
                      DERIVE_CALL, 9, 1) == OK);
    MUST(sys_cap_copy(first + LIFE_CSPACE, home_of(KIND_ENDPOINT) + 2, first + LIFE_ENDPOINT,
                      DERIVE_SIGNAL, 6, 0) == OK);
    MUST(sys_cap_copy(BOOT_SLOT_CSPACE, first + LIFE_FAULT, first + LIFE_ENDPOINT, DERIVE_CALL,
                      7, 1) == OK);
    give_copy(KIND_CSPACE, 0, first + LIFE_CSPACE);
    give_copy(KIND_VSPACE, 0, first + LIFE_VSPACE);
    give_new(KIND_VSPACE, 1, 0);
    give_new(KIND_THREAD, 3, 0);
    give_copy(KIND_IRQ, 0, irq);
    give_copy(KIND_IOPORT, 0, ioport);
}

static void reset_registers(uint32_t victim)
{
    uint64_t at = VICTIM_ADDRESS + victim * PAGE;
    *(struct registers *)buffer()->registers = (struct registers){
        .rip = (uint64_t)victim_run, .rsp = at + PAGE - 8, .rdi = at, .rflags = 0x202};
    status_ignore(sys_thread_registers(victim_slot(victim, VICTIM_THREAD), 1));
}

static struct victim *victim_state(uint32_t victim)
{
    return (struct victim *)((struct ipc_buffer *)(scratch + victim * PAGE))->user;
}

static void make_victim(uint32_t i)
{
    uint64_t missing, here = scratch + i * PAGE;
    uint32_t thread = victim_slot(i, VICTIM_THREAD), frame = victim_slot(i, VICTIM_BUFFER);
    make_at(frame, KIND_FRAME, PAGE_BITS);
    copy_at(victim_slot(i, VICTIM_BUFFER_COPY), frame);
    MUST(map_at(victim_slot(i, VICTIM_BUFFER_COPY), BOOT_SLOT_VSPACE, here,
                MAP_READ | MAP_WRITE) == OK);
    MUST(sys_map(frame, first + LIFE_VSPACE, VICTIM_ADDRESS + i * PAGE, MAP_READ | MAP_WRITE,
                 &missing) == OK);
    make_at(thread, KIND_THREAD, 0);
    MUST(sys_thread_configure(thread, first + LIFE_CSPACE, first + LIFE_VSPACE, frame,
                              first + LIFE_FAULT, 0, i % 2 ? THREAD_OPTION_FPU : 0) == OK);
    victim_state(i)->random = (seed * 0x9e3779b97f4a7c15 + life) * 0xbf58476d1ce4e5b9 + i + 1;
    seen[i] = 0;
    reset_registers(i);
    if (i < 3)
        give_copy(KIND_THREAD, i, thread);
    MUST(thread_do(thread, THREAD_OP_CPU, i % cpus, 0) == OK);
    MUST(thread_do(thread, THREAD_OP_PRIORITY, PRIORITY, 0) == OK);
    MUST(thread_do(thread, THREAD_OP_START, 0, 0) == OK);
}

// ---------------------------------------------------------------- watching

/// Adds up what the victims did since the last turn. They can write to their counts, so one
/// that grew by more than a turn allows counts for nothing.
static uint64_t turn_calls(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < victims; i++) {
        uint64_t calls = victim_state(i)->calls;
        if (calls - seen[i] <= CALLS_PER_TURN)
            sum += calls - seen[i];
        moved[i] = calls != seen[i];
        seen[i] = calls;
    }
    return sum;
}

/// Sees to it that a victim goes on, whatever it or others did to it. Mostly it only waits.
static void revive(uint32_t victim)
{
    uint32_t thread = victim_slot(victim, VICTIM_THREAD);
    uint64_t state, time, priority;
    if (moved[victim]) {
        status_ignore(thread_do(thread, THREAD_OP_CANCEL, 0, 0));
        return;
    }
    if (sys_thread_control(thread, THREAD_OP_INFO, 0, 0, &state, &time, &priority) != OK)
        return;
    if (state == THREAD_STATE_FAULTED) { // not all of them come from here
        reset_registers(victim);
        status_ignore(thread_do(thread, THREAD_OP_FAULT, FAULT_ACTION_RETRY, 0));
        if (thread_do(thread, THREAD_OP_FAULT, FAULT_ACTION_RETRY, 0) != OK) {
            status_ignore(thread_do(thread, THREAD_OP_SUSPEND, 0, 0));
            status_ignore(thread_do(thread, THREAD_OP_START, 0, 0));
        }
    } else if (state == THREAD_STATE_INACTIVE) {
        status_ignore(sys_thread_configure(thread, first + LIFE_CSPACE, first + LIFE_VSPACE,
                                           victim_slot(victim, VICTIM_BUFFER),
                                           first + LIFE_FAULT, 0, THREAD_OPTION_FPU));
        reset_registers(victim);
        status_ignore(thread_do(thread, THREAD_OP_START, 0, 0));
    } else if (state != THREAD_STATE_READY && state != THREAD_STATE_RUNNING) {
        status_ignore(thread_do(thread, THREAD_OP_CANCEL, 0, 0));
    }
    if ((uint32_t)priority != PRIORITY)
        status_ignore(thread_do(thread, THREAD_OP_PRIORITY, PRIORITY, 0));
}

/// Ends when the victims have done their share, or cannot go on.
static void watch(void)
{
    uint64_t until = calls_made + CALLS_PER_LIFE;
    for (int quiet = 0; quiet < PATIENCE && calls_made < until; quiet++) {
        uint64_t now = turn_calls();
        calls_made += now;
        if (now)
            quiet = 0;
        for (uint32_t i = 0; i < victims; i++)
            revive(i);
        status_ignore(sys_yield());
    }
}

/// Examines everything; gives how many slots are taken.
static uint64_t slots_taken(void)
{
    uint64_t slots, y, z;
    MUST(sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_CHECK, 0, 0, &slots, &y, &z) == OK);
    return slots;
}

static void count(void)
{
    calls_made += turn_calls();
    for (uint32_t i = 0; i < victims; i++)
        for (uint32_t n = 0; n < SYSCALL_COUNT; n++)
            if (victim_state(i)->succeeded[n] < CALLS_PER_LIFE)
                succeeded[n] += victim_state(i)->succeeded[n];
}

static void end_life(void)
{
    enum status status;
    for (uint32_t i = 0; i < victims; i++)
        status_ignore(thread_do(victim_slot(i, VICTIM_THREAD), THREAD_OP_SUSPEND, 0, 0));
    count(); // the pages go with the untyped
    do
        status = sys_cap_revoke(BOOT_SLOT_CSPACE, untyped);
    while (status == E_MORE);
    MUST(status == OK);
    // The same memory can be had again, all of it.
    make_at(first, KIND_UNTYPED, UNTYPED_BITS);
    MUST(sys_cap_delete(BOOT_SLOT_CSPACE, first) == OK);
}

static void live(void)
{
    uint64_t before = slots_taken();
    make_cspace();
    make_space();
    give_objects();
    for (uint32_t i = 0; i < victims; i++)
        make_victim(i);
    watch();
    end_life();
    uint64_t after = slots_taken();
    if (after == before)
        return;
    failures++;
    print("fuzz: life %lu of seed %lu: %lu slots before, %lu after\n", life, seed, before,
          after);
}

static void range_make(uint32_t slot, uint32_t source, uint64_t start)
{
    MUST(sys_cap_copy(BOOT_SLOT_CSPACE, slot, source, DERIVE_RANGE, start, 1) == OK);
}

static void prepare(void)
{
    enum { UNUSED_LINE = 5, UNUSED_PORT = 0x80 };
    untyped = make(KIND_UNTYPED, UNTYPED_BITS);
    irq = slots_take(1);
    ioport = slots_take(1);
    range_make(irq, BOOT_SLOT_IRQ, UNUSED_LINE);
    range_make(ioport, BOOT_SLOT_IOPORT, UNUSED_PORT);
    first = slots_take(LIFE_SLOTS);
    first_victim = slots_take(VICTIMS_MAX * VICTIM_SLOTS);
    scratch = address_take((VICTIMS_MAX + CODE_PAGES_MAX) * PAGE);
    if (cpus < 1 || cpus > boot()->cpu_count)
        cpus = 1;
    victims =
        (uint32_t)(cpus * VICTIMS_PER_CPU < VICTIMS_MAX ? cpus * VICTIMS_PER_CPU : VICTIMS_MAX);
    // Our own page tables for the scratch pages are made once.
    uint32_t frame = make(KIND_FRAME, PAGE_BITS);
    for (uint32_t i = 0; i < VICTIMS_MAX + CODE_PAGES_MAX; i++) {
        MUST(map_at(frame, BOOT_SLOT_VSPACE, scratch + i * PAGE, MAP_READ) == OK);
        MUST(sys_unmap(frame) == OK);
    }
    MUST(thread_do(HANDLE_NULL, THREAD_OP_PRIORITY, PRIORITY, 0) == OK);
}

void guest_main(void)
{
    MUST(boot()->magic == BOOT_INFO_MAGIC && boot()->version == BOOT_INFO_VERSION);
    options_read("opt/pith.fuzz", (uint64_t *const[]){&seed, &calls_wanted, &cpus, &life}, 4);
    prepare();
    print("fuzz: seed %lu, %lu calls, %lu CPUs, from life %lu\n", seed, calls_wanted, cpus,
          life);
    while (calls_made < calls_wanted) {
        print("fuzz: life %lu, %lu calls\n", life, calls_made);
        live();
        life++;
        lives++;
    }
    for (uint32_t n = 0; n < SYSCALL_COUNT; n++)
        print("fuzz: call %u succeeded %lu times\n", n, succeeded[n]);
    print("fuzz: %lu calls in %lu lives of seed %lu, %lu failed\nguest end\n", calls_made,
          lives, seed, failures);
    for (;;)
        status_ignore(sys_recv(HANDLE_NULL, 0, &(struct message){0}, 0));
}
