/// Threads on all CPUs that call, answer and compute, while others on all CPUs move, suspend,
/// cancel, divert and re-rank them at any moment. What a thread has in its registers must
/// survive that, every answer must be the caller's own, and when it is calm everyone must go
/// on.
///
/// Ends with `storm: ... N bad`, then `guest end`.

#include "guest.h"

enum {
    ROUNDS = 5,
    ROUND_MILLISECONDS = 200,
    PRIORITY = 9,
    THREADS_MAX = 4 * BOOT_CPUS,
    CALM_TURNS = 100000
};

/// Which thread does what: 0 and 1 answer, then come a caller, a computer and a tormentor for
/// each CPU. `bad` says what went wrong first.
enum bad {
    BAD_REGISTERS = 1,
    BAD_XMM,
    BAD_FS,
    BAD_ANSWER,
    BAD_QUESTION,
    BAD_COMPUTED,
    BAD_STATUS = 0x100, ///< + enum status
};

enum { SERVERS = 2 };

/// What storm_call loads, makes a system call with, and stores: see the text below.
struct values {
    uint64_t rax, rdi, rsi, rdx, r8, r9, r10, r12, r13, rbx, rbp, r14, r15, xmm, fs, unused;
};

void storm_call(struct values *);
/// Counts from `first` on in 15 registers and an XMM register at once. 0: all agree.
uint64_t storm_compute(uint64_t first, uint64_t times);
void storm_handler(void);

__asm__(".globl storm_call\nstorm_call:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rdi\n"
        "movq 104(%rdi), %xmm7\n"
        "mov 0(%rdi), %rax; mov 16(%rdi), %rsi; mov 24(%rdi), %rdx; mov 32(%rdi), %r8\n"
        "mov 40(%rdi), %r9; mov 48(%rdi), %r10; mov 56(%rdi), %r12; mov 64(%rdi), %r13\n"
        "mov 72(%rdi), %rbx; mov 80(%rdi), %rbp; mov 88(%rdi), %r14; mov 96(%rdi), %r15\n"
        "mov 8(%rdi), %rdi\n"
        "syscall\n"
        "xchg %rdi, (%rsp)\n"
        "mov %rax, 0(%rdi); mov %rsi, 16(%rdi); mov %rdx, 24(%rdi); mov %r8, 32(%rdi)\n"
        "mov %r9, 40(%rdi); mov %r10, 48(%rdi); mov %r12, 56(%rdi); mov %r13, 64(%rdi)\n"
        "mov %rbx, 72(%rdi); mov %rbp, 80(%rdi); mov %r14, 88(%rdi); mov %r15, 96(%rdi)\n"
        "movq %xmm7, 104(%rdi); mov %fs:0, %rax; mov %rax, 112(%rdi)\n"
        "pop %rax; mov %rax, 8(%rdi)\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"

        ".globl storm_compute\nstorm_compute:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "push %rsi; mov %rdi, %rax\n" // (%rsp): what is left to do
        "mov %rax, %rbx; mov %rax, %rcx; mov %rax, %rdx; mov %rax, %rsi; mov %rax, %rbp\n"
        "mov %rax, %r8; mov %rax, %r9; mov %rax, %r10; mov %rax, %r11; mov %rax, %r12\n"
        "mov %rax, %r13; mov %rax, %r14; mov %rax, %r15; movq %rax, %xmm5\n"
        "mov $1, %edi; movq %rdi, %xmm6; movq %xmm5, %rdi\n"
        "1: inc %rax; inc %rbx; inc %rcx; inc %rdx; inc %rsi; inc %rdi; inc %rbp; inc %r8\n"
        "inc %r9; inc %r10; inc %r11; inc %r12; inc %r13; inc %r14; inc %r15\n"
        "paddq %xmm6, %xmm5; decq (%rsp); jnz 1b\n"
        "mov %rax, (%rsp)\n" // now: what all must be
        "xor %rbx, %rax; xor (%rsp), %rcx; or %rcx, %rax; xor (%rsp), %rdx; or %rdx, %rax\n"
        "xor (%rsp), %rsi; or %rsi, %rax; xor (%rsp), %rdi; or %rdi, %rax\n"
        "xor (%rsp), %rbp; or %rbp, %rax; xor (%rsp), %r8; or %r8, %rax\n"
        "xor (%rsp), %r9; or %r9, %rax; xor (%rsp), %r10; or %r10, %rax\n"
        "xor (%rsp), %r11; or %r11, %rax; xor (%rsp), %r12; or %r12, %rax\n"
        "xor (%rsp), %r13; or %r13, %rax; xor (%rsp), %r14; or %r14, %rax\n"
        "xor (%rsp), %r15; or %r15, %rax; movq %xmm5, %rcx; xor (%rsp), %rcx; or %rcx, %rax\n"
        "pop %rcx; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"

        // A diverted thread comes here with any registers, and goes back to where it was.
        ".globl storm_handler\nstorm_handler:\n"
        "lock incq storm_diverted(%rip)\n"
        "mov storm_return(%rip), %rax; xor %edi, %edi; mov storm_return_op(%rip), %rsi\n"
        "syscall\n"
        "ud2\n");

