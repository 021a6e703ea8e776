/* What the engine asks of the system it runs on, beyond libc. One file implements it per
 * system: platform_posix.c for Linux and other POSIX systems.
 *
 * Sizes and addresses are multiples of WASM_PLATFORM_PAGE, except where said. All functions
 * may be called from any thread.
 */
#ifndef WASM_PLATFORM_H
#define WASM_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WASM_PLATFORM_PAGE = 4096 };

/* Reserves `size` bytes of address space that nothing may touch: any access faults. Costs no
 * memory. Linear memories reserve about 8 GiB each. Returns the base, or NULL. */
void *wasm_platform_reserve(size_t size);

/* Makes [at, at + size), inside one reservation, readable and writable. Bytes never committed
 * before read as zero; committing twice keeps contents. False if the system refuses the
 * memory: then nothing has changed. On a system that charges memory it charges here, so that
 * touching a committed page never fails. */
bool wasm_platform_commit(void *at, size_t size);

/* Makes committed pages readable and executable, and never writable again: Pith's memory server
 * refuses that until they are released. Generated code is written to fresh pages and sealed
 * once. False if the system refuses: then nothing has changed. */
bool wasm_platform_seal(void *at, size_t size);

/* Gives a whole reservation back, committed pages included. `size` as reserved. */
void wasm_platform_release(void *at, size_t size);

/* Sleeps for `nanoseconds`; a signal may end it early. Returns what is left of them. */
uint64_t wasm_platform_sleep(uint64_t nanoseconds);

enum wasm_platform_fault_kind {
    WASM_FAULT_MEMORY,     /* an access to what is not there or not allowed */
    WASM_FAULT_ARITHMETIC, /* a division by zero, or whose quotient does not fit */
    WASM_FAULT_OPCODE      /* no such instruction: ud2 */
};

/* What happened, and the registers of the code that faulted; 0 on other processors than x86_64.
 */
struct wasm_platform_fault {
    enum wasm_platform_fault_kind kind;
    const void *address; /* of WASM_FAULT_MEMORY: of the access; else of the instruction */
    uintptr_t ip;
    uintptr_t sp;
    uint64_t r15;
};

/* Runs body(argument) on this thread and returns true when it returns.
 *
 * If meanwhile this thread faults, `owns(argument, fault)` is asked, on this thread, on a stack
 * of its own and with the faulting code interrupted (so it may only read memory, compute, and
 * write to what is its caller's, as *argument); if it answers true, body is abandoned as by
 * longjmp and false is returned. If it answers false, the fault takes its usual course, an
 * enclosing wasm_platform_run first. Calls nest. */
bool wasm_platform_run(void (*body)(void *argument), void *argument,
                       bool (*owns)(void *argument, const struct wasm_platform_fault *fault));

#endif
