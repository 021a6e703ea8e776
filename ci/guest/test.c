/// Checks the kernel from ring 3, alone on the machine. Prints a line for each test and at the
/// end `kernel test: N passed, N failed`, then `guest end`.

#include "test.h"

uint32_t test_endpoint, test_reply;

static uint32_t failures; ///< of the running test

void expect(bool condition, const char *what, const char *file, unsigned line)
{
    if (condition)
        return;
    failures++;
    print("  %s:%u: %s\n", file, line, what);
}

// ---------------------------------------------------------------- messages

/// Answers each call with the sum of its words and its badge, for ever. a: endpoint, b: Reply.
FAR static void adder(uint64_t endpoint, uint64_t reply, uint64_t buffer_at)
{
    const struct ipc_buffer *b = (const struct ipc_buffer *)buffer_at;
    struct message m = {0};
    if (sys_recv((uint32_t)endpoint, (uint32_t)reply, &m, 0) != OK)
        __builtin_trap();
    for (;;) {
        uint64_t sum = m.badge;
        uint32_t words = tag_words(m.tag);
        for (uint32_t i = 0; i < words; i++)
            sum += i < REGISTER_WORDS ? m.words[i] : b->words[i];
        m.words[0] = sum;
        m.words[1] = words;
        m.tag = tag_make(tag_label(m.tag) + 1, 2, 0);
        if (sys_reply_recv((uint32_t)endpoint, (uint32_t)reply, &m) != OK)
            __builtin_trap();
    }
}

static void call_adder(uint32_t caller, uint32_t words, uint64_t badge)
{
    struct message m = {.tag = tag_make(9, words, 0)};
    uint64_t sum = badge;
    for (uint32_t i = 0; i < words; i++) {
        uint64_t word = 1000003ul * (i + 1);
        sum += word;
        if (i < REGISTER_WORDS)
            m.words[i] = word;
        else
            buffer()->words[i] = word;
    }
    EXPECT(sys_call(caller, &m) == OK);
    EXPECT(m.words[0] == sum && m.words[1] == words && tag_label(m.tag) == 10 && m.badge == 0);
}

/// Messages of every size to a server in this space and in another, more and less important.
static void test_messages(void)
{
    for (uint32_t variant = 0; variant < 4; variant++) {
        uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
        struct thread_plan plan = {.entry = adder,
                                   .vspace = variant & 1 ? space_make() : 0,
                                   .priority = variant & 2 ? 20 : 50,
                                   .arguments = {endpoint, reply}};
        struct guest_thread t = thread_make(&plan);
        struct registers *r = (struct registers *)buffer()->registers;
        EXPECT(sys_thread_registers(t.thread, 0) == OK);
        r->rdx = (uint64_t)t.buffer;
        EXPECT(sys_thread_registers(t.thread, 1) == OK);
        thread_start(&t);
        uint32_t caller = caller_make(endpoint, 5 + variant);
        for (uint32_t words = 0; words <= MESSAGE_WORDS; words++)
            call_adder(caller, words, 5 + variant);
        EXPECT(thread_do(t.thread, THREAD_OP_SUSPEND, 0, 0) == OK);
    }
}

/// Sends signals to itself; they come ORed, once.
static void test_signals(void)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), bits[2] = {slots_take(1), slots_take(1)};
    for (int i = 0; i < 2; i++)
        EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, bits[i], endpoint, DERIVE_SIGNAL, 4ul << i, 0) ==
               OK);
    struct message m = {0};
    EXPECT(sys_recv(endpoint, 0, &m, IPC_NONBLOCK) == E_AGAIN);
    for (int i = 0; i < 2; i++)
        EXPECT(sys_signal(bits[i]) == OK);
    EXPECT(sys_recv(endpoint, 0, &m, 0) == OK);
    EXPECT(m.badge == 12 && tag_kind(m.tag) == MESSAGE_SIGNAL);
    EXPECT(sys_recv(endpoint, 0, &m, IPC_NONBLOCK) == E_AGAIN);
}

