/* Between signal.c, which knows actions and masks, and divert.c, which knows how the kernel
 * interrupts a thread. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <pith/abi.h>

/* One signal on its way to its handler. */
struct delivery {
    _Alignas(16) uint8_t fpu[512]; /* FXSAVE image of the interrupted code */
    struct handler_frame frame;
    siginfo_t info;
};

enum verdict {
    VERDICT_DELIVER, /* run the handler, or the default action, now */
    VERDICT_HOLD,    /* later, or never: resume */
    VERDICT_DIE,     /* a fault that nobody handles: let it happen again, unhandled */
};

/* What to do about this signal. Runs on the entry stack: computes and remembers only. */
enum verdict signal_judge(int signal, bool fault) __asm__("__pith_libc_signal_judge");

/* Where its handler wants to run: top of the alternate stack, or 0: below the interrupted. */
uint64_t signal_stack(int signal, uint64_t stack_pointer) __asm__("__pith_libc_signal_stack");

/* Runs the handler; `registers` are the interrupted code's, which it may change, or null. */
void signal_deliver(siginfo_t *info,
                    struct registers *registers) __asm__("__pith_libc_signal_deliver");

/* From now on the kernel sends this thread to divert.c. False: refused. */
bool divert_start(void) __asm__("__pith_libc_divert_start");
