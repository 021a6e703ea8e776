/// Checks the kernel on several CPUs, from ring 3, alone on the machine: the main thread on CPU
/// 0 does things to threads that run elsewhere meanwhile. Prints as test.c does.

#include "guest.h"

enum { MAIN_CPU = 0, ROUNDS = 100, FULL = MAP_READ | MAP_WRITE };

static uint32_t failures;

static void expect(bool condition, const char *what, unsigned line)
{
    if (!condition && failures++ < 5)
        print("  line %u: %s\n", line, what);
}
#define EXPECT(condition) expect(condition, #condition, __LINE__)

static void pause_for(uint64_t microseconds)
{
    uint64_t start = clock(), ticks = boot()->tsc_hz / 1000000 * microseconds;
    while (clock() - start < ticks)
        ;
}

/// Until *word is no longer `old`; false: PATIENCE_SECONDS seconds have passed.
static bool changes(const volatile uint64_t *word, uint64_t old)
{
    for (uint64_t start = clock(); *word == old;)
        if (clock() - start > boot()->tsc_hz * PATIENCE_SECONDS)
            return false;
    return true;
}

static struct guest_thread start_on(uint32_t cpu, const struct thread_plan *plan)
{
    struct guest_thread t = thread_make(plan);
    MUST(thread_do(t.thread, THREAD_OP_CPU, cpu, 0) == OK);
    thread_start(&t);
    return t;
}

static void end(const struct guest_thread *t)
{
    EXPECT(thread_do(t->thread, THREAD_OP_SUSPEND, 0, 0) == OK);
    EXPECT(sys_cap_delete(BOOT_SLOT_CSPACE, t->thread) == OK);
}

static uint32_t other_cpu(uint32_t round)
{
    return 1 + round % (boot()->cpu_count - 1);
}

/// Each on a line of its own, as far as the CPUs are concerned.
static struct {
    volatile uint64_t value, bad;
    uint64_t unused[6];
} counts[BOOT_CPUS];

// ---------------------------------------------------------------- running at once

static void count_for_ever(uint64_t which, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    for (;;)
        counts[which].value++;
}

/// Every CPU gets on while this one never lets go; a thread that was suspended stands still.
static void test_at_once(void)
{
    struct guest_thread t[BOOT_CPUS];
    uint64_t x, idle, thread;
    for (uint32_t i = 1; i < boot()->cpu_count; i++) {
        t[i] = start_on(
            i, &(struct thread_plan){.entry = count_for_ever, .arguments = {i}, .priority = 9});
        EXPECT(changes(&counts[i].value, counts[i].value));
        EXPECT(sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_CPU, i, 0, &x, &idle, &thread) == OK);
        EXPECT(x == boot()->apic_ids[i] && thread != 0);
    }
    for (uint32_t i = 1; i < boot()->cpu_count; i++)
        EXPECT(changes(&counts[i].value, counts[i].value));
    for (uint32_t i = 1; i < boot()->cpu_count; i++) {
        EXPECT(thread_do(t[i].thread, THREAD_OP_SUSPEND, 0, 0) == OK);
        uint64_t then = counts[i].value;
        pause_for(300);
        EXPECT(counts[i].value == then);
        end(&t[i]);
    }
}

static void null_for_ever(uint64_t which, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    for (;;) {
        status_ignore(sys_yield());
        counts[which].value++;
    }
}

/// All CPUs want the lock all the time, and all get it.
static void test_lock(void)
{
    struct guest_thread t[BOOT_CPUS];
    for (uint32_t i = 1; i < boot()->cpu_count; i++)
        t[i] = start_on(
            i, &(struct thread_plan){.entry = null_for_ever, .arguments = {i}, .priority = 9});
    for (uint32_t i = 1; i < boot()->cpu_count; i++)
        for (int n = 0; n < 20; n++) {
            EXPECT(changes(&counts[i].value, counts[i].value));
            status_ignore(sys_yield());
        }
    for (uint32_t i = 1; i < boot()->cpu_count; i++)
        end(&t[i]);
}

