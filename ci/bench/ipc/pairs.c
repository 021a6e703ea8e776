// Pairs of a client and a server in another space that compute 5,000 instructions for each
// call. One pair on CPU 0, then one on each of two CPUs, in turns; the best of each counts,
// since the host may have something else to do.
#include "guest.h"
#include "pairs.h"

enum { PAIRS = 2, TURNS = 12, TURN_MILLISECONDS = 250, PRIORITY = 40, COMPUTED = 2500 };

// Known to both spaces: set before the space is cloned.
static struct {
    uint32_t endpoint, reply, start, start_signal;
} pairs[PAIRS];
static uint32_t done_endpoint, done_signal;

// Only in this space.
static uint64_t until, calls[PAIRS];

static inline uint64_t now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static inline void compute(void)
{
    uint64_t left = COMPUTED / 2;
    __asm__ volatile("1: decq %0; jnz 1b" : "+r"(left));
}

static void serve(unsigned pair)
{
    struct message m = {0};
    must(sys_recv(pairs[pair].endpoint, pairs[pair].reply, &m, 0), "recv");
    for (;;) {
        compute();
        m = (struct message){0};
        must(sys_reply_recv(pairs[pair].endpoint, pairs[pair].reply, &m), "reply_recv");
    }
}

static void ask(unsigned pair)
{
    struct message m = {0};
    for (;;) {
        must(sys_recv(pairs[pair].start, 0, &m, 0), "start");
        uint64_t made = 0;
        for (; now() < until; made++) {
            compute();
            m = (struct message){0};
            must(sys_call(pairs[pair].endpoint, &m), "call");
        }
        calls[pair] = made;
        must(sys_signal(done_signal), "done");
    }
}

static void server_0(void)
{
    serve(0);
}

static void server_1(void)
{
    serve(1);
}

static void client_0(void)
{
    ask(0);
}

static void client_1(void)
{
    ask(1);
}

static uint32_t signal_new(uint32_t endpoint)
{
    uint32_t slot = slot_new();
    must(sys_cap_copy(HANDLE_NULL, slot, endpoint, DERIVE_SIGNAL, 1, 0), "mint");
    return slot;
}

static void start(struct guest thread, uint64_t cpu)
{
    uint64_t x, y, z;
    must(sys_thread_control(thread.thread, THREAD_OP_CPU, cpu, 0, &x, &y, &z), "CPU");
    thread_start(thread.thread);
}

/// Calls a second of the first `count` pairs, for one turn.
static uint64_t turn(const struct boot_info *info, unsigned count)
{
    uint64_t began = now(), sum = 0, finished = 0;
    until = began + info->tsc_hz / 1000 * TURN_MILLISECONDS;
    for (unsigned i = 0; i < count; i++)
        must(sys_signal(pairs[i].start_signal), "start");
    while (finished < count) { // one signal may stand for two
        struct message m = {0};
        must(sys_recv(done_endpoint, 0, &m, 0), "recv");
        finished = 0;
        for (unsigned i = 0; i < count; i++)
            finished += calls[i] != 0;
    }
    for (unsigned i = 0; i < count; i++) {
        sum += calls[i];
        calls[i] = 0;
    }
    return sum * info->tsc_hz / (now() - began);
}

_Noreturn void bench_pairs(const struct boot_info *info)
{
    static void (*const servers[])(void) = {server_0, server_1};
    static void (*const clients[])(void) = {client_0, client_1};
    uint64_t one = 0, two = 0, x, y, z;
    must(info->cpu_count < PAIRS ? E_INVAL : OK, "two CPUs");
    done_endpoint = object_new(KIND_ENDPOINT, 0);
    done_signal = signal_new(done_endpoint);
    for (unsigned i = 0; i < PAIRS; i++) {
        pairs[i].endpoint = object_new(KIND_ENDPOINT, 0);
        pairs[i].reply = object_new(KIND_REPLY, 0);
        pairs[i].start = object_new(KIND_ENDPOINT, 0);
        pairs[i].start_signal = signal_new(pairs[i].start);
    }
    must(sys_thread_control(HANDLE_NULL, THREAD_OP_PRIORITY, PRIORITY + 1, 0, &x, &y, &z),
         "priority");
    for (unsigned i = 0; i < PAIRS; i++) {
        start(thread_new(space_clone(), BOOT_SLOT_CSPACE, servers[i], PRIORITY, 0, 0), i);
        start(thread_new(BOOT_SLOT_VSPACE, BOOT_SLOT_CSPACE, clients[i], PRIORITY, 0, 0), i);
    }
    for (unsigned i = 0; i < TURNS; i++) {
        uint64_t rate = turn(info, 1);
        one = rate > one ? rate : one;
        rate = turn(info, 2);
        two = rate > two ? rate : two;
    }
    report("smp.one_pair", one, "calls/s");
    report("smp.two_pairs", two, "calls/s");
    say("bench end\n");
    for (;;)
        status_ignore(sys_recv(done_endpoint, 0, &(struct message){0}, 0));
}
