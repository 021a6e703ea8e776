/* The platform layer for Linux and other POSIX systems, Pith among them; see
 * wasm/platform.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* the registers' names in ucontext.h */
#endif
#include "wasm/platform.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

void *wasm_platform_reserve(size_t size)
{
    void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

bool wasm_platform_commit(void *at, size_t size)
{
    return size == 0 || mprotect(at, size, PROT_READ | PROT_WRITE) == 0;
}

bool wasm_platform_seal(void *at, size_t size)
{
    return size == 0 || mprotect(at, size, PROT_READ | PROT_EXEC) == 0;
}

void wasm_platform_release(void *at, size_t size)
{
    munmap(at, size);
}

uint64_t wasm_platform_sleep(uint64_t nanoseconds)
{
    const uint64_t SECOND = 1000000000;
    struct timespec time = {(time_t)(nanoseconds / SECOND), (long)(nanoseconds % SECOND)}, left;
    if (nanosleep(&time, &left) == 0)
        return 0;
    return (uint64_t)left.tv_sec * SECOND + (uint64_t)left.tv_nsec;
}

/* One running wasm_platform_run of this thread. */
struct guard {
    sigjmp_buf escape;
    void *argument;
    bool (*owns)(void *argument, const struct wasm_platform_fault *fault);
    struct guard *outer;
};

/* Room for a handler where the thread's own stack may be used up; AVX-512 alone saves 2.5 KiB.
 */
enum { HANDLER_STACK = 32768 };

static _Thread_local struct guard *innermost;
static _Thread_local _Alignas(16) char handler_stack[HANDLER_STACK];

static const struct {
    int number;
    enum wasm_platform_fault_kind kind;
} FAULTS[] = {{SIGSEGV, WASM_FAULT_MEMORY},
              {SIGBUS, WASM_FAULT_MEMORY},
              {SIGFPE, WASM_FAULT_ARITHMETIC},
              {SIGILL, WASM_FAULT_OPCODE}};
enum { FAULT_COUNT = sizeof FAULTS / sizeof *FAULTS };
static struct sigaction previous[FAULT_COUNT];

/* Whether a process sent the signal, rather than an instruction. */
static bool sent(const siginfo_t *info)
{
#if defined(SI_TKILL)
    if (info->si_code == SI_TKILL)
        return true;
#endif
    return info->si_code == SI_USER || info->si_code == SI_QUEUE;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    unsigned which = 0;
    while (FAULTS[which].number != number)
        which++;
    struct wasm_platform_fault fault = {.kind = FAULTS[which].kind, .address = info->si_addr};
#if defined(__x86_64__)
    const greg_t *registers = ((const ucontext_t *)context)->uc_mcontext.gregs;
    fault.ip = (uintptr_t)registers[REG_RIP];
    fault.sp = (uintptr_t)registers[REG_RSP];
    fault.r15 = (uint64_t)registers[REG_R15];
#else
    (void)context;
#endif
    for (struct guard *g = sent(info) ? NULL : innermost; g; g = g->outer) {
        if (g->owns(g->argument, &fault)) {
            innermost = g;
            siglongjmp(g->escape, 1);
        }
    }
    /* Not ours: with the former handler back in place, the instruction faults again. */
    sigaction(number, &previous[which], NULL);
    if (sent(info))
        raise(number);
}

static void install_handlers(void)
{
    struct sigaction action, found;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    /* SA_NODEFER: leaving by siglongjmp need not restore the mask. */
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        sigaction(FAULTS[i].number, &action, &found);
        if (!(found.sa_flags & SA_SIGINFO) || found.sa_sigaction != on_fault)
            previous[i] = found;
    }
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack}, installed;
    if (sigaltstack(NULL, &installed) == 0 && installed.ss_flags & SS_DISABLE)
        sigaltstack(&stack, NULL);
}

bool wasm_platform_run(void (*body)(void *argument), void *argument,
                       bool (*owns)(void *argument, const struct wasm_platform_fault *fault))
{
    if (!innermost) /* every time, since others install theirs too */
        install_handlers();
    struct guard g = {.argument = argument, .owns = owns, .outer = innermost};
    if (sigsetjmp(g.escape, 0) != 0) {
        innermost = g.outer;
        return false;
    }
    innermost = &g;
    body(argument);
    innermost = g.outer;
    return true;
}
