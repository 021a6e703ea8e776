/// Threads on all CPUs that call, compute and keep count, while others on all CPUs move,
/// suspend, cancel, divert and re-rank them at any moment, each other included. What a thread
/// has in its registers must survive that, every answer must be the caller's own, and when the
/// storm is over everyone must go on.
///
/// Ends with `storm: N calls, N computed, N blows, N bad`, then `guest end`.

#include "guest.h"

enum { ROUNDS = 40, ROUND_MICROSECONDS = 100000, PRIORITY = 10, SERVERS = 2, THREADS_MAX = 40 };

/// What storm_call loads, makes a system call with, and stores: see the text below.
struct values {
    uint64_t rax, rdi, rsi, rdx, r8, r9, r10, r12, r13, rbx, rbp, r14, r15, xmm, fs, unused;
};

void storm_call(struct values *);
/// Adds 1 to each of 14 registers and an XMM register `times` times; what is left in the values
/// must all be first + times. Returns how many are not.
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

uint64_t storm_diverted;
const uint64_t storm_return = SYSCALL_THREAD_CONTROL, storm_return_op = THREAD_OP_RETURN;

static struct {
    volatile uint64_t done, bad, interrupted, why;
    uint64_t unused[4];
} counts[THREADS_MAX];

static uint32_t threads[THREADS_MAX], thread_count, tormented;
static volatile uint64_t blows, calm;
static uint32_t status_seen[256];

static void bad(uint64_t which, uint64_t why)
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

/// Calls for ever; the answer is its words mixed.
static void client(uint64_t which, uint64_t caller, uint64_t c)
{
    (void)c;
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
            bad(which, 1);
        if (v.xmm != p + 5)
            bad(which, 2);
        if (v.fs != which)
            bad(which, 3);
        if (v.rax == OK) {
            if (v.rdx != mix(n) || v.r8 != mix(n + 1) || v.r13 != mix(n + 5) || v.r9 != caller)
                bad(which, 4);
            counts[which].done++;
        } else {
            if (v.rax != E_INTR)
                bad(which, 0x100 + v.rax);
            counts[which].interrupted++;
        }
        if (n % 16 == 0 && storm_compute(p, 300))
            bad(which, 5);
    }
}