// ---------------------------------------------------------------- time and devices

static volatile uint64_t counts[2];

static void count_for_ever(uint64_t which, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    for (;;)
        counts[which]++;
}

/// Two threads that never give up the CPU, and this one: all get on.
static void test_preemption(void)
{
    struct guest_thread t[2];
    EXPECT(thread_do(HANDLE_NULL, THREAD_OP_PRIORITY, 10, 0) == OK);
    for (uint64_t i = 0; i < 2; i++) {
        t[i] = thread_make(
            &(struct thread_plan){.entry = count_for_ever, .arguments = {i}, .priority = 10});
        thread_start(&t[i]);
    }
    uint64_t until = clock() + PATIENCE_SECONDS * boot()->tsc_hz;
    while ((counts[0] <= 1000 || counts[1] <= 1000) && clock() < until)
        ;
    EXPECT(counts[0] > 1000 && counts[1] > 1000);
    for (int i = 0; i < 2; i++)
        EXPECT(thread_do(t[i].thread, THREAD_OP_SUSPEND, 0, 0) == OK);
    uint64_t before = counts[0] + counts[1];
    until = clock() + boot()->tsc_hz / 20;
    while (clock() < until)
        ;
    EXPECT(counts[0] + counts[1] == before);
}

enum { PIT_LINE = 0, PIT_HZ = 1000, PIT_COUNT = 1193182 / PIT_HZ };

static void pit_write(uint32_t port, uint32_t byte)
{
    uint64_t value;
    EXPECT(sys_ioport(BOOT_SLOT_IOPORT, IO_OUT | IO_BYTE, port, byte, &value) == OK);
}

static void pit_start(void)
{
    pit_write(0x43, 0x34);
    pit_write(0x40, PIT_COUNT & 255);
    pit_write(0x40, PIT_COUNT >> 8);
}

/// What comes before the acknowledgement is one more signal: not many. False: nothing came in
/// `periods` of the PIT, which is right only if the emulator's stood still meanwhile.
static bool one_is_kept(uint32_t endpoint, uint32_t signal, uint64_t periods)
{
    struct message m = {0};
    while (sys_recv(endpoint, 0, &m, IPC_NONBLOCK) == OK) // of before
        ;
    pit_start();
    EXPECT(sys_irq_control(BOOT_SLOT_IRQ, IRQ_OP_BIND, PIT_LINE, signal, 0) == OK);
    EXPECT(sys_recv(endpoint, 0, &m, 0) == OK);
    uint64_t start = clock();
    while (clock() - start < periods * boot()->tsc_hz / PIT_HZ)
        ;
    EXPECT(sys_recv(endpoint, 0, &m, IPC_NONBLOCK) == E_AGAIN);
    pit_write(0x43, 0x30); // no more of them
    EXPECT(sys_irq_control(BOOT_SLOT_IRQ, IRQ_OP_ACK, PIT_LINE, 0, 0) == OK);
    bool kept = sys_recv(endpoint, 0, &m, IPC_NONBLOCK) == OK;
    EXPECT(sys_irq_control(BOOT_SLOT_IRQ, IRQ_OP_UNBIND, PIT_LINE, 0, 0) == OK);
    return kept;
}

/// Ten interrupts, each acknowledged, while nobody else runs: how long they take.
static uint64_t ten_interrupts(uint32_t endpoint, uint32_t signal)
{
    pit_start();
    EXPECT(sys_irq_control(BOOT_SLOT_IRQ, IRQ_OP_BIND, PIT_LINE, signal, 0) == OK);
    uint64_t start = clock();
    for (int i = 0; i < 10; i++) {
        struct message m = {0};
        EXPECT(sys_recv(endpoint, 0, &m, 0) == OK);
        EXPECT(m.badge == 1);
        EXPECT(sys_irq_control(BOOT_SLOT_IRQ, IRQ_OP_ACK, PIT_LINE, 0, 0) == OK);
    }
    uint64_t microseconds = (clock() - start) * 1000000 / boot()->tsc_hz;
    EXPECT(sys_irq_control(BOOT_SLOT_IRQ, IRQ_OP_UNBIND, PIT_LINE, 0, 0) == OK);
    return microseconds;
}