volatile uint64_t storm_diverted;
const uint64_t storm_return = SYSCALL_THREAD_CONTROL, storm_return_op = THREAD_OP_RETURN;

static struct {
    volatile uint64_t done, interrupted, bad, why;
    uint64_t unused[4];
} counts[THREADS_MAX];

static uint32_t threads[THREADS_MAX], thread_count, tormented;
static volatile bool calm;

static void bad(uint64_t which, uint32_t why)
{
    if (!counts[which].bad++)
        counts[which].why = why;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x9e3779b97f4a7c15;
    return x ^ x >> 29;
}

/// Calls for ever; the answer is its words mixed, and the caller's badge.
static void client(uint64_t which, uint64_t caller, uint64_t badge)
{
    for (uint64_t n = which << 32;; n++) {
        uint64_t p = mix(n);
        struct values v = {SYSCALL_CALL,
                           caller,
                           tag_make(n & 0xffff, 6, 0),
                           n,
                           n + 1,
                           n + 2,
                           n + 3,
                           n + 4,
                           n + 5,
                           p + 1,
                           p + 2,
                           p + 3,
                           p + 4,
                           p + 5,
                           0,
                           0};
        storm_call(&v);
        if (v.rbx != p + 1 || v.rbp != p + 2 || v.r14 != p + 3 || v.r15 != p + 4)
            bad(which, BAD_REGISTERS);
        if (v.xmm != p + 5)
            bad(which, BAD_XMM);
        if (v.fs != which)
            bad(which, BAD_FS);
        if (v.rax == E_INTR)
            counts[which].interrupted++;
        else if (v.rax != OK)
            bad(which, BAD_STATUS + (uint32_t)v.rax);
        else if (v.rdx != mix(n) || v.r8 != mix(n + 1) || v.r13 != mix(n + 5) || v.r9 != badge)
            bad(which, BAD_ANSWER);
        counts[which].done += v.rax == OK;
    }
}

static void computer(uint64_t which, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    for (uint64_t n = 0;; n++) {
        if (storm_compute(mix(n), 1000))
            bad(which, BAD_COMPUTED);
        uint64_t fs;
        __asm__ volatile("mov %%fs:0, %0" : "=r"(fs));
        if (fs != which)
            bad(which, BAD_FS);
        counts[which].done++;
    }
}

/// Answers for ever, whatever is done to it.
static void server(uint64_t which, uint64_t endpoint, uint64_t reply)
{
    struct message m = {0};
    enum status status = E_INTR;
    for (;;) {
        if (status != OK)
            status = sys_recv((uint32_t)endpoint, (uint32_t)reply, &m, 0);
        if (status != OK && status != E_INTR)
            bad(which, BAD_STATUS + status);
        if (status != OK)
            continue;
        uint64_t n = m.words[0];
        if (m.words[1] != n + 1 || m.words[2] != n + 2 || m.words[5] != n + 5 ||
            tag_label(m.tag) != (n & 0xffff))
            bad(which, BAD_QUESTION);
        m.words[0] = mix(n);
        m.words[1] = mix(n + 1);
        m.words[2] = m.badge;
        m.words[5] = mix(n + 5);
        m.tag = tag_make(0, 6, 0);
        counts[which].done++;
        status = sys_reply_recv((uint32_t)endpoint, (uint32_t)reply, &m);
    }
}

static void blow(uint64_t which, uint64_t d)
{
    uint32_t victim = threads[(d >> 8) % tormented];
    enum status status = OK;
    switch (d % 16) {
    case 0 ... 5:
        status = thread_do(victim, THREAD_OP_CPU, (d >> 24) % boot()->cpu_count, 0);
        break;
    case 6 ... 7:
        status = thread_do(victim, THREAD_OP_CANCEL, 0, 0);
        break;
    case 8 ... 9:
        status = thread_do(victim, THREAD_OP_SUSPEND, 0, 0);
        status_ignore(thread_do(victim, THREAD_OP_START, 0, 0)); // another may have been first
        break;
    case 10 ... 12:
        status = thread_do(victim, THREAD_OP_DIVERT, 0, 0);
        if (status == E_BUSY || status == E_INVAL) // it is in its handler, or runs here
            status = OK;
        break;
    case 13:
        status = thread_do(victim, THREAD_OP_PRIORITY, PRIORITY - (d >> 24) % 2, 0);
        break;
    case 14:
        status = thread_do(HANDLE_NULL, THREAD_OP_CPU, (d >> 24) % boot()->cpu_count, 0);
        break;
    default:
        status = sys_yield();
    }
    if (status != OK)
        bad(which, BAD_STATUS + status);
}

