/* The platform layer for Linux and other POSIX systems; see wasm/platform.h. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include "wasm/platform.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

void *wasm_platform_reserve(size_t size)
{
    void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

bool wasm_platform_commit(void *at, size_t size)
{
    return size == 0 || mprotect(at, size, PROT_READ | PROT_WRITE) == 0;
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
    bool (*owns)(void *argument, const void *address);
    struct guard *outer;
};

static _Thread_local struct guard *innermost;
static struct sigaction previous_segv, previous_bus;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    for (struct guard *g = innermost; g; g = g->outer) {
        if (g->owns(g->argument, info->si_addr)) {
            innermost = g;
            siglongjmp(g->escape, 1);
        }
    }
    /* Not ours: with the former handler back in place, the access faults again. */
    sigaction(signal, signal == SIGSEGV ? &previous_segv : &previous_bus, NULL);
}

static void install_handler(int signal, struct sigaction *previous)
{
    struct sigaction action, found;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    /* SA_NODEFER: leaving by siglongjmp need not restore the mask. */
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, &found);
    if (!(found.sa_flags & SA_SIGINFO) || found.sa_sigaction != on_fault)
        *previous = found;
}

bool wasm_platform_run(void (*body)(void *argument), void *argument,
                       bool (*owns)(void *argument, const void *address))
{
    if (!innermost) { /* every time, since others install theirs too */
        install_handler(SIGSEGV, &previous_segv);
        install_handler(SIGBUS, &previous_bus);
    }
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