/// The PIT at 1 kHz. An emulator that was stopped for a while may be late, or hurry: that is
/// no reason to fail, but it is not so each time.
static void test_interrupts(void)
{
    enum { TRIES = 10 };
    uint32_t endpoint = make(KIND_ENDPOINT, 0), signal = slots_take(1), tries;
    EXPECT(sys_cap_copy(BOOT_SLOT_CSPACE, signal, endpoint, DERIVE_SIGNAL, 1, 0) == OK);
    for (tries = 0; tries < TRIES && ten_interrupts(endpoint, signal) <= 2000;)
        tries++;
    EXPECT(tries < TRIES);
    for (tries = 0; tries < TRIES && !one_is_kept(endpoint, signal, 10ul << tries);)
        tries++;
    EXPECT(tries < TRIES);
}

// ---------------------------------------------------------------- isolation

/// Fills its FPU registers from `seed`, lets others run, and tells whether they are as before.
static void fpu_user(uint64_t seed, uint64_t endpoint, uint64_t c)
{
    (void)c;
    uint64_t back = 0, clean = 0;
    __asm__ volatile("movq %%xmm3, %0" : "=r"(clean));
    for (uint64_t i = 0; i < 50; i++) {
        uint64_t value = seed * 1000 + i;
        __asm__ volatile("movq %0, %%xmm3" ::"r"(value));
        status_ignore(sys_yield());
        __asm__ volatile("movq %%xmm3, %0" : "=r"(back));
        clean |= back ^ value;
    }
    struct message m = {.tag = tag_make(0, 1, 0), .words = {clean}};
    status_ignore(sys_send((uint32_t)endpoint, &m, 0));
    for (;;)
        status_ignore(sys_recv((uint32_t)seed, 0, &m, 0)); // faults nobody, waits or fails
}

static void test_fpu(void)
{
    struct guest_thread t[3];
    uint32_t caller = caller_make(test_endpoint, 1);
    for (uint64_t i = 0; i < 3; i++) {
        t[i] = thread_make(&(struct thread_plan){
            .entry = fpu_user, .arguments = {i + 1, caller}, .priority = 5, .fpu = true});
        thread_start(&t[i]);
    }
    for (int i = 0; i < 3; i++) {
        struct message m = {0};
        EXPECT(sys_recv(test_endpoint, test_reply, &m, 0) == OK);
        EXPECT(m.words[0] == 0);
    }
    for (int i = 0; i < 3; i++)
        EXPECT(thread_do(t[i].thread, THREAD_OP_SUSPEND, 0, 0) == OK);
}

static uint64_t fs_word[2][8]; ///< where FS of the two threads points

/// Spoils its own FS base (a null selector makes it 0 on many CPUs), then yields for ever.
static void fs_spoiler(uint64_t a, uint64_t b, uint64_t c)
{
    (void)a, (void)b, (void)c;
    for (;;) {
        __asm__ volatile("movl %0, %%fs" ::"r"(0));
        status_ignore(sys_yield());
    }
}

static void fs_reader(uint64_t endpoint, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    struct message m = {.tag = tag_make(0, 1, 0), .words = {1}};
    for (int i = 0; i < 20; i++) {
        uint64_t value;
        __asm__ volatile("movq %%fs:8, %0" : "=r"(value));
        m.words[0] &= value == 4711;
        status_ignore(sys_yield());
    }
    status_ignore(sys_send((uint32_t)endpoint, &m, 0));
    for (;;)
        status_ignore(sys_yield());
}