// ---------------------------------------------------------------- messages and signals

/// Answers each call with its words' sum. a: endpoint, b: Reply.
FAR static void adder(uint64_t endpoint, uint64_t reply, uint64_t c)
{
    struct message m = {0};
    (void)c;
    if (sys_recv((uint32_t)endpoint, (uint32_t)reply, &m, 0) != OK)
        __builtin_trap();
    for (uint64_t served = 1;; served++) {
        m.words[0] += m.words[1] + m.words[5];
        m.words[1] = served;
        m.tag = tag_make(tag_label(m.tag) + 1, 2, 0);
        if (sys_reply_recv((uint32_t)endpoint, (uint32_t)reply, &m) != OK)
            __builtin_trap();
    }
}

static bool call_adder(uint32_t caller, uint64_t n)
{
    struct message m = {.tag = tag_make(n, 6, 0), .words = {n, 2 * n, 0, 0, 0, 3 * n}};
    return sys_call(caller, &m) == OK && m.words[0] == 6 * n && tag_label(m.tag) == n + 1;
}

static void call_for_ever(uint64_t which, uint64_t caller, uint64_t c)
{
    (void)c;
    for (uint64_t n = 0;; n++) {
        if (!call_adder((uint32_t)caller, n))
            counts[which].bad++;
        counts[which].value++;
    }
}

static struct guest_thread start_adder(uint32_t cpu, uint32_t vspace, uint32_t priority,
                                       uint32_t *caller)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    *caller = caller_make(endpoint, 7);
    return start_on(cpu, &(struct thread_plan){.entry = adder,
                                               .vspace = vspace,
                                               .priority = priority,
                                               .arguments = {endpoint, reply}});
}

/// A server elsewhere, in a space of its own, more and less important; called by one, then by
/// all CPUs at once.
static void test_calls(void)
{
    struct guest_thread t[BOOT_CPUS];
    uint32_t caller;
    for (uint32_t i = 1; i < boot()->cpu_count; i++) {
        t[0] = start_adder(i, i & 1 ? space_make() : 0, i & 2 ? 5 : 63, &caller);
        for (uint64_t n = 0; n < ROUNDS; n++)
            EXPECT(call_adder(caller, n));
        end(&t[0]);
    }
    t[0] = start_adder(1, space_make(), 50, &caller);
    for (uint32_t i = 1; i < boot()->cpu_count; i++) {
        counts[i].bad = 0;
        t[i] = start_on(i, &(struct thread_plan){.entry = call_for_ever,
                                                 .arguments = {i, caller},
                                                 .priority = 20 + i});
    }
    for (uint64_t n = 0; n < 3 * ROUNDS; n++)
        EXPECT(call_adder(caller, n));
    for (uint32_t i = 1; i < boot()->cpu_count; i++) {
        EXPECT(changes(&counts[i].value, counts[i].value));
        EXPECT(counts[i].bad == 0);
        end(&t[i]);
    }
    end(&t[0]);
}

/// Sends back each signal that it gets.
static void echo(uint64_t endpoint, uint64_t back, uint64_t c)
{
    struct message m = {0};
    (void)c;
    for (;;)
        if (sys_recv((uint32_t)endpoint, 0, &m, 0) != OK || sys_signal((uint32_t)back) != OK)
            __builtin_trap();
}

static uint32_t signal_make(uint32_t endpoint, uint64_t bits)
{
    uint32_t slot = slots_take(1);
    MUST(sys_cap_copy(BOOT_SLOT_CSPACE, slot, endpoint, DERIVE_SIGNAL, bits, 0) == OK);
    return slot;
}

