/* Signals: actions, masks, and when a handler runs. `process` is told which signals are caught
 * (it then diverts the thread, see divert.c) and which ignored; for all others it carries out
 * the default action itself. Blocked signals count as caught and wait in `pending`.
 *
 * Inside a conversation with a server (`conversations` above 0) handlers wait for its end; a
 * server call that waits ends with E_INTR when a signal arrives. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include <proto/process.h>
#include <proto/timer.h>

#include "divert.h"
#include "glue.h"

#define BIT(signal) (1ul << (signal))

static struct sigaction actions[NSIG];
static volatile sigset_t blocked, pending;
static volatile int conversations;
static volatile bool delivered;   /* a handler ran since the conversation began ... */
static volatile bool interrupted; /* ... and one of them without SA_RESTART */
static stack_t alternate = {.ss_flags = SS_DISABLE};

static bool valid(int signal)
{
    if (signal > 0 && signal < NSIG) {
        return true;
    }
    errno = EINVAL;
    return false;
}

static bool ignored_by_default(int signal)
{
    return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

static bool is_ignored(int signal)
{
    _sig_func_ptr handler = actions[signal].sa_handler;
    return handler == SIG_IGN || (handler == SIG_DFL && ignored_by_default(signal));
}

/* Tells `process` and the kernel what follows from actions and mask, if that has changed. */
static enum status announce(void)
{
    static uint64_t caught_now, ignored_now;
    static bool diverting;
    uint64_t caught = 0, ignored = 0;
    bool faults = false;
    for (int signal = 1; signal < NSIG; signal++) {
        _sig_func_ptr handler = actions[signal].sa_handler;
        bool handled = handler != SIG_DFL && handler != SIG_IGN;
        ignored |= handler == SIG_IGN ? BIT(signal) : 0;
        caught |= handled || (blocked & BIT(signal) && handler != SIG_IGN) ? BIT(signal) : 0;
        faults |= handled;
    }
    if ((caught || faults) && !diverting) {
        if (!divert_start()) {
            return E_NOTSUP;
        }
        diverting = true;
    }
    if (caught == caught_now && ignored == ignored_now) {
        return OK;
    }
    enum status status = process_signal_mask(session_to(STARTUP_SLOT_PROCESS), caught, ignored);
    if (status == OK) {
        caught_now = caught;
        ignored_now = ignored;
    }
    return status;
}

/* Ends the process by this signal, whatever was arranged for it. */
static _Noreturn void die(int signal)
{
    struct session *process = session_to(STARTUP_SLOT_PROCESS);
    status_ignore(process_signal_mask(process, 0, 0));
    status_ignore(process_kill(process, startup_block->pid, 0, (uint32_t)signal));
    _exit(128 + signal);
}

enum verdict signal_judge(int signal, bool fault)
{
    _sig_func_ptr handler = actions[signal].sa_handler;
    if (fault) {
        bool handled = handler != SIG_DFL && handler != SIG_IGN && !(blocked & BIT(signal));
        return handled ? VERDICT_DELIVER : VERDICT_DIE;
    }
    if (is_ignored(signal)) {
        return VERDICT_HOLD;
    }
    if (conversations || (blocked & BIT(signal))) {
        pending |= BIT(signal);
        return VERDICT_HOLD;
    }
    return VERDICT_DELIVER;
}

uint64_t signal_stack(int signal, uint64_t stack_pointer)
{
    uint64_t base = (uint64_t)alternate.ss_sp;
    if (!(actions[signal].sa_flags & SA_ONSTACK) || (alternate.ss_flags & SS_DISABLE) ||
        (stack_pointer > base && stack_pointer <= base + alternate.ss_size)) {
        return 0;
    }
    return base + alternate.ss_size;
}

/* Calls the handler with the interrupted registers and mask, and takes over what it makes of
 * them. A signal that was held back interrupted nothing: its registers read 0. */
static void handle(const struct sigaction *action, siginfo_t *info, struct registers *registers,
                   sigset_t before)
{
    if (!(action->sa_flags & SA_SIGINFO)) {
        action->sa_handler(info->si_signo);
        blocked = before;
        return;
    }
    _Static_assert(sizeof(struct registers) == sizeof(mcontext_t),
                   "mcontext_t is the kernel's");
    ucontext_t context = {.uc_sigmask = before, .uc_stack = alternate};
    if (registers) {
        memcpy(&context.uc_mcontext, registers, sizeof *registers);
    }
    action->sa_sigaction(info->si_signo, info, &context);
    if (registers) {
        memcpy(registers, &context.uc_mcontext, sizeof *registers);
    }
    blocked = context.uc_sigmask;
}

void signal_deliver(siginfo_t *info, struct registers *registers)
{
    int signal = info->si_signo;
    struct sigaction action = actions[signal];
    if (is_ignored(signal)) {
        return;
    }
    if (action.sa_handler == SIG_DFL) {
        die(signal);
    }
    int error = errno, talking = conversations;
    sigset_t before = blocked;
    blocked |= action.sa_mask | (action.sa_flags & SA_NODEFER ? 0 : BIT(signal));
    if (action.sa_flags & SA_RESETHAND) {
        actions[signal].sa_handler = SIG_DFL;
        status_ignore(announce());
    }
    conversations = 0; /* a handler that leaves by longjmp leaves the conversation too */
    handle(&action, info, registers, before);
    conversations = talking;
    delivered = true;
    interrupted |= !(action.sa_flags & SA_RESTART);
    errno = error;
}

/* Runs what became due while it was held back. */
static void run_pending(void)
{
    for (int signal = 1; signal < NSIG; signal++) {
        if (pending & ~blocked & BIT(signal)) {
            pending &= ~BIT(signal);
            siginfo_t info = {.si_signo = signal, .si_code = SI_USER};
            signal_deliver(&info, NULL);
        }
    }
}

void libc_enter(void)
{
    if (conversations++ == 0) {
        delivered = interrupted = false;
    }
}

int libc_leave(enum status status)
{
    if (--conversations == 0 && (pending & ~blocked)) {
        run_pending();
    }
    return status == OK ? 0 : libc_fail(status);
}

bool libc_restart(void)
{
    return errno == EINTR && delivered && !interrupted;
}

int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
    if (!valid(signal)) {
        return -1;
    }
    struct sigaction before = actions[signal];
    if (action) {
        if (signal == SIGKILL || signal == SIGSTOP) {
            errno = EINVAL;
            return -1;
        }
        libc_enter();
        actions[signal] = *action;
        enum status status = announce();
        if (status != OK) {
            actions[signal] = before;
        } else if (is_ignored(signal)) {
            pending &= ~BIT(signal);
        }
        if (libc_leave(status)) {
            return -1;
        }
    }
    if (old) {
        *old = before;
    }
    return 0;
}

