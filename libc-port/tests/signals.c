/* Signals: raised, faulted, held back; handlers that return and handlers that jump. */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "test.h"

static volatile sig_atomic_t seen;
static sigjmp_buf escape;
static void *volatile fault_address;

static void count(int signal)
{
    (void)signal;
    seen++;
}

static void jump(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    fault_address = info->si_addr;
    siglongjmp(escape, 1);
}

/* Makes the page accessible and lets the access happen again. Uses SSE and a server. */
static void repair(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    volatile double sum = 0;
    for (int i = 0; i < 10; i++) {
        sum += i * 1.25;
    }
    seen++;
    mprotect((void *)((unsigned long)info->si_addr & ~4095ul), 4096, PROT_READ | PROT_WRITE);
}

static void install(int signal, void (*action)(int, siginfo_t *, void *))
{
    struct sigaction wish = {.sa_sigaction = action, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(signal, &wish, NULL) == 0);
}

static void test_raise(void)
{
    seen = 0;
    CHECK(signal(SIGUSR1, count) == SIG_DFL && raise(SIGUSR1) == 0 && seen == 1);
    CHECK(kill(getpid(), SIGUSR1) == 0 && seen == 2 && kill(getpid(), 0) == 0);
    sigset_t set, pending;
    CHECK(sigemptyset(&set) == 0 && sigaddset(&set, SIGUSR1) == 0);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && raise(SIGUSR1) == 0 && seen == 2);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 && seen == 3);
    CHECK(signal(SIGUSR1, SIG_IGN) == count && raise(SIGUSR1) == 0 && seen == 3);
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
    CHECK_ERROR(kill(0x7ffffff0, SIGTERM), ESRCH);
    CHECK_ERROR(raise(99), EINVAL);
    CHECK_ERROR(sigaction(SIGKILL, &(struct sigaction){.sa_handler = count}, NULL), EINVAL);
    struct sigaction once = {.sa_handler = count, .sa_flags = SA_RESETHAND}, now;
    CHECK(sigaction(SIGUSR2, &once, NULL) == 0 && raise(SIGUSR2) == 0 && seen == 4);
    CHECK(sigaction(SIGUSR2, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
}

static void test_faults(void)
{
    install(SIGSEGV, jump);
    for (int i = 0; i < 3; i++) { /* each time anew */
        volatile int *nowhere = (int *)0x1230;
        if (sigsetjmp(escape, 1) == 0) {
            *nowhere = 1;
            CHECK(!"a write to nowhere went through");
        }
        CHECK(fault_address == (void *)0x1230);
    }
    install(SIGFPE, jump);
    volatile int zero = 0, one = 1;
    volatile bool caught = true;
    if (sigsetjmp(escape, 1) == 0) {
        one /= zero;
        caught = false;
    }
    CHECK(caught);
    install(SIGILL, jump);
    caught = true;
    if (sigsetjmp(escape, 1) == 0) {
        __builtin_trap();
        caught = false;
    }
    CHECK(caught);
    signal(SIGFPE, SIG_DFL);
    signal(SIGILL, SIG_DFL);
}

static void test_repair(void)
{
    install(SIGSEGV, repair);
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANON, -1, 0);
    seen = 0;
    double before[4] = {1.5, 2.5, 3.5, 4.5}, sum = 0;
    for (int i = 0; i < 4; i++) {
        before[i] *= 2; /* live in SSE registers around the fault */
        page[i] = (char)before[i];
        sum += before[i];
    }
    CHECK(seen == 1 && sum == 24 && page[3] == 9);
    CHECK(munmap(page, 4096) == 0);
    signal(SIGSEGV, SIG_DFL);
}

/* The interrupted registers are seen, and changed ones taken over. */
static void skip(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    CHECK(signal == SIGILL && (greg_t)info->si_addr == registers[REG_RIP]);
    CHECK(registers[REG_RBX] == 0x1234);
    registers[REG_RIP] += 2; /* ud2 */
    registers[REG_RBX] = 0x4321;
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
}

static void test_context(void)
{
    install(SIGILL, skip);
    long value = 0x1234;
    __asm__ volatile("ud2" : "+b"(value));
    CHECK(value == 0x4321);
    sigset_t mask;
    CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, SIGUSR2) == 1);
    sigdelset(&mask, SIGUSR2);
    CHECK(sigprocmask(SIG_SETMASK, &mask, NULL) == 0);
    signal(SIGILL, SIG_DFL);
}

/* A stack that is used up can only be told on another one. */
static volatile int depth_limit = 1 << 30;

static int descend(int depth)
{
    volatile char frame[4096];
    frame[0] = (char)depth;
    return depth < depth_limit ? descend(depth + 1) + frame[0] : 0;
}

static void test_stack(void)
{
    static char other[32768];
    stack_t stack = {.ss_sp = other, .ss_size = sizeof other}, old;
    CHECK(sigaltstack(&stack, &old) == 0 && (old.ss_flags & SS_DISABLE));
    struct sigaction wish = {.sa_sigaction = jump, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    CHECK(sigaction(SIGSEGV, &wish, NULL) == 0);
    volatile bool overflowed = true;
    if (sigsetjmp(escape, 1) == 0) {
        descend(0);
        overflowed = false;
    }
    CHECK(overflowed);
    stack.ss_flags = SS_DISABLE;
    CHECK(sigaltstack(&stack, NULL) == 0 && signal(SIGSEGV, SIG_DFL) != SIG_ERR);
}

void test_signals(void)
{
    test_raise();
    test_faults();
    test_repair();
    test_context();
    test_stack();
}