/// A thread that spoils its FS base does not spoil that of another which has the same.
static void test_fs(void)
{
    fs_word[0][1] = 4711;
    struct thread_plan plan = {
        .entry = fs_spoiler, .priority = 5, .fs_base = (uint64_t)fs_word[0]};
    struct guest_thread spoiler = thread_make(&plan);
    plan.entry = fs_reader;
    plan.arguments[0] = caller_make(test_endpoint, 1);
    plan.fault = caller_make(test_endpoint, 2);
    struct guest_thread reader = thread_make(&plan);
    thread_start(&spoiler);
    thread_start(&reader);
    struct message m = {0};
    EXPECT(sys_recv(test_endpoint, test_reply, &m, 0) == OK);
    EXPECT(m.badge == 1 && m.words[0] == 1);
    EXPECT(thread_do(spoiler.thread, THREAD_OP_SUSPEND, 0, 0) == OK);
    EXPECT(thread_do(reader.thread, THREAD_OP_SUSPEND, 0, 0) == OK);
}

/// Write and execute never together; new memory is zero.
static void test_memory(void)
{
    uint64_t at = address_take(PAGE);
    uint32_t frame = make(KIND_FRAME, PAGE_BITS);
    const uint32_t all = MAP_READ | MAP_WRITE | MAP_EXECUTE;
    EXPECT(map_at(frame, BOOT_SLOT_VSPACE, at, all) == E_INVAL);
    EXPECT(map_at(frame, BOOT_SLOT_VSPACE, at, MAP_READ | MAP_WRITE) == OK);
    for (uint32_t i = 0; i < PAGE / 8; i++)
        EXPECT(((uint64_t *)at)[i] == 0);
    *(uint64_t *)at = 17;
    EXPECT(map_at(frame, BOOT_SLOT_VSPACE, at, MAP_READ) == OK);
    EXPECT(*(volatile uint64_t *)at == 17);
    EXPECT(sys_unmap(frame) == OK);
}

static void test_invariants(void)
{
    uint64_t objects, y, z;
    EXPECT(sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_CHECK, 0, 0, &objects, &y, &z) == OK);
    EXPECT(objects > 50);
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"memory", test_memory},
    {"signals", test_signals},
    {"messages", test_messages},
    {"faults", test_faults},
    {"entry_flags", test_entry_flags},
    {"registers", test_privileged},
    {"canonical_edge", test_canonical_edge},
    {"preemption", test_preemption},
    {"interrupts", test_interrupts},
    {"fpu", test_fpu},
    {"fs", test_fs},
    {"handles", test_handles},
    {"rights", test_rights},
    {"badges", test_badges},
    {"replies", test_replies},
    {"confused_deputy", test_confused_deputy},
    {"starvation", test_starvation},
    {"slices", test_slices},
    {"all_registers", test_registers},
    {"fpu_leaks", test_fpu_leaks},
    {"zeroed", test_zeroed},
    {"translations", test_translations},
    {"instructions", test_instructions},
    {"invariants", test_invariants},
};

/// When a key is pressed the kernel panics, for the host to see.
static _Noreturn void panic_at_key(void)
{
    enum { KEYBOARD_STATUS = 0x64, HAS_DATA = 1 };
    uint64_t status = 0, x, y, z;
    while (!(status & HAS_DATA))
        MUST(sys_ioport(BOOT_SLOT_IOPORT, IO_BYTE, KEYBOARD_STATUS, 0, &status) == OK);
    status_ignore(sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_PANIC, 0, 0, &x, &y, &z));
    die("the kernel did not panic", __FILE__, __LINE__);
}

void guest_main(void)
{
    uint32_t passed = 0, failed = 0;
    MUST(boot()->magic == BOOT_INFO_MAGIC && boot()->version == BOOT_INFO_VERSION);
    test_endpoint = make(KIND_ENDPOINT, 0);
    test_reply = make(KIND_REPLY, 0);
    for (uint32_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        failures = 0;
        tests[i].run();
        print("%s %s\n", failures ? "FAIL" : "ok  ", tests[i].name);
        if (failures)
            failed++;
        else
            passed++;
    }
    print("kernel test: %u passed, %u failed\nguest end\n", passed, failed);
    panic_at_key();
}
