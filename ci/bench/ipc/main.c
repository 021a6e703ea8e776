// Measures the kernel's paths in instructions, user to user, with raw stubs. Booted in place of
// init by the kernel that ships; under -icount shift=0 one TSC tick is one instruction.
//
// With `trace` on the command line it waits for a byte on the serial line, and makes few
// rounds; with `pairs` it measures pairs.c's.
//
// Each figure is the median of ROUNDS single rounds between two RDTSC, less what two RDTSC with
// nothing between them count. The other side of each IPC lives in another address space.
#include "guest.h"
#include "longest.h"
#include "pairs.h"
#include "stub.h"

enum { ROUNDS = 10000, TRACED_ROUNDS = 15, PRIORITY = 40 };

static uint64_t rounds = ROUNDS, samples[ROUNDS];
static uint64_t nothing; // what an empty round counts

// Handles that both spaces know: set before the space is cloned.
static uint32_t endpoint, server_reply, signal_endpoint, signaller, fault_endpoint, fault_reply;
static uint32_t done_endpoint, done_signal;

static inline uint64_t now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/// Shell sort: no libc here.
static void sort(uint64_t *at, uint64_t count)
{
    for (uint64_t gap = count / 2; gap; gap /= 2)
        for (uint64_t i = gap; i < count; i++)
            for (uint64_t j = i; j >= gap && at[j - gap] > at[j]; j -= gap) {
                uint64_t swap = at[j];
                at[j] = at[j - gap];
                at[j - gap] = swap;
            }
}

static uint64_t median(uint64_t count)
{
    sort(samples, count);
    uint64_t middle = samples[count / 2];
    return middle > nothing ? middle - nothing : 0;
}

/// Measures a statement, `count` times.
#define MEASURE(name, count, ...)                                                              \
    do {                                                                                       \
        for (uint64_t round = 0; round < (count); round++) {                                   \
            uint64_t start = now();                                                            \
            __VA_ARGS__;                                                                       \
            samples[round] = now() - start;                                                    \
        }                                                                                      \
        report(name, median(count), "instructions");                                           \
    } while (0)

/// One call with the least a caller can do: six words in registers, whatever they are.
static inline uint64_t raw(uint64_t number, uint64_t target, uint64_t tag)
{
    register uint64_t r8 __asm__("r8"), r9 __asm__("r9"), r10 __asm__("r10");
    register uint64_t r12 __asm__("r12"), r13 __asm__("r13");
    uint64_t rdx;
    __asm__ volatile("syscall"
                     : "+a"(number), "+D"(target), "+S"(tag), "=d"(rdx), "=r"(r8), "=r"(r9),
                       "=r"(r10), "=r"(r12), "=r"(r13)
                     :
                     : "rcx", "r11", "memory");
    return tag;
}

/// The end of a thread that run() started.
static void finish(void)
{
    uint64_t x, y, z;
    raw(SYSCALL_SIGNAL, done_signal, 0);
    status_ignore(sys_thread_control(HANDLE_NULL, THREAD_OP_SUSPEND, 0, 0, &x, &y, &z));
}

/// Answers each call with as many words as it brought.
static void server(void)
{
    uint64_t target = endpoint | (uint64_t)server_reply << 32;
    raw(SYSCALL_RECV, target, 0);
    for (;;)
        raw(SYSCALL_REPLY_RECV, target, 0);
}

static void server_8(void)
{
    uint64_t target = endpoint | (uint64_t)server_reply << 32;
    raw(SYSCALL_RECV, target, 0);
    for (;;)
        raw(SYSCALL_REPLY_RECV, target, 8);
}

static void touch_fpu(void)
{
    __asm__ volatile("fld1; faddp" ::: "memory");
}

static void server_fpu(void)
{
    uint64_t target = endpoint | (uint64_t)server_reply << 32;
    __asm__ volatile("fld1; fld1");
    raw(SYSCALL_RECV, target, 0);
    for (;;) {
        touch_fpu();
        raw(SYSCALL_REPLY_RECV, target, 0);
    }
}

static void client_fpu(void)
{
    __asm__ volatile("fld1; fld1");
    for (uint64_t round = 0; round < rounds; round++) {
        touch_fpu();
        uint64_t start = now();
        raw(SYSCALL_CALL, endpoint, 0);
        samples[round] = now() - start;
    }
    finish();
}

static void waiter(void)
{
    for (;;)
        raw(SYSCALL_RECV, signal_endpoint, 0);
}

static void handler(void)
{
    uint64_t target = fault_endpoint | (uint64_t)fault_reply << 32;
    raw(SYSCALL_RECV, target, 0);
    for (;;) {
        register uint64_t action __asm__("rdx") = FAULT_ACTION_RETRY;
        uint64_t number = SYSCALL_REPLY_RECV, to = target, tag = 1;
        __asm__ volatile("syscall"
                         : "+a"(number), "+D"(to), "+S"(tag), "+d"(action)
                         :
                         : "rcx", "r11", "r8", "r9", "r10", "r12", "r13", "memory");
    }
}