_sig_func_ptr signal(int number, _sig_func_ptr handler)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    return sigaction(number, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

int siginterrupt(int number, int flag)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) < 0) {
        return -1;
    }
    action.sa_flags = flag ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
    return sigaction(number, &action, NULL);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    sigset_t before = blocked;
    if (set) {
        sigset_t wish = *set & ~(BIT(SIGKILL) | BIT(SIGSTOP));
        if (how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) {
            errno = EINVAL;
            return -1;
        }
        libc_enter();
        blocked = how == SIG_BLOCK ? before | wish : how == SIG_UNBLOCK ? before & ~wish : wish;
        enum status status = announce();
        if (status != OK) {
            blocked = before;
        }
        if (libc_leave(status)) {
            return -1;
        }
    }
    if (old) {
        *old = before;
    }
    return 0;
}

int sigpending(sigset_t *set)
{
    *set = pending & blocked;
    return 0;
}

/* Sleeps until a handler has run. */
int sigsuspend(const sigset_t *mask)
{
    sigset_t before;
    libc_enter();
    int failed = sigprocmask(SIG_SETMASK, mask, &before);
    enum status status = OK;
    while (!failed && !delivered && !(pending & ~blocked) &&
           (status == OK || status == E_INTR)) {
        status = timer_sleep(session_to(STARTUP_SLOT_TIMER), UINT64_MAX);
    }
    libc_leave(OK);
    if (!failed) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        errno = EINTR;
    }
    return -1;
}

int pause(void)
{
    sigset_t mask = blocked;
    return sigsuspend(&mask);
}

int sigaltstack(const stack_t *stack, stack_t *old)
{
    if (stack && !(stack->ss_flags & SS_DISABLE) && stack->ss_size < MINSIGSTKSZ) {
        errno = ENOMEM;
        return -1;
    }
    if (old) {
        *old = alternate;
    }
    if (stack) {
        alternate = *stack;
    }
    return 0;
}

int raise(int signal)
{
    if (!valid(signal)) {
        return -1;
    }
    libc_enter();
    if (!is_ignored(signal)) {
        pending |= BIT(signal);
    }
    return libc_leave(OK);
}

/* pid < -1: a group; 0: the caller's own. Every process at once (-1) is not for programs. */
int kill(pid_t pid, int signal)
{
    if (signal != 0 && !valid(signal)) {
        return -1;
    }
    if (pid == -1) {
        errno = EPERM;
        return -1;
    }
    if (pid == getpid() && signal != 0) {
        return raise(signal);
    }
    pid_t group = pid == 0 ? getpgrp() : -pid;
    libc_enter();
    return libc_leave(process_kill(session_to(STARTUP_SLOT_PROCESS),
                                   (uint32_t)(pid > 0 ? pid : group), pid <= 0,
                                   (uint32_t)signal));
}

int killpg(pid_t group, int signal)
{
    if (group < 0) {
        errno = EINVAL;
        return -1;
    }
    return kill(-group, signal);
}

void signal_broken_pipe(void)
{
    raise(SIGPIPE);
}

/* ISO C: not even a handler that returns keeps the process alive. */
void abort(void)
{
    blocked &= ~BIT(SIGABRT);
    raise(SIGABRT);
    die(SIGABRT);
}

void __pith_sigjmp_save(sigjmp_buf environment, int save_mask)
{
    environment->__mask_saved = save_mask;
    environment->__mask = blocked;
}

void siglongjmp(sigjmp_buf environment, int value)
{
    if (environment->__mask_saved) {
        sigprocmask(SIG_SETMASK, &environment->__mask, NULL);
    }
    longjmp(environment->__registers, value);
}

int sigemptyset(sigset_t *set)
{
    *set = 0;
    return 0;
}

int sigfillset(sigset_t *set)
{
    *set = (BIT(NSIG - 1) << 1) - 2;
    return 0;
}

int sigaddset(sigset_t *set, int signal)
{
    if (!valid(signal)) {
        return -1;
    }
    *set |= BIT(signal);
    return 0;
}

int sigdelset(sigset_t *set, int signal)
{
    if (!valid(signal)) {
        return -1;
    }
    *set &= ~BIT(signal);
    return 0;
}

int sigismember(const sigset_t *set, int signal)
{
    return valid(signal) ? (*set & BIT(signal)) != 0 : -1;
}
