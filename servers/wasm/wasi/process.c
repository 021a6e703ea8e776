/* Arguments, environment, ending, signals, and sockets, of which a guest has none. Called by
 * guests through the table in wasi.c. */
#include "internal.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

/* Writes the strings one after the other to `text`, and their addresses to `pointers`. */
static enum wasi_errno give_strings(struct wasi *wasi, const char *const *strings, size_t count,
                                    uint32_t pointers, uint32_t text)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(strings[i]) + 1;
        /* Checked before the additions: both addresses stay inside memory. */
        if (!wasi_at(wasi, pointers, sizeof(uint32_t)) || !wasi_at(wasi, text, size)) {
            return WASI_FAULT;
        }
        wasi_store_u32(wasi, pointers, text);
        wasi_store(wasi, text, strings[i], size);
        pointers += (uint32_t)sizeof(uint32_t);
        text += (uint32_t)size;
    }
    return WASI_SUCCESS;
}

static enum wasi_errno give_sizes(struct wasi *wasi, const char *const *strings, size_t count,
                                  uint32_t count_address, uint32_t bytes_address)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += strlen(strings[i]) + 1;
    }
    enum wasi_errno error = wasi_store_u32(wasi, count_address, (uint32_t)count);
    return error ? error : wasi_store_u32(wasi, bytes_address, (uint32_t)bytes);
}

enum wasi_errno wasi_args_get(struct wasi *wasi, const uint64_t *args)
{
    return give_strings(wasi, wasi->options.args, wasi->options.arg_count, (uint32_t)args[0],
                        (uint32_t)args[1]);
}

enum wasi_errno wasi_args_sizes_get(struct wasi *wasi, const uint64_t *args)
{
    return give_sizes(wasi, wasi->options.args, wasi->options.arg_count, (uint32_t)args[0],
                      (uint32_t)args[1]);
}

enum wasi_errno wasi_environ_get(struct wasi *wasi, const uint64_t *args)
{
    return give_strings(wasi, wasi->options.env, wasi->options.env_count, (uint32_t)args[0],
                        (uint32_t)args[1]);
}

enum wasi_errno wasi_environ_sizes_get(struct wasi *wasi, const uint64_t *args)
{
    return give_sizes(wasi, wasi->options.env, wasi->options.env_count, (uint32_t)args[0],
                      (uint32_t)args[1]);
}

enum wasi_errno wasi_proc_exit(struct wasi *wasi, const uint64_t *args)
{
    wasi->exiting = true;
    wasi->exit_code = (uint32_t)args[0];
    return WASI_SUCCESS;
}

/* The host's number of each of WASI's signals; 0 where the host has none. Every POSIX libc has
 * the first 23. */
static const int host_signals[] = {
    [1] = SIGHUP,     [2] = SIGINT,   [3] = SIGQUIT,  [4] = SIGILL,   [5] = SIGTRAP,
    [6] = SIGABRT,    [7] = SIGBUS,   [8] = SIGFPE,   [9] = SIGKILL,  [10] = SIGUSR1,
    [11] = SIGSEGV,   [12] = SIGUSR2, [13] = SIGPIPE, [14] = SIGALRM, [15] = SIGTERM,
    [16] = SIGCHLD,   [17] = SIGCONT, [18] = SIGSTOP, [19] = SIGTSTP, [20] = SIGTTIN,
    [21] = SIGTTOU,   [22] = SIGURG,
#ifdef SIGXCPU
    [23] = SIGXCPU,
#endif
#ifdef SIGXFSZ
    [24] = SIGXFSZ,
#endif
#ifdef SIGVTALRM
    [25] = SIGVTALRM,
#endif
#ifdef SIGPROF
    [26] = SIGPROF,
#endif
#ifdef SIGWINCH
    [27] = SIGWINCH,
#endif
#ifdef SIGPOLL
    [28] = SIGPOLL,
#endif
#ifdef SIGPWR
    [29] = SIGPWR,
#endif
#ifdef SIGSYS
    [30] = SIGSYS,
#endif
    [31] = 0, /* not one of WASI's */
};

/* The guest's process is ours, so the signal is raised for real, with its default action: most
 * end here. */
enum wasi_errno wasi_proc_raise(struct wasi *wasi, const uint64_t *args)
{
    (void)wasi;
    uint32_t number = (uint32_t)args[0];
    if (number >= sizeof host_signals / sizeof host_signals[0] - 1) {
        return WASI_INVAL;
    }
    int raised = host_signals[number];
    if (number == 0 || raised == SIGPIPE) {
        return WASI_SUCCESS; /* WASI: no signal; and the one that it says is ignored */
    }
    if (raised == 0) {
        return WASI_NOSYS;
    }
    if (raised != SIGKILL && raised != SIGSTOP && signal(raised, SIG_DFL) == SIG_ERR) {
        return wasi_errno_of(errno);
    }
    return wasi_errno_if(raise(raised));
}

enum wasi_errno wasi_sched_yield(struct wasi *wasi, const uint64_t *args)
{
    (void)wasi;
    (void)args;
    return wasi_errno_if(sched_yield());
}

/* A guest cannot open sockets. It may have inherited one as a stream, which reads and writes
 * as such; there is nothing else to be done with it here. */
static enum wasi_errno refuse_socket(struct wasi *wasi, uint32_t fd)
{
    struct wasi_fd *entry;
    enum wasi_errno error = wasi_fd_find(wasi, fd, 0, &entry);
    if (error) {
        return error;
    }
    return entry->type == WASI_TYPE_SOCKET_STREAM ? WASI_NOSYS : WASI_NOTSOCK;
}

enum wasi_errno wasi_sock_accept(struct wasi *wasi, const uint64_t *args)
{
    return refuse_socket(wasi, (uint32_t)args[0]);
}

enum wasi_errno wasi_sock_recv(struct wasi *wasi, const uint64_t *args)
{
    return refuse_socket(wasi, (uint32_t)args[0]);
}

enum wasi_errno wasi_sock_send(struct wasi *wasi, const uint64_t *args)
{
    return refuse_socket(wasi, (uint32_t)args[0]);
}

enum wasi_errno wasi_sock_shutdown(struct wasi *wasi, const uint64_t *args)
{
    return refuse_socket(wasi, (uint32_t)args[0]);
}