/// A breakpoint's address is behind the instruction, so that RETRY goes on.
static void faulter(void)
{
    for (uint64_t round = 0; round < rounds; round++) {
        uint64_t start = now();
        __asm__ volatile("int3" ::: "memory");
        samples[round] = now() - start;
    }
    finish();
}

static void bench_round_trips(uint32_t other)
{
    uint64_t x, y, z;
    struct guest s = thread_new(other, BOOT_SLOT_CSPACE, server, PRIORITY, 0, 0);
    thread_start(s.thread);
    status_ignore(sys_yield());
    MEASURE("ipc.roundtrip.0", rounds, raw(SYSCALL_CALL, endpoint, 0));
    uint64_t tag = 4, a = 1, b = 2, c = 3, d = 4;
    MEASURE("ipc.roundtrip.4", rounds, tag = 4;
            status_ignore(sys_call_4(endpoint, &tag, &a, &b, &c, &d)));
    must(sys_thread_control(s.thread, THREAD_OP_SUSPEND, 0, 0, &x, &y, &z), "suspend");
    s = thread_new(other, BOOT_SLOT_CSPACE, server_8, PRIORITY, 0, 0);
    thread_start(s.thread);
    MEASURE("ipc.roundtrip.8", rounds, raw(SYSCALL_CALL, endpoint, 8));
    must(sys_thread_control(s.thread, THREAD_OP_SUSPEND, 0, 0, &x, &y, &z), "suspend");
}

static void bench_stubs(uint32_t other)
{
    uint64_t x, y, z;
    struct guest s = thread_new(other, BOOT_SLOT_CSPACE, stub_server, PRIORITY, 0, 0);
    thread_start(s.thread);
    stub_client();
    MEASURE("ipc.stub.roundtrip.0", rounds, status_ignore(stub_nothing()));
    MEASURE("ipc.stub.roundtrip.4", rounds, status_ignore(stub_four()));
    must(sys_thread_control(s.thread, THREAD_OP_SUSPEND, 0, 0, &x, &y, &z), "suspend");
}

/// Runs a thread of this space until it signals that it is done.
static void run(void (*entry)(void), uint32_t fault, uint32_t options)
{
    struct message message = {0};
    struct guest client =
        thread_new(BOOT_SLOT_VSPACE, BOOT_SLOT_CSPACE, entry, PRIORITY, fault, options);
    thread_start(client.thread);
    must(sys_recv(done_endpoint, 0, &message, 0), "recv");
}

static void bench_fpu(uint32_t other)
{
    uint64_t x, y, z;
    struct guest s =
        thread_new(other, BOOT_SLOT_CSPACE, server_fpu, PRIORITY, 0, THREAD_OPTION_FPU);
    thread_start(s.thread);
    run(client_fpu, 0, THREAD_OPTION_FPU);
    report("ipc.roundtrip.fpu", median(rounds), "instructions");
    must(sys_thread_control(s.thread, THREAD_OP_SUSPEND, 0, 0, &x, &y, &z), "suspend");
}

static void bench_signals(uint32_t waits)
{
    uint64_t x, y, z;
    MEASURE("ipc.signal", rounds, raw(SYSCALL_SIGNAL, signaller, 0));
    thread_start(waits);
    MEASURE("ipc.signal_wake", rounds, raw(SYSCALL_SIGNAL, signaller, 0));
    must(sys_thread_control(waits, THREAD_OP_SUSPEND, 0, 0, &x, &y, &z), "suspend");
}

static void bench_fault(uint32_t other)
{
    struct guest h = thread_new(other, BOOT_SLOT_CSPACE, handler, PRIORITY, 0, 0);
    thread_start(h.thread);
    uint32_t cap = slot_new();
    must(sys_cap_copy(HANDLE_NULL, cap, fault_endpoint, DERIVE_CALL, 7, 0), "mint");
    run(faulter, cap, 0);
    report("ipc.fault", median(rounds), "instructions");
}

static void bench_map(void)
{
    enum { MOST = 500 };
    uint64_t pages = rounds < MOST ? rounds : MOST;
    const uint64_t base = 0x30000000;
    static uint64_t unmap[MOST];
    uint32_t frame = object_new(KIND_FRAME, PAGE_BITS);
    frame_map(frame, BOOT_SLOT_VSPACE, base, MAP_READ);
    must(sys_unmap(frame), "unmap");
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t missing, start = now();
        must(sys_map(frame, BOOT_SLOT_VSPACE, base + i * 4096, MAP_READ | MAP_WRITE, &missing),
             "map");
        uint64_t middle = now();
        must(sys_unmap(frame), "unmap");
        unmap[i] = now() - middle;
        samples[i] = middle - start;
    }
    report("ipc.map", median(pages), "instructions");
    for (uint64_t i = 0; i < pages; i++)
        samples[i] = unmap[i];
    report("ipc.unmap", median(pages), "instructions");
}

