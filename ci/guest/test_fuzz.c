/// A thread that makes random system calls with what it was given, again and again, while the
/// kernel checks its invariants. Nothing may panic, and all memory must come back.
///
/// Everything it gets is made from one untyped, so that revoking that ends a life. It runs in
/// our own space, where it can map and unmap only what is its own.

#include "test.h"

enum {
    LIVES = 25,
    CALLS_PER_LIFE = 20000,
    PATIENCE = 8, ///< turns without a call before a life counts as over
    UNTYPED_BITS = 22,
    HANDLES = 140,
    PRIORITY = 10, ///< what an earlier test left us
};

/// What is in the victim's CSpace, at these handles, and in ours from `first` on.
enum victim_slot {
    VICTIM_CSPACE = 1,
    VICTIM_VSPACE,
    VICTIM_THREAD,
    VICTIM_OTHER_THREAD,
    VICTIM_BUFFER,
    VICTIM_FRAME,
    VICTIM_LARGE_FRAME,
    VICTIM_TABLE,
    VICTIM_ENDPOINT,
    VICTIM_REPLY,
    VICTIM_UNTYPED,
    VICTIM_MADE, ///< up to here made from the untyped
    VICTIM_OUR_SPACE = VICTIM_MADE,
    VICTIM_IRQ,
    VICTIM_IOPORT,
    VICTIM_SIGNAL,
    VICTIM_CALLER,
    VICTIM_SLOTS,
};

static uint32_t untyped, first, fault_endpoint, irq, ioport;
static uint64_t buffer_address;
static volatile uint64_t calls;
static uint64_t seed = 88172645463325252;
static char victim_stack[4096] __attribute__((aligned(16)));

static uint64_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/// Never an address of our own code: a thread that is sent there would be us.
static uint64_t draw_argument(void)
{
    uint64_t value = draw() >> 8;
    switch (draw() % 8) {
    case 0:
        return value % 8;
    case 1:
        return 0x20000000 + value % 64 * PAGE;
    case 2:
        return value << 8;
    case 3:
        return value % 30 | value % HANDLES << 32;
    default:
        return value % HANDLES;
    }
}

static void victim(void)
{
    uint64_t *words = (uint64_t *)buffer_address;
    for (;;) {
        calls++;
        if (draw() % 16 == 0)
            for (uint32_t i = 0; i < PAGE / 8; i++)
                words[i] = draw_argument();
        uint64_t rax = draw() % SYSCALL_COUNT | (draw() % 16 ? 0 : draw() % 4 << 8);
        uint64_t rdi = draw_argument(), rsi = draw_argument(), rdx = draw_argument();
        register uint64_t r8 __asm__("r8") = draw_argument();
        register uint64_t r9 __asm__("r9") = draw_argument();
        register uint64_t r10 __asm__("r10") = draw_argument();
        register uint64_t r12 __asm__("r12") = draw_argument();
        register uint64_t r13 __asm__("r13") = draw_argument();
        __asm__ volatile("syscall"
                         : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9),
                           "+r"(r10), "+r"(r12), "+r"(r13)
                         :
                         : "rcx", "r11", "memory");
    }
}

static void make_here(enum victim_slot slot, enum kind kind, uint32_t bits)
{
    enum status status;
    do
        status = sys_retype(untyped, kind, bits, 1, BOOT_SLOT_CSPACE, first + slot);
    while (status == E_MORE);
    MUST(status == OK);
}

static void copy_to_victim(enum victim_slot slot, uint32_t source)
{
    MUST(sys_cap_copy(first + VICTIM_CSPACE, slot, source, DERIVE_COPY, RIGHT_ALL, 0) == OK);
}

static void make_objects(void)
{
    make_here(VICTIM_CSPACE, KIND_CSPACE, PAGE_BITS);
    for (uint32_t page = 0; page < 2; page++) {
        enum status status;
        do
            status = sys_retype(untyped, KIND_SLOTS, 0, 1, first + VICTIM_CSPACE, page);
        while (status == E_MORE);
        MUST(status == OK);
    }
    make_here(VICTIM_VSPACE, KIND_VSPACE, 0);
    make_here(VICTIM_THREAD, KIND_THREAD, 0);
    make_here(VICTIM_OTHER_THREAD, KIND_THREAD, 0);
    make_here(VICTIM_BUFFER, KIND_FRAME, PAGE_BITS);
    make_here(VICTIM_FRAME, KIND_FRAME, PAGE_BITS);
    make_here(VICTIM_LARGE_FRAME, KIND_FRAME, 16);
    make_here(VICTIM_TABLE, KIND_PAGE_TABLE, 0);
    make_here(VICTIM_ENDPOINT, KIND_ENDPOINT, 0);
    make_here(VICTIM_REPLY, KIND_REPLY, 0);
    make_here(VICTIM_UNTYPED, KIND_UNTYPED, UNTYPED_BITS - 2);
}

