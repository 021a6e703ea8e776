/* poll_oneoff: waiting for clocks and streams. Called by guests through the table in wasi.c.
 *
 * The subscriptions are gone through twice, without a copy of them: to gather what to wait for,
 * and after the wait to write an event for each whose condition holds. All clocks are compared
 * on the monotonic clock; a deadline on the real-time clock is converted once, at the start.
 * The process sleeps in one system call at a time: nothing is polled for.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { NANOSECONDS = 1000000000, MILLISECOND = 1000000 };
#define NEVER UINT64_MAX

/* One poll_oneoff on its way. `fds` is indexed by the guest's descriptor; poll() skips those
 * whose fd is negative. */
struct wait {
    const struct wasi *wasi;
    uint64_t start[2]; /* WASI_CLOCK_REALTIME and _MONOTONIC when the call began */
    uint64_t deadline; /* the earliest, monotonic; NEVER without clocks */
    bool ready;        /* something holds already: a file, or an error to report */
    nfds_t fd_count;   /* used length of fds */
    struct pollfd fds[WASI_FD_MAX];
};

static uint64_t now(clockid_t clock)
{
    struct timespec time = {0};
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
}

/* When a clock subscription is due, on the monotonic clock. */
static uint64_t due(const struct wait *wait, const struct wasi_subscription *wanted)
{
    uint64_t start = wait->start[WASI_CLOCK_MONOTONIC];
    uint64_t timeout = wanted->clock.timeout;
    if (wanted->clock.flags & WASI_CLOCK_ABSTIME) {
        uint64_t reference = wait->start[wanted->clock.id];
        timeout = timeout > reference ? timeout - reference : 0;
    }
    return timeout < NEVER - start ? start + timeout : NEVER;
}

/* The descriptor of a stream subscription, if it may be waited for. */
static enum wasi_errno stream(const struct wait *wait, const struct wasi_subscription *wanted,
                              const struct wasi_fd **entry)
{
    if (wanted->fd >= WASI_FD_MAX || !wait->wasi->fds[wanted->fd].open) {
        return WASI_BADF;
    }
    *entry = &wait->wasi->fds[wanted->fd];
    uint64_t rights = WASI_RIGHT_POLL_FD_READWRITE;
    rights |= wanted->type == WASI_EVENT_FD_READ ? WASI_RIGHT_FD_READ : WASI_RIGHT_FD_WRITE;
    return rights & ~(*entry)->base ? WASI_NOTCAPABLE : WASI_SUCCESS;
}

static enum wasi_errno check_clock(const struct wasi_subscription *wanted)
{
    switch (wanted->clock.id) {
    case WASI_CLOCK_REALTIME:
    case WASI_CLOCK_MONOTONIC:
        return WASI_SUCCESS;
    case WASI_CLOCK_PROCESS_CPUTIME:
    case WASI_CLOCK_THREAD_CPUTIME:
        return WASI_NOTSUP; /* they stand still while we wait */
    default:
        return WASI_INVAL;
    }
}

static void gather_stream(struct wait *wait, const struct wasi_subscription *wanted)
{
    const struct wasi_fd *entry;
    if (stream(wait, wanted, &entry) || entry->type == WASI_TYPE_REGULAR_FILE) {
        wait->ready = true;
        return;
    }
    for (; wait->fd_count <= wanted->fd; wait->fd_count++) {
        wait->fds[wait->fd_count] = (struct pollfd){.fd = -1};
    }
    struct pollfd *polled = &wait->fds[wanted->fd];
    polled->fd = entry->host;
    polled->events |= (short)(wanted->type == WASI_EVENT_FD_READ ? POLLIN : POLLOUT);
}

static enum wasi_errno gather(struct wait *wait, const struct wasi_subscription *wanted)
{
    if (wanted->type == WASI_EVENT_FD_READ || wanted->type == WASI_EVENT_FD_WRITE) {
        gather_stream(wait, wanted);
    } else if (wanted->type != WASI_EVENT_CLOCK) {
        return WASI_INVAL;
    } else if (check_clock(wanted)) {
        wait->ready = true;
    } else {
        uint64_t at = due(wait, wanted);
        wait->deadline = at < wait->deadline ? at : wait->deadline;
    }
    return WASI_SUCCESS;
}

/* Sleeps exactly, where there are only clocks. */
static void sleep_until(uint64_t deadline)
{
    for (uint64_t time; (time = now(CLOCK_MONOTONIC)) < deadline;) {
        uint64_t left = deadline - time;
        struct timespec rest = {.tv_sec = (time_t)(left / NANOSECONDS),
                                .tv_nsec = (long)(left % NANOSECONDS)};
        nanosleep(&rest, NULL); /* interrupted or done: the clock decides */
    }
}