/// To and fro between CPUs that sleep in between: a wake-up that is lost stops the test.
static void test_wake_ups(void)
{
    for (uint32_t cpu = 1; cpu < boot()->cpu_count; cpu++) {
        uint32_t there = make(KIND_ENDPOINT, 0), here = make(KIND_ENDPOINT, 0);
        uint32_t wake = signal_make(there, 1);
        struct guest_thread t = start_on(
            cpu, &(struct thread_plan){
                     .entry = echo, .arguments = {there, signal_make(here, 4)}, .priority = 3});
        for (uint32_t i = 0; i < 2 * ROUNDS; i++) {
            struct message m = {0};
            EXPECT(sys_signal(wake) == OK);
            EXPECT(sys_recv(here, 0, &m, 0) == OK && m.badge == 4);
        }
        end(&t);
    }
}

// ---------------------------------------------------------------- translations

static uint32_t fault_endpoint, fault_reply;

/// Writes one word over and over: to the end of time, or of the page.
static void hammer(uint64_t at, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    for (;;)
        ++*(volatile uint64_t *)at;
}

/// The ways to take a page away from who is using it.
enum take { UNMAP, PROTECT, DELETE, TABLE, TAKES };

struct page {
    uint64_t at;             ///< where the hammer strikes
    uint32_t frame, table;   ///< what maps it there
    volatile uint64_t *mine; ///< the same memory
};

static struct page page_make(uint32_t bits)
{
    struct page page = {.frame = make(KIND_FRAME, bits), .table = make(KIND_PAGE_TABLE, 0)};
    uint64_t missing, size = 1ul << bits, region = 1ul << 30;
    uint32_t copy = slots_take(1);
    page.mine = (void *)((address_take(2 * size) + size - 1) & ~(size - 1));
    MUST(sys_cap_copy(BOOT_SLOT_CSPACE, copy, page.frame, DERIVE_COPY, RIGHT_ALL, 0) == OK);
    MUST(map_at(copy, BOOT_SLOT_VSPACE, (uint64_t)page.mine, FULL) == OK);
    // Alone in a region, so that the lowest table is one that can be taken away.
    static uint64_t regions = 0x20000000000;
    page.at = regions += region;
    enum status status;
    while ((status = sys_map(page.frame, BOOT_SLOT_VSPACE, page.at, FULL, &missing)) == E_TABLE)
        MUST(sys_map(missing == 1 ? page.table : make(KIND_PAGE_TABLE, 0), BOOT_SLOT_VSPACE,
                     page.at, 0, &missing) == OK);
    MUST(status == OK);
    return page;
}

static void take_away(struct page *page, enum take take)
{
    uint64_t missing;
    uint32_t copy = slots_take(1);
    switch (take) {
    case UNMAP:
        MUST(sys_unmap(page->frame) == OK);
        return;
    case PROTECT:
        MUST(sys_map(page->frame, BOOT_SLOT_VSPACE, page->at, MAP_READ, &missing) == OK);
        return;
    case DELETE:
        MUST(sys_cap_copy(BOOT_SLOT_CSPACE, copy, page->frame, DERIVE_COPY, RIGHT_ALL, 0) ==
             OK);
        MUST(sys_cap_delete(BOOT_SLOT_CSPACE, page->frame) == OK);
        page->frame = copy;
        return;
    default:
        MUST(sys_unmap(page->table) == OK);
    }
}

static void give_back(const struct page *page, enum take take)
{
    uint64_t missing;
    if (take == TABLE) {
        MUST(sys_map(page->table, BOOT_SLOT_VSPACE, page->at, 0, &missing) == OK);
        MUST(sys_unmap(page->frame) == OK); // its mapping went with the table
    }
    MUST(sys_map(page->frame, BOOT_SLOT_VSPACE, page->at, FULL, &missing) == OK);
}

static void strike(struct page *page, enum take take)
{
    EXPECT(changes(page->mine, *page->mine));
    take_away(page, take);
    uint64_t then = *page->mine;
    pause_for(100);
    EXPECT(*page->mine == then); // no CPU can reach it any more
    struct message m = {0};
    EXPECT(sys_recv(fault_endpoint, fault_reply, &m, 0) == OK);
    EXPECT(m.badge == 9 && m.words[0] == FAULT_PAGE && m.words[1] == page->at);
    EXPECT(*page->mine == then);
    give_back(page, take);
    m = (struct message){.tag = tag_make(0, 1, 0), .words = {FAULT_ACTION_RETRY}};
    EXPECT(sys_reply(fault_reply, &m) == OK);
}