/// A thread and its buffer from untyped memory, until it is ready.
static void bench_thread_create(void)
{
    uint64_t threads = rounds < 100 ? rounds : 100;
    struct ipc_buffer *mine = (struct ipc_buffer *)BOOT_BUFFER_ADDRESS;
    struct registers *registers = (struct registers *)mine->registers;
    *registers = (struct registers){.rip = (uint64_t)waiter, .rsp = 0x1000};
    uint32_t part = object_new(KIND_UNTYPED, 16), thread = slot_new(), buffer = slot_new();
    uint64_t x, y, z;
    for (uint64_t i = 0; i < threads; i++) {
        uint64_t start = now();
        must(sys_retype(part, KIND_FRAME, PAGE_BITS, 1, HANDLE_NULL, buffer), "retype");
        must(sys_retype(part, KIND_THREAD, 0, 1, HANDLE_NULL, thread), "retype");
        must(sys_thread_configure(thread, BOOT_SLOT_CSPACE, BOOT_SLOT_VSPACE, buffer, 0, 0, 0),
             "configure");
        must(sys_thread_registers(thread, 1), "registers");
        must(sys_thread_control(thread, THREAD_OP_START, 0, 0, &x, &y, &z), "start");
        samples[i] = now() - start;
        enum status status;
        while ((status = sys_cap_revoke(HANDLE_NULL, part)) == E_MORE)
            ;
        must(status, "revoke");
    }
    report("ipc.thread_create", median(threads), "instructions");
}

static void make_endpoints(void)
{
    endpoint = object_new(KIND_ENDPOINT, 0);
    server_reply = object_new(KIND_REPLY, 0);
    signal_endpoint = object_new(KIND_ENDPOINT, 0);
    fault_endpoint = object_new(KIND_ENDPOINT, 0);
    fault_reply = object_new(KIND_REPLY, 0);
    done_endpoint = object_new(KIND_ENDPOINT, 0);
    signaller = slot_new();
    done_signal = slot_new();
    must(sys_cap_copy(HANDLE_NULL, signaller, signal_endpoint, DERIVE_SIGNAL, 1, 0), "mint");
    must(sys_cap_copy(HANDLE_NULL, done_signal, done_endpoint, DERIVE_SIGNAL, 1, 0), "mint");
}

static void check_invariants(void)
{
    uint64_t seen, y, z;
    must(sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_CHECK, 0, 0, &seen, &y, &z), "check");
    report("kernel.slots_checked", seen, "slots");
}

/// Lets the host get ready, and returns when it has sent a byte.
static void await_host(void)
{
    enum { COM1 = 0x3f8, LINE_STATUS = COM1 + 5, HAS_DATA = 1 };
    uint64_t value = 0;
    say("bench ready\n");
    while (!(value & HAS_DATA))
        must(sys_ioport(BOOT_SLOT_IOPORT, IO_BYTE, LINE_STATUS, 0, &value), "ioport");
    rounds = TRACED_ROUNDS;
}

/// The word of the command line that says what to do.
static char wanted(const struct boot_info *info)
{
    const char *at = info->command_line;
    while (*at && *at != ' ')
        at++;
    return *at ? at[1] : at == info->command_line ? 0 : info->command_line[0];
}

_Noreturn void _start(const struct boot_info *info);

_Noreturn void _start(const struct boot_info *info)
{
    uint64_t x, y, z;
    guest_start(info);
    report("tsc_hz", info->tsc_hz, "Hz");
    if (wanted(info) == 'p')
        bench_pairs(info);
    if (wanted(info) == 't')
        await_host();
    make_endpoints();
    stub_prepare();
    uint32_t other = space_clone();
    struct guest w = thread_new(other, BOOT_SLOT_CSPACE, waiter, PRIORITY + 1, 0, 0);
    must(sys_thread_control(HANDLE_NULL, THREAD_OP_PRIORITY, PRIORITY, 0, &x, &y, &z),
         "priority");
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t start = now();
        samples[i] = now() - start;
    }
    nothing = median(rounds);
    MEASURE("ipc.null", rounds, raw(SYSCALL_COUNT, 0, 0));
    MEASURE("ipc.yield", rounds, raw(SYSCALL_YIELD, 0, 0));
    bench_round_trips(other);
    bench_stubs(other);
    bench_fpu(other);
    bench_signals(w.thread);
    bench_fault(other);
    bench_map();
    bench_thread_create();
    if (rounds == ROUNDS)
        bench_longest();
    check_invariants();
    say("bench end\n");
    for (;;)
        raw(SYSCALL_RECV, done_endpoint, 0);
}
