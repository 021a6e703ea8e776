/* How a signal interrupts: the kernel diverts the thread to divert_entry, on a stack of its
 * own, with the interrupted registers in the IPC buffer. The entry never runs a handler
 * itself, for a handler may leave by longjmp: it returns at once, to a trampoline.
 *
 *   interrupted code --kernel--> divert_entry (entry stack)
 *                                   | RETURN with rip = trampoline
 *                                   v
 *                        trampoline (struct delivery on the handler's stack)
 *                                   | saves FPU, signal_deliver(), restores FPU
 *                                   v
 *                        resume() -- RETURN with the saved registers --> interrupted code
 *
 * The kernel's frame area is one per thread: a signal that arrives inside resume(), between
 * filling it and RETURN, would overwrite it. The entry recognises that by the instruction
 * pointer and takes what resume() was about to restore for the interrupted registers.
 *
 * This file is compiled for general registers only: the interrupted FPU state is live here. */
#include <pith/syscall.h>

#include "divert.h"
#include "glue.h"

enum {
    RED_ZONE = 128,
    ENTRY_STACK = 4096,
    FLAGS_PLAIN = 0x202, /* interrupts on, direction up */
};

static _Alignas(16) char entry_stack[ENTRY_STACK];
static struct registers *volatile resuming; /* what resume() restores */

/* The linker's names for the ends of resume()'s section. */
extern const char __start_pith_resume[], __stop_pith_resume[];

static struct handler_frame *kernel_frame(void)
{
    return (struct handler_frame *)ipc_buffer()->registers;
}

static _Noreturn void return_from_kernel_frame(void)
{
    uint64_t x, y, z;
    status_ignore(sys_thread_control(HANDLE_NULL, THREAD_OP_RETURN, 0, 0, &x, &y, &z));
    __builtin_trap(); /* RETURN came back: the registers were refused */
}

__attribute__((noinline, section("pith_resume"))) static _Noreturn void resume(void)
{
    kernel_frame()->saved = *resuming;
    uint64_t x, y, z;
    status_ignore(sys_thread_control(HANDLE_NULL, THREAD_OP_RETURN, 0, 0, &x, &y, &z));
    __builtin_trap();
}

static _Noreturn void trampoline(struct delivery *d)
{
    __builtin_ia32_fxsave64(d->fpu);
    signal_deliver(&d->info, &d->frame.saved);
    __builtin_ia32_fxrstor64(d->fpu);
    resuming = &d->frame.saved;
    resume();
}

static int fault_signal(const struct fault *fault, int *code)
{
    static const struct {
        uint8_t signal, code;
    } map[] = {
        [FAULT_PAGE] = {SIGSEGV, SEGV_MAPERR},
        [FAULT_DIVIDE] = {SIGFPE, FPE_INTDIV},
        [FAULT_DEBUG] = {SIGTRAP, 0},
        [FAULT_BREAKPOINT] = {SIGTRAP, 0},
        [FAULT_OVERFLOW] = {SIGFPE, FPE_INTOVF},
        [FAULT_BOUND] = {SIGSEGV, SEGV_ACCERR},
        [FAULT_OPCODE] = {SIGILL, ILL_ILLOPC},
        [FAULT_NO_FPU] = {SIGILL, ILL_ILLOPC},
        [FAULT_PROTECTION] = {SIGSEGV, SEGV_ACCERR},
        [FAULT_FPU] = {SIGFPE, FPE_FLTINV},
        [FAULT_ALIGNMENT] = {SIGBUS, BUS_ADRALN},
        [FAULT_SIMD] = {SIGFPE, FPE_FLTINV},
        [FAULT_MACHINE] = {SIGBUS, BUS_ADRERR},
    };
    if (fault->kind == FAULT_SIGNAL) {
        *code = SI_USER;
        return fault->code < NSIG ? (int)fault->code : SIGTERM;
    }
    if (fault->kind == 0 || fault->kind > FAULT_MACHINE) {
        *code = 0;
        return SIGSEGV;
    }
    *code = map[fault->kind].code;
    /* Bit 0 of a page fault: the page is there, the access was not allowed. */
    if (fault->kind == FAULT_PAGE && (fault->code & 1)) {
        *code = SEGV_ACCERR;
    }
    return map[fault->kind].signal;
}

/* Sends the thread to the trampoline, with everything it needs on the handler's stack. */
static void arrange(struct handler_frame *frame, int signal, int code)
{
    uint64_t top = signal_stack(signal, frame->saved.rsp);
    if (!top) {
        top = frame->saved.rsp - RED_ZONE;
    }
    struct delivery *d = (struct delivery *)((top - sizeof *d) & ~63ul);
    d->frame = *frame;
    d->info = (siginfo_t){.si_signo = signal, .si_code = code};
    bool addressed = frame->fault.kind == FAULT_PAGE;
    if (frame->fault.kind != FAULT_SIGNAL) {
        d->info.si_addr = (void *)(addressed ? frame->fault.address : frame->fault.ip);
    }
    frame->saved.rip = (uint64_t)trampoline;
    frame->saved.rdi = (uint64_t)d;
    frame->saved.rsp = (uint64_t)d - 8; /* as if called */
    frame->saved.rflags = FLAGS_PLAIN;
}

__attribute__((force_align_arg_pointer)) static _Noreturn void divert_entry(void)
{
    struct handler_frame *frame = kernel_frame();
    if (frame->saved.rip >= (uint64_t)__start_pith_resume &&
        frame->saved.rip < (uint64_t)__stop_pith_resume) {
        frame->saved = *resuming;
    }
    int code, signal = fault_signal(&frame->fault, &code);
    switch (signal_judge(signal, frame->fault.kind != FAULT_SIGNAL)) {
    case VERDICT_DELIVER:
        arrange(frame, signal, code);
        break;
    case VERDICT_HOLD:
        break;
    case VERDICT_DIE: {
        uint64_t x, y, z;
        status_ignore(sys_thread_control(HANDLE_NULL, THREAD_OP_HANDLER, 0, 0, &x, &y, &z));
        break;
    }
    }
    return_from_kernel_frame();
}

bool divert_start(void)
{
    uint64_t x, y, z;
    return sys_thread_control(HANDLE_NULL, THREAD_OP_HANDLER, (uint64_t)divert_entry,
                              (uint64_t)(entry_stack + sizeof entry_stack), &x, &y, &z) == OK;
}