/// A page that another CPU writes all the time is taken away in every way: at once, nothing
/// arrives any more.
static void test_shootdown(void)
{
    fault_endpoint = make(KIND_ENDPOINT, 0);
    fault_reply = make(KIND_REPLY, 0);
    for (uint32_t bits = PAGE_BITS; bits <= 21; bits += 9) {
        struct page page = page_make(bits);
        struct guest_thread t =
            start_on(1, &(struct thread_plan){.entry = hammer,
                                              .arguments = {page.at},
                                              .priority = 9,
                                              .fault = caller_make(fault_endpoint, 9)});
        for (uint32_t i = 0; i < ROUNDS; i++) {
            strike(&page, bits == 21 && i % TAKES == TABLE ? UNMAP : i % TAKES);
            if (i % 16 == 0)
                EXPECT(thread_do(t.thread, THREAD_OP_CPU, other_cpu(i / 16), 0) == OK);
        }
        end(&t);
    }
}

// ---------------------------------------------------------------- moving, diverting,
// destroying

/// Counts in a general, an SSE and an x87 register; says when they no longer agree.
static void agree_for_ever(uint64_t which, uint64_t caller, uint64_t c)
{
    uint64_t zero = 0, one = 1, x, y;
    (void)c;
    __asm__ volatile("movq %0, %%xmm7; fninit; fldz" ::"r"(zero));
    for (uint64_t n = 1;; n++) {
        __asm__ volatile("movq %2, %%xmm6; paddq %%xmm6, %%xmm7; movq %%xmm7, %0;"
                         "fld1; faddp; fld %%st(0); fistpll %1"
                         : "=r"(x), "=m"(y)
                         : "r"(one));
        if (x != n || y != n)
            counts[which].bad++;
        if (caller && n % 8 == 0 && !call_adder((uint32_t)caller, n))
            counts[which].bad++;
        counts[which].value = n;
    }
}

/// A thread with FPU contents is moved about, first while it computes, then while it calls too.
static void test_moves(void)
{
    uint32_t caller;
    struct guest_thread server = start_adder(1, space_make(), 30, &caller);
    for (uint32_t calls = 0; calls < 2; calls++) {
        counts[0].bad = 0;
        struct guest_thread t =
            start_on(1, &(struct thread_plan){.entry = agree_for_ever,
                                              .arguments = {0, calls * caller},
                                              .priority = 9,
                                              .fpu = true});
        struct guest_thread rival = start_on(
            1, &(struct thread_plan){
                   .entry = agree_for_ever, .arguments = {1}, .priority = 9, .fpu = true});
        for (uint32_t i = 0; i < 2 * ROUNDS; i++) {
            EXPECT(thread_do(t.thread, THREAD_OP_CPU, other_cpu(i), 0) == OK);
            EXPECT(thread_do(t.thread, THREAD_OP_PRIORITY, 9 + i % 2, 0) == OK);
            if (!calls && i % 8 == 0) {
                EXPECT(thread_do(t.thread, THREAD_OP_SUSPEND, 0, 0) == OK);
                EXPECT(thread_do(t.thread, THREAD_OP_START, 0, 0) == OK);
            }
            if (i % 4 == 0)
                EXPECT(changes(&counts[0].value, counts[0].value));
        }
        EXPECT(counts[0].bad == 0 && counts[1].bad == 0);
        end(&rival);
        end(&t);
    }
    end(&server);
}

static volatile uint64_t handled;

static void handler(void)
{
    uint64_t x, y, z;
    handled++;
    status_ignore(sys_thread_control(HANDLE_NULL, THREAD_OP_RETURN, 0, 0, &x, &y, &z));
    __builtin_trap();
}