/// What cannot be copied is moved. The rest the victim shares with us.
static void give_objects(void)
{
    for (enum victim_slot i = VICTIM_CSPACE; i < VICTIM_MADE; i++)
        if (i == VICTIM_TABLE || i == VICTIM_REPLY || i == VICTIM_UNTYPED)
            MUST(sys_cap_move(first + VICTIM_CSPACE, i, first + i) == OK);
        else
            copy_to_victim(i, first + i);
    copy_to_victim(VICTIM_OUR_SPACE, BOOT_SLOT_VSPACE);
    copy_to_victim(VICTIM_IRQ, irq);
    copy_to_victim(VICTIM_IOPORT, ioport);
    MUST(sys_cap_copy(first + VICTIM_CSPACE, VICTIM_SIGNAL, first + VICTIM_ENDPOINT,
                      DERIVE_SIGNAL, 6, 0) == OK);
    MUST(sys_cap_copy(first + VICTIM_CSPACE, VICTIM_CALLER, first + VICTIM_ENDPOINT,
                      DERIVE_CALL, 9, 1) == OK);
}

static void start_victim(void)
{
    uint32_t thread = first + VICTIM_THREAD;
    MUST(map_at(first + VICTIM_BUFFER, BOOT_SLOT_VSPACE, buffer_address,
                MAP_READ | MAP_WRITE) == OK);
    MUST(sys_thread_configure(thread, first + VICTIM_CSPACE, BOOT_SLOT_VSPACE,
                              first + VICTIM_BUFFER, fault_endpoint, 0,
                              THREAD_OPTION_FPU) == OK);
    *(struct registers *)buffer()->registers = (struct registers){
        .rip = (uint64_t)victim, .rsp = (uint64_t)victim_stack + sizeof victim_stack - 8};
    MUST(sys_thread_registers(thread, 1) == OK);
    MUST(thread_do(thread, THREAD_OP_PRIORITY, PRIORITY, 0) == OK);
    MUST(thread_do(thread, THREAD_OP_START, 0, 0) == OK);
}

/// Lets it run; wakes it when it waits. Ends when it has done its share, or cannot go on.
static void watch_victim(void)
{
    uint32_t thread = first + VICTIM_THREAD;
    uint64_t until = calls + CALLS_PER_LIFE, before = 0, state, time, priority;
    for (int quiet = 0; calls < until && quiet < PATIENCE; quiet++) {
        if (calls != before)
            quiet = 0;
        before = calls;
        status_ignore(thread_do(thread, THREAD_OP_PRIORITY, PRIORITY, 0));
        status_ignore(sys_yield());
        if (sys_thread_control(thread, THREAD_OP_INFO, 0, 0, &state, &time, &priority) != OK ||
            state == THREAD_STATE_FAULTED)
            break;
        status_ignore(thread_do(thread, THREAD_OP_CANCEL, 0, 0));
        status_ignore(thread_do(thread, THREAD_OP_START, 0, 0));
    }
}

static uint64_t count_objects(void)
{
    uint64_t objects, y, z;
    EXPECT(sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_CHECK, 0, 0, &objects, &y, &z) == OK);
    return objects;
}

static void range_make(uint32_t slot, uint32_t source, uint64_t start)
{
    MUST(sys_cap_copy(BOOT_SLOT_CSPACE, slot, source, DERIVE_RANGE, start, 1) == OK);
}

void test_fuzz(void)
{
    enum { UNUSED_LINE = 5, UNUSED_PORT = 0x80 };
    untyped = make(KIND_UNTYPED, UNTYPED_BITS);
    fault_endpoint = caller_make(make(KIND_ENDPOINT, 0), 1);
    irq = slots_take(1);
    ioport = slots_take(1);
    range_make(irq, BOOT_SLOT_IRQ, UNUSED_LINE);
    range_make(ioport, BOOT_SLOT_IOPORT, UNUSED_PORT);
    first = slots_take(VICTIM_SLOTS);
    buffer_address = address_take(PAGE);
    uint64_t objects = 0;
    EXPECT(thread_do(HANDLE_NULL, THREAD_OP_PRIORITY, PRIORITY, 0) == OK);
    for (int life = 0; life < LIVES; life++) {
        make_objects();
        give_objects();
        start_victim();
        watch_victim();
        count_objects();
        enum status status;
        do
            status = sys_cap_revoke(BOOT_SLOT_CSPACE, untyped);
        while (status == E_MORE);
        EXPECT(status == OK);
        uint64_t now = count_objects();
        EXPECT(life < 1 || now == objects);
        objects = now;
    }
    print("  %lu random system calls\n", calls);
    EXPECT(calls > LIVES * 10);
}
