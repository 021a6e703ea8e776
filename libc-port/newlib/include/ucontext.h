/* What a signal handler with SA_SIGINFO finds behind its third argument: the interrupted
 * registers, by their index in gregs, and the signal mask. Both take effect again when the
 * handler returns. Floating point registers are restored, but not shown. */
#ifndef _UCONTEXT_H
#define _UCONTEXT_H

#include <signal.h>

enum { /* the kernel's order: struct registers */
       REG_RAX,
       REG_RBX,
       REG_RCX,
       REG_RDX,
       REG_RSI,
       REG_RDI,
       REG_RBP,
       REG_RSP,
       REG_R8,
       REG_R9,
       REG_R10,
       REG_R11,
       REG_R12,
       REG_R13,
       REG_R14,
       REG_R15,
       REG_RIP,
       REG_EFL,
       REG_FSBASE,
       NGREG
};

typedef long long greg_t;

typedef struct {
    greg_t gregs[NGREG];
} mcontext_t;

typedef struct ucontext_t {
    struct ucontext_t *uc_link;
    sigset_t uc_sigmask;
    stack_t uc_stack;
    mcontext_t uc_mcontext;
} ucontext_t;

#endif