/// A thread that computes, then one that calls, is sent to its handler: once each time.
static void test_diversions(void)
{
    uint64_t sent = 0;
    struct guest_thread t = start_on(
        1, &(struct thread_plan){.entry = count_for_ever, .arguments = {0}, .priority = 9});
    EXPECT(thread_do(t.thread, THREAD_OP_HANDLER, (uint64_t)handler, 0) == OK);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        enum status status;
        while ((status = thread_do(t.thread, THREAD_OP_DIVERT, i, 0)) == E_BUSY)
            ;
        EXPECT(status == OK);
        sent++;
        EXPECT(thread_do(t.thread, THREAD_OP_CPU, other_cpu(i), 0) == OK);
    }
    uint64_t then = counts[0].value;
    EXPECT(changes(&counts[0].value, then) && handled == sent);
    end(&t);
}

/// A thread's space, its memory and itself are revoked while it runs; the memory is used again.
static void test_revocation(void)
{
    uint32_t part = make(KIND_UNTYPED, 14), vspace = slots_take(1);
    for (uint32_t i = 0; i < ROUNDS / 4; i++) {
        struct guest_thread t = start_on(
            other_cpu(i),
            &(struct thread_plan){
                .entry = count_for_ever, .arguments = {0}, .priority = 9, .fpu = i & 1});
        EXPECT(changes(&counts[0].value, counts[0].value));
        enum status status;
        if (i % 2 == 0) { // the buffer it runs with
            while ((status = sys_cap_revoke(BOOT_SLOT_CSPACE, t.thread)) == E_MORE)
                ;
            EXPECT(status == OK);
            EXPECT(sys_cap_delete(BOOT_SLOT_CSPACE, t.buffer_frame) == OK);
        }
        while ((status = sys_cap_delete(BOOT_SLOT_CSPACE, t.thread)) == E_MORE)
            ;
        EXPECT(status == OK || status == E_HANDLE);
        uint64_t then = counts[0].value;
        do
            status = sys_retype(part, KIND_VSPACE, 0, 1, BOOT_SLOT_CSPACE, vspace);
        while (status == E_MORE);
        EXPECT(status == OK);
        while (sys_cap_revoke(BOOT_SLOT_CSPACE, part) == E_MORE)
            ;
        EXPECT(counts[0].value == then);
    }
}

/// A space is destroyed, with the threads that run in it everywhere, and made anew of the same
/// memory.
static void test_spaces(void)
{
    for (uint32_t i = 0; i < ROUNDS / 10; i++) {
        struct guest_thread t[BOOT_CPUS];
        uint32_t vspace = space_make(), endpoint = make(KIND_ENDPOINT, 0);
        for (uint32_t cpu = 1; cpu < boot()->cpu_count; cpu++)
            t[cpu] = start_on(cpu, &(struct thread_plan){.entry = adder,
                                                         .vspace = vspace,
                                                         .arguments = {endpoint},
                                                         .priority = 9});
        enum status status;
        while ((status = sys_cap_delete(BOOT_SLOT_CSPACE, vspace)) == E_MORE)
            ;
        EXPECT(status == OK);
        for (uint32_t cpu = 1; cpu < boot()->cpu_count; cpu++)
            end(&t[cpu]);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"at_once", test_at_once},       {"lock", test_lock},
    {"calls", test_calls},           {"wake_ups", test_wake_ups},
    {"shootdown", test_shootdown},   {"moves", test_moves},
    {"diversions", test_diversions}, {"revocation", test_revocation},
    {"spaces", test_spaces},
};

void guest_main(void)
{
    uint32_t passed = 0, failed = 0;
    uint64_t x, y, z;
    MUST(boot()->version == BOOT_INFO_VERSION && boot()->cpu_count > 1);
    for (uint32_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        failures = 0;
        tests[i].run();
        EXPECT(sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_CHECK, 0, 0, &x, &y, &z) == OK);
        print("%s %s\n", failures ? "FAIL" : "ok  ", tests[i].name);
        failures ? failed++ : passed++;
    }
    print("cpu test: %u passed, %u failed\nguest end\n", passed, failed);
    for (;;)
        ;
}