static void linger(uint64_t turns)
{
    for (; turns; turns--)
        __asm__ volatile("" ::: "memory");
}

static void tormentor(uint64_t which, uint64_t seed, uint64_t c)
{
    (void)c;
    for (uint64_t n = seed << 40;; n++) {
        if (calm) {
            linger(CALM_TURNS); // the lock is for those that are to go on
            status_ignore(sys_yield());
            continue;
        }
        blow(which, mix(mix(n)));
        counts[which].done++;
        linger(mix(n) % 256);
    }
}

static void add(void (*entry)(uint64_t, uint64_t, uint64_t), bool fpu, uint64_t a, uint64_t b)
{
    uint32_t frame = make(KIND_FRAME, PAGE_BITS), which = thread_count;
    uint64_t own = address_take(PAGE);
    MUST(map_at(frame, BOOT_SLOT_VSPACE, own, MAP_READ | MAP_WRITE) == OK);
    *(uint64_t *)own = which;
    struct thread_plan plan = {.entry = entry,
                               .arguments = {which, a, b},
                               .priority = PRIORITY,
                               .fpu = fpu,
                               .fs_base = own};
    struct guest_thread t = thread_make(&plan);
    threads[thread_count++] = t.thread;
    MUST(thread_do(t.thread, THREAD_OP_HANDLER, (uint64_t)storm_handler, 0) == OK);
    MUST(thread_do(t.thread, THREAD_OP_CPU, which % boot()->cpu_count, 0) == OK);
}

static void add_all(void)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), cpus = boot()->cpu_count;
    for (uint32_t i = 0; i < SERVERS; i++)
        add(server, false, endpoint, make(KIND_REPLY, 0));
    for (uint32_t i = 0; i < cpus; i++) {
        add(client, true, caller_make(endpoint, 100 + i), 100 + i);
        add(computer, true, 0, 0);
    }
    tormented = thread_count;
    for (uint32_t i = 0; i < cpus; i++)
        add(tormentor, false, i + 1, 0);
    for (uint32_t i = 0; i < thread_count; i++)
        thread_start(&(struct guest_thread){.thread = threads[i]});
}

static uint64_t interrupted(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < thread_count; i++)
        sum += counts[i].interrupted;
    return sum;
}

/// Some time; and on a slow machine until calls were interrupted and threads diverted in it.
static void rage(void)
{
    uint64_t start = clock(), second = boot()->tsc_hz;
    uint64_t calls = interrupted(), diverted = storm_diverted;
    calm = false;
    while (clock() - start < second / 1000 * ROUND_MILLISECONDS ||
           ((interrupted() == calls || storm_diverted == diverted) &&
            clock() - start < PATIENCE_SECONDS * second))
        status_ignore(sys_yield());
    calm = true;
}

/// A tormentor may have left it suspended or less important.
static void restore(uint32_t i)
{
    status_ignore(thread_do(threads[i], THREAD_OP_START, 0, 0));
    status_ignore(thread_do(threads[i], THREAD_OP_PRIORITY, PRIORITY, 0));
}

/// Whether thread `i` gets on now.
static bool goes_on(uint32_t i)
{
    uint64_t before = counts[i].done, start = clock(), state, time, priority;
    while (counts[i].done == before && clock() - start < boot()->tsc_hz * 60) {
        for (uint32_t server = 0; server < SERVERS; server++) // callers need them
            restore(server);
        restore(i);
        for (uint64_t now = clock();
             counts[i].done == before && clock() - now < boot()->tsc_hz / 4;)
            status_ignore(sys_yield());
    }
    if (counts[i].done != before)
        return true;
    MUST(sys_thread_control(threads[i], THREAD_OP_INFO, 0, 0, &state, &time, &priority) == OK);
    print("storm: thread %u is stuck in state %lu\n", i, state);
    return false;
}

void guest_main(void)
{
    uint64_t done = 0, wrong = 0, y, z;
    MUST(thread_do(HANDLE_NULL, THREAD_OP_PRIORITY, PRIORITY, 0) == OK);
    add_all();
    for (int round = 0; round < ROUNDS; round++) {
        rage();
        for (uint32_t i = SERVERS; i < tormented; i++)
            wrong += !goes_on(i);
        MUST(sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_CHECK, 0, 0, &y, &y, &z) == OK);
    }
    for (uint32_t i = 0; i < thread_count; i++) {
        done += counts[i].done;
        wrong += counts[i].bad;
        if (counts[i].bad)
            print("storm: thread %u: %lu times bad, first %lx\n", i, counts[i].bad,
                  counts[i].why);
    }
    print("storm: %u CPUs, %lu done, %lu interrupted, %lu diverted, %lu bad\nguest end\n",
          boot()->cpu_count, done, interrupted(), storm_diverted, wrong);
    for (;;)
        status_ignore(sys_yield());
}