static void computer(uint64_t which, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    for (uint64_t n = 0;; n++) {
        if (storm_compute(mix(n), 1000))
            bad(which, 6);
        uint64_t fs;
        __asm__ volatile("mov %%fs:0, %0" : "=r"(fs));
        if (fs != which)
            bad(which, 7);
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
        if (status == E_BUSY) // a call came, but we were told E_INTR? Never.
            bad(which, 8);
        if (status != OK && status != E_INTR)
            bad(which, 0x200 + status);
        if (status != OK)
            continue;
        uint64_t n = m.words[0];
        if (m.words[1] != n + 1 || m.words[2] != n + 2 || m.words[5] != n + 5 ||
            tag_label(m.tag) != (n & 0xffff))
            bad(which, 9);
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
    uint64_t x, y, z;
    switch (d % 16) {
    case 0 ... 4:
        status_ignore(thread_do(victim, THREAD_OP_CPU, (d >> 24) % boot()->cpu_count, 0));
        break;
    case 5 ... 6:
        status_ignore(thread_do(victim, THREAD_OP_CANCEL, 0, 0));
        break;
    case 7 ... 8:
        status_ignore(thread_do(victim, THREAD_OP_SUSPEND, 0, 0));
        status_ignore(thread_do(victim, THREAD_OP_START, 0, 0));
        break;
    case 9 ... 11: {
        enum status s = thread_do(victim, THREAD_OP_DIVERT, 0, 0);
        if (s != OK && s != E_BUSY && s != E_INVAL)
            bad(which, 0x300 + s);
        break;
    }
    case 12:
        status_ignore(thread_do(victim, THREAD_OP_PRIORITY, PRIORITY - 1 + (d >> 24) % 2, 0));
        break;
    case 13:
        status_ignore(thread_do(threads[tormented + (d >> 24) % (thread_count - tormented)],
                                THREAD_OP_CPU, (d >> 40) % boot()->cpu_count, 0));
        break;
    case 14:
        status_ignore(sys_thread_control(victim, THREAD_OP_INFO, 0, 0, &x, &y, &z));
        break;
    default:
        status_ignore(sys_yield());
    }
}

static void tormentor(uint64_t which, uint64_t seed, uint64_t c)
{
    (void)c;
    for (uint64_t n = seed << 40;; n++) {
        if (calm) {
            status_ignore(sys_yield());
            continue;
        }
        blow(which, mix(mix(n)));
        counts[which].done++;
        for (uint64_t i = mix(n) % 256; i; i--)
            __asm__ volatile("" ::: "memory");
    }
}

static uint32_t add(void (*entry)(uint64_t, uint64_t, uint64_t), uint64_t a, uint64_t b,
                    uint32_t vspace)
{
    uint32_t frame = make(KIND_FRAME, PAGE_BITS), which = thread_count;
    uint64_t tls = address_take(PAGE);
    MUST(map_at(frame, BOOT_SLOT_VSPACE, tls, MAP_READ | MAP_WRITE) == OK);
    *(uint64_t *)tls = which;
    struct guest_thread t = thread_make(&(struct thread_plan){.entry = entry,
                                                              .arguments = {which, a, b},
                                                              .priority = PRIORITY - 1,
                                                              .fpu = which % 3 != 2,
                                                              .fs_base = tls,
                                                              .vspace = vspace});
    threads[thread_count++] = t.thread;
    MUST(thread_do(t.thread, THREAD_OP_HANDLER, (uint64_t)storm_handler, 0) == OK);
    MUST(thread_do(t.thread, THREAD_OP_CPU, which % boot()->cpu_count, 0) == OK);
    return which;
}

static void wait_for(uint64_t microseconds)
{
    uint64_t start = clock(), ticks = boot()->tsc_hz / 1000000 * microseconds;
    while (clock() - start < ticks)
        status_ignore(sys_yield());
}

/// Everyone gets on; those who were left suspended are started.
static uint32_t stuck(void)
{
    uint64_t before[THREADS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < tormented; i++) {
        before[i] = counts[i].done;
        status_ignore(thread_do(threads[i], THREAD_OP_START, 0, 0));
        status_ignore(thread_do(threads[i], THREAD_OP_PRIORITY, PRIORITY - 1, 0));
    }
    for (uint32_t i = 0; i < tormented; i++) {
        uint64_t start = clock();
        while (counts[i].done == before[i] && clock() - start < boot()->tsc_hz * 10)
            status_ignore(thread_do(HANDLE_NULL, THREAD_OP_CPU, i % boot()->cpu_count, 0)),
                status_ignore(sys_yield());
        if (counts[i].done == before[i] && i >= SERVERS) {
            uint64_t state, time, priority;
            status_ignore(
                sys_thread_control(threads[i], THREAD_OP_INFO, 0, 0, &state, &time, &priority));
            print("storm: thread %u is stuck, state %lu\n", i, state);
            count++;
        }
    }
    return count;
}

void guest_main(void)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), cpus = boot()->cpu_count;
    uint64_t objects, y, z, total[3] = {0}, wrong = 0;
    MUST(thread_do(HANDLE_NULL, THREAD_OP_PRIORITY, PRIORITY - 1, 0) == OK);
    for (uint32_t i = 0; i < SERVERS; i++)
        add(server, endpoint, make(KIND_REPLY, 0), 0);
    while (thread_count % 3 == 2)
        add(server, endpoint, make(KIND_REPLY, 0), 0);
    uint32_t first_client = thread_count;
    for (uint32_t i = 0; i < cpus + 1; i++) {
        while (thread_count % 3 == 2)
            add(server, endpoint, make(KIND_REPLY, 0), 0);
        uint32_t caller = caller_make(endpoint, 1);
        MUST(sys_cap_delete(BOOT_SLOT_CSPACE, caller) == OK);
        MUST(sys_cap_copy(BOOT_SLOT_CSPACE, caller, endpoint, DERIVE_CALL, caller, 0) == OK);
        add(client, caller, 0, 0);
    }
    for (uint32_t i = 0; i < cpus; i++) {
        while (thread_count % 3 == 2)
            add(server, endpoint, make(KIND_REPLY, 0), 0);
        add(computer, 0, 0, 0);
    }
    tormented = thread_count;
    for (uint32_t i = 0; i < cpus; i++)
        add(tormentor, i + 1, 0, 0);
    print("storm: %u CPUs, %u threads, first client %u, tormented %u\n", cpus, thread_count,
          first_client, tormented);
    for (uint32_t i = 0; i < thread_count; i++)
        MUST(thread_do(threads[i], THREAD_OP_START, 0, 0) == OK);
    for (int round = 0; round < ROUNDS; round++) {
        calm = 0;
        wait_for(ROUND_MICROSECONDS);
        calm = 1;
        wait_for(ROUND_MICROSECONDS / 5);
        wrong += stuck();
        MUST(sys_debug(BOOT_SLOT_DEBUG, DEBUG_OP_CHECK, 0, 0, &objects, &y, &z) == OK);
    }
    for (uint32_t i = 0; i < thread_count; i++) {
        wrong += counts[i].bad;
        total[i < first_client || i >= tormented ? 2 : 0] += counts[i].done;
        total[1] += counts[i].interrupted;
        if (counts[i].bad)
            print("storm: thread %u: %lu times bad, first %lx\n", i, counts[i].bad,
                  counts[i].why);
    }
    (void)blows, (void)status_seen;
    print("storm: %lu done, %lu interrupted, %lu blows and served, %lu diverted, %lu bad\n",
          total[0], total[1], total[2], storm_diverted, wrong);
    print("guest end\n");
    for (;;)
        status_ignore(sys_yield());
}
