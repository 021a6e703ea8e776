// The longest stay in the kernel: every operation whose work grows with something, at its
// largest. DESIGN: at most 20,000 instructions without a preemption point.
#include "longest.h"
#include "guest.h"

enum { LOG_BYTES = 512, PAGES = 33, LARGE_BITS = 20 };
#define LARGE_AT 0x50000000ul

static uint64_t longest;

static inline uint64_t now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/// Makes a call until it is done, and times each step.
#define STEPS(what, call)                                                                      \
    do {                                                                                       \
        enum status status;                                                                    \
        uint64_t most = 0;                                                                     \
        do {                                                                                   \
            uint64_t start = now();                                                            \
            status = call;                                                                     \
            uint64_t step = now() - start;                                                     \
            if (step > most)                                                                   \
                most = step;                                                                   \
        } while (status == E_MORE);                                                            \
        must(status, what);                                                                    \
        report("kernel.step." what, most, "instructions");                                     \
        if (most > longest)                                                                    \
            longest = most;                                                                    \
    } while (0)

/// Objects whose making and unmaking is dear.
static void objects(uint32_t part)
{
    uint32_t threads = slots_new(RETYPE_COUNT), spaces = slots_new(RETYPE_COUNT);
    uint32_t frame = slot_new(), buffer = slot_new();
    STEPS("retype_frame", sys_retype(part, KIND_FRAME, 21, 1, HANDLE_NULL, frame));
    STEPS("retype_threads",
          sys_retype(part, KIND_THREAD, 0, RETYPE_COUNT, HANDLE_NULL, threads));
    STEPS("retype_spaces", sys_retype(part, KIND_VSPACE, 0, RETYPE_COUNT, HANDLE_NULL, spaces));
    STEPS("retype_buffer", sys_retype(part, KIND_FRAME, PAGE_BITS, 1, HANDLE_NULL, buffer));
    for (uint32_t i = 0; i < RETYPE_COUNT; i++)
        must(sys_thread_configure(threads + i, BOOT_SLOT_CSPACE, spaces + i, buffer, 0, 0, 0),
             "configure");
}

static void mappings(uint32_t part)
{
    uint32_t frame = slot_new(), copy = slot_new();
    uint64_t missing;
    STEPS("retype_large", sys_retype(part, KIND_FRAME, LARGE_BITS, 1, HANDLE_NULL, frame));
    frame_map(frame, BOOT_SLOT_VSPACE, LARGE_AT, MAP_READ);
    STEPS("unmap_large", sys_unmap(frame));
    STEPS("map_large", sys_map(frame, BOOT_SLOT_VSPACE, LARGE_AT, MAP_READ, &missing));
    must(sys_cap_copy(HANDLE_NULL, copy, frame, DERIVE_COPY, RIGHT_ALL, 0), "copy");
    frame_map(copy, BOOT_SLOT_VSPACE, LARGE_AT + (1ul << LARGE_BITS), MAP_READ);
}

/// A CSpace full of capabilities that are children of one.
static void families(uint32_t part)
{
    uint32_t cspace = slot_new(), parent = slot_new(), moved = slot_new();
    STEPS("retype_cspace", sys_retype(part, KIND_CSPACE, 19, 1, HANDLE_NULL, cspace));
    STEPS("retype_parent", sys_retype(part, KIND_FRAME, PAGE_BITS, 1, HANDLE_NULL, parent));
    for (uint32_t page = 0, made = 0; page < PAGES; page++) {
        must(sys_retype(part, KIND_SLOTS, 0, 1, cspace, page), "page of slots");
        for (uint32_t i = 1; i < SLOTS_PER_PAGE && made < 2048; i++, made++)
            must(sys_cap_copy(cspace, page * SLOTS_PER_PAGE + i, parent, DERIVE_RANGE, 0,
                              PAGE_BITS),
                 "part of a frame");
    }
    STEPS("move_family", sys_cap_move(HANDLE_NULL, moved, parent));
    STEPS("delete_cspace", sys_cap_delete(HANDLE_NULL, cspace));
}

/// What is done word by word: a log of line ends, each of which is two bytes on the line, a
/// repeated transfer, events of a trace.
static void transfers(void)
{
    enum { POST = 0x80 };
    uint64_t at = 0, x, y, z;
    char *text = (char *)((struct ipc_buffer *)BOOT_BUFFER_ADDRESS)->words;
    for (uint32_t i = 0; i < LOG_BYTES; i++)
        text[i] = '\n';
    STEPS("log", sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_LOG, LOG_BYTES, at, &at, &y, &z));
    STEPS("ioport", sys_ioport(BOOT_SLOT_IOPORT, IO_BYTE | IO_REPEAT, POST, IOPORT_WORDS, &x));
    STEPS("trace", sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_TRACE, ~0u, 0, &x, &y, &z));
    for (int i = 0; i < 100; i++)
        must(sys_yield(), "yield");
    STEPS("trace_off", sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_TRACE, 0, 0, &x, &y, &z));
    STEPS("trace_read", sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_TRACE_READ, 0, 0, &x, &y, &z));
}

static uint32_t queue; // endpoint

static void wait_in_queue(void)
{
    struct message m = {0};
    status_ignore(sys_send(queue, &m, 0));
    must(sys_thread_control(HANDLE_NULL, THREAD_OP_SUSPEND, 0, 0, &m.badge, &m.badge, &m.badge),
         "suspend");
}

/// Many threads that wait in one queue, and the endpoint goes. They are as important as this
/// one: they run when it yields, and not within a step.
static void drains(void)
{
    enum { WAITERS = 100, PRIORITY = 40 };
    queue = object_new(KIND_ENDPOINT, 0);
    for (int i = 0; i < WAITERS; i++)
        thread_start(
            thread_new(BOOT_SLOT_VSPACE, BOOT_SLOT_CSPACE, wait_in_queue, PRIORITY, 0, 0)
                .thread);
    must(sys_yield(), "yield");
    STEPS("drain", sys_cap_delete(HANDLE_NULL, queue));
}

void bench_longest(void)
{
    transfers();
    drains();
    uint32_t part = object_new(KIND_UNTYPED, 24);
    objects(part);
    STEPS("revoke_threads", sys_cap_revoke(HANDLE_NULL, part));
    mappings(part);
    STEPS("revoke_mappings", sys_cap_revoke(HANDLE_NULL, part));
    families(part);
    STEPS("revoke_rest", sys_cap_revoke(HANDLE_NULL, part));
    report("kernel.longest_step", longest, "instructions");
}