/* Waits until a stream is ready or the deadline has passed. */
static enum wasi_errno wait_for(struct wait *wait)
{
    if (wait->fd_count == 0 && !wait->ready) {
        sleep_until(wait->deadline);
        return WASI_SUCCESS;
    }
    for (;;) {
        int timeout = wait->ready ? 0 : -1;
        uint64_t time = now(CLOCK_MONOTONIC);
        if (!wait->ready && wait->deadline != NEVER) {
            uint64_t left = wait->deadline > time ? wait->deadline - time : 0;
            left = (left + MILLISECOND - 1) / MILLISECOND;
            timeout = left < INT32_MAX ? (int)left : INT32_MAX;
        }
        int ready = poll(wait->fds, wait->fd_count, timeout);
        if (ready < 0 && errno != EINTR) {
            return wasi_errno_of(errno);
        }
        if (ready > 0 || (ready == 0 && timeout == 0)) {
            return WASI_SUCCESS;
        }
    }
}

/* Bytes that a file has left to read. */
static uint64_t left_in(const struct wasi_fd *entry)
{
    struct stat status;
    off_t position = lseek(entry->host, 0, SEEK_CUR);
    bool known = position >= 0 && fstat(entry->host, &status) == 0 && status.st_size > position;
    return known ? (uint64_t)(status.st_size - position) : 0;
}

/* Bytes that a readable stream has; 1 for one that does not tell. */
static uint64_t pending_in(const struct wasi_fd *entry)
{
    int bytes = 0;
    return ioctl(entry->host, FIONREAD, &bytes) == 0 ? (uint64_t)bytes : 1;
}

/* Fills the event of a stream subscription. False: its condition does not hold. */
static bool stream_event(const struct wait *wait, const struct wasi_subscription *wanted,
                         struct wasi_event *event)
{
    const struct wasi_fd *entry;
    event->error = (uint16_t)stream(wait, wanted, &entry);
    if (event->error) {
        return true;
    }
    bool reads = wanted->type == WASI_EVENT_FD_READ;
    if (entry->type == WASI_TYPE_REGULAR_FILE) {
        event->nbytes = reads ? left_in(entry) : 0;
        return true;
    }
    short seen = wait->fds[wanted->fd].revents;
    short good = reads ? POLLIN : POLLOUT;
    if (!(seen & (good | POLLHUP | POLLERR | POLLNVAL))) {
        return false;
    }
    event->error = seen & POLLNVAL           ? WASI_BADF
                   : seen & POLLERR && reads ? WASI_IO
                                             : WASI_SUCCESS;
    event->flags = seen & (POLLHUP | POLLERR) ? WASI_EVENT_HANGUP : 0;
    event->nbytes = reads && seen & POLLIN ? pending_in(entry) : 0;
    return true;
}

static bool clock_event(const struct wait *wait, const struct wasi_subscription *wanted,
                        uint64_t time, struct wasi_event *event)
{
    event->error = (uint16_t)check_clock(wanted);
    return event->error || due(wait, wanted) <= time;
}

/* args: address of the subscriptions, address for the events, how many subscriptions, address
 * of the number of events. */
enum wasi_errno wasi_poll_oneoff(struct wasi *wasi, const uint64_t *args)
{
    uint32_t count = (uint32_t)args[2];
    const uint8_t *in =
        wasi_at(wasi, (uint32_t)args[0], (uint64_t)count * sizeof(struct wasi_subscription));
    uint8_t *out =
        wasi_at(wasi, (uint32_t)args[1], (uint64_t)count * sizeof(struct wasi_event));
    if (count == 0) {
        return WASI_INVAL;
    }
    if (!in || !out || !wasi_at(wasi, (uint32_t)args[3], sizeof(uint32_t))) {
        return WASI_FAULT;
    }
    struct wait wait = {.wasi = wasi, .deadline = NEVER};
    wait.start[WASI_CLOCK_REALTIME] = now(CLOCK_REALTIME);
    wait.start[WASI_CLOCK_MONOTONIC] = now(CLOCK_MONOTONIC);
    struct wasi_subscription wanted;
    enum wasi_errno error = WASI_SUCCESS;
    for (uint32_t i = 0; i < count && !error; i++) {
        memcpy(&wanted, in + (size_t)i * sizeof wanted, sizeof wanted);
        error = gather(&wait, &wanted);
    }
    if (!error) {
        error = wait_for(&wait);
    }
    if (error) {
        return error;
    }
    uint64_t time = now(CLOCK_MONOTONIC);
    uint32_t events = 0;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(&wanted, in + (size_t)i * sizeof wanted, sizeof wanted);
        struct wasi_event event;
        memset(&event, 0, sizeof event); /* padding too: it goes to the guest */
        event.userdata = wanted.userdata;
        event.type = wanted.type;
        if (wanted.type == WASI_EVENT_CLOCK ? clock_event(&wait, &wanted, time, &event)
                                            : stream_event(&wait, &wanted, &event)) {
            memcpy(out + (size_t)events++ * sizeof event, &event, sizeof event);
        }
    }
    return wasi_store_u32(wasi, (uint32_t)args[3], events);
}
