/* poll and select: the servers signal an endpoint of ours when something may be ready, and so
 * does an alarm of `timer`. One bit serves for all: after a wake-up everything is asked again,
 * so a signal of an earlier call does no harm. */
#include <errno.h>
#include <poll.h>
#include <sys/select.h>

#include <lib/slots.h>
#include <proto/io.h>
#include <proto/memory.h>
#include <proto/timer.h>

#include "glue.h"

enum {
    WAKE_BIT = 1,
    ALARM_ID = 1, /* this process's name for poll's alarm */
};

static uint32_t endpoint; /* where the process waits; 0: not made yet */
static uint32_t wake;     /* the capability that servers signal it with */

/* Makes the endpoint at the first poll. */
static enum status prepare(void)
{
    if (wake) {
        return OK;
    }
    uint32_t id;
    if (!endpoint) {
        enum status status = memory_object_create(session_to(STARTUP_SLOT_MEMORY),
                                                  KIND_ENDPOINT, 0, &id, &endpoint);
        if (status != OK) {
            endpoint = 0;
            return status;
        }
    }
    uint32_t slot = slot_alloc();
    if (!slot) {
        return E_NOMEM;
    }
    enum status status = sys_cap_copy(HANDLE_NULL, slot, endpoint, DERIVE_SIGNAL, WAKE_BIT, 0);
    if (status != OK) {
        slot_free(slot);
        return status;
    }
    wake = slot;
    return OK;
}

/* Asks one descriptor; with `watch` it will signal when the answer may have changed. */
static enum status ask(struct pollfd *p, bool watch)
{
    p->revents = 0;
    if (p->fd < 0) {
        return OK;
    }
    struct descriptor *d = descriptor_slot(p->fd);
    if (!d || !d->service) {
        p->revents = POLLNVAL;
        return OK;
    }
    uint32_t events = IO_EVENT_HANGUP |
                      (p->events & (POLLIN | POLLRDNORM) ? IO_EVENT_READABLE : 0) |
                      (p->events & (POLLOUT | POLLWRNORM) ? IO_EVENT_WRITABLE : 0);
    uint32_t ready = 0;
    enum status status = watch
                             ? io_watch(descriptor_session(d), d->handle, events, wake, &ready)
                             : io_ready(descriptor_session(d), d->handle, events, &ready);
    if (status == E_STALE || status == E_BADF) { /* the server lost the handle */
        p->revents = POLLERR;
        return OK;
    }
    int found = (ready & IO_EVENT_READABLE ? POLLIN | POLLRDNORM : 0) |
                (ready & IO_EVENT_WRITABLE ? POLLOUT | POLLWRNORM : 0);
    p->revents = (short)((found & p->events) | (ready & IO_EVENT_HANGUP ? POLLHUP : 0));
    return status;
}

static enum status ask_all(struct pollfd *fds, nfds_t count, bool watch, int *ready)
{
    *ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        enum status status = ask(&fds[i], watch && *ready == 0);
        if (status != OK) {
            return status;
        }
        *ready += fds[i].revents != 0;
    }
    return OK;
}

/* Waits until something is ready or `deadline` (UINT64_MAX: for ever) has passed. */
static enum status wait(struct pollfd *fds, nfds_t count, uint64_t deadline, int *ready)
{
    struct session *timer = session_to(STARTUP_SLOT_TIMER);
    enum status status = prepare();
    bool alarm = deadline != UINT64_MAX;
    if (status == OK && alarm) {
        status = timer_alarm(timer, deadline, ALARM_ID, wake);
    }
    while (status == OK) {
        status = ask_all(fds, count, true, ready);
        if (status != OK || *ready || clock_now() >= deadline) {
            break;
        }
        struct message m = {0};
        status = sys_recv(endpoint, 0, &m, 0);
    }
    if (alarm) {
        status_ignore(timer_cancel(timer, ALARM_ID));
    }
    return status;
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    if (count > DESCRIPTORS * 4) {
        errno = EINVAL;
        return -1;
    }
    uint64_t deadline =
        timeout_ms < 0 ? UINT64_MAX : clock_now() + (uint64_t)timeout_ms * 1000000;
    int ready = 0;
    libc_enter();
    enum status status = ask_all(fds, count, false, &ready);
    if (status == OK && ready == 0 && timeout_ms != 0) {
        status = wait(fds, count, deadline, &ready);
    }
    return libc_leave(status) ? -1 : ready;
}

/* What select asks about one descriptor, as poll's events. */
static short select_events(int fd, const fd_set *reading, const fd_set *writing,
                           const fd_set *special)
{
    return (short)((reading && FD_ISSET(fd, reading) ? POLLIN : 0) |
                   (writing && FD_ISSET(fd, writing) ? POLLOUT : 0) |
                   (special && FD_ISSET(fd, special) ? POLLPRI : 0));
}

/* Leaves the bit if poll found one of `events`; the number of bits left: 0 or 1. */
static int select_result(int fd, fd_set *set, short found, short events)
{
    if (!set || !FD_ISSET(fd, set)) {
        return 0;
    }
    if (found & events) {
        return 1;
    }
    FD_CLR(fd, set);
    return 0;
}

int select(int count, fd_set *reading, fd_set *writing, fd_set *special,
           struct timeval *timeout)
{
    if (count < 0 || count > FD_SETSIZE ||
        (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0))) {
        errno = EINVAL;
        return -1;
    }
    struct pollfd fds[FD_SETSIZE];
    for (int fd = 0; fd < count; fd++) {
        short events = select_events(fd, reading, writing, special);
        fds[fd] = (struct pollfd){.fd = events ? fd : -1, .events = events};
        if (events && !descriptor_get(fd)) {
            return -1;
        }
    }
    int64_t ms =
        timeout ? (int64_t)timeout->tv_sec * 1000 + (timeout->tv_usec + 999) / 1000 : -1;
    if (poll(fds, (nfds_t)count, ms > __INT_MAX__ ? __INT_MAX__ : (int)ms) < 0) {
        return -1;
    }
    int bits = 0;
    for (int fd = 0; fd < count; fd++) {
        short found = fds[fd].revents;
        bits += select_result(fd, reading, found, POLLIN | POLLHUP | POLLERR);
        bits += select_result(fd, writing, found, POLLOUT | POLLERR);
        bits += select_result(fd, special, found, POLLPRI);
    }
    return bits;
}
