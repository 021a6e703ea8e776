/* Clocks and sleep. The monotonic clock is the time stamp counter and needs no call; real time
 * is the monotonic clock plus an offset that `timer` knows. */
#include <errno.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <pith/syscall.h>
#include <proto/process.h>
#include <proto/timer.h>

#include "glue.h"

#define SECOND 1000000000ul

enum {
    OFFSET_LIFE = 1000000000
}; /* ns: how long a known offset is trusted, since others may
      set the clock */

static struct session *timer(void)
{
    return session_to(STARTUP_SLOT_TIMER);
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * SECOND / startup_block->tsc_hz);
}

uint64_t clock_now(void)
{
    return ticks_to_ns(__rdtsc());
}

uint64_t clock_process(void)
{
    struct process_info info;
    libc_enter();
    enum status status =
        process_info(session_to(STARTUP_SLOT_PROCESS), startup_block->pid, &info);
    libc_leave(OK);
    return status == OK && info.pid == startup_block->pid ? ticks_to_ns(info.cpu_ticks) : 0;
}

/* CPU time of the calling thread. */
static uint64_t clock_thread(void)
{
    uint64_t state, ticks = 0, priority;
    enum status status =
        sys_thread_control(HANDLE_NULL, THREAD_OP_INFO, 0, 0, &state, &ticks, &priority);
    return status == OK ? ticks_to_ns(ticks) : 0;
}

/* Nanoseconds since 1970. False: errno says why. */
static bool real_now(uint64_t *result)
{
    static uint64_t offset, known_at;
    uint64_t now = clock_now();
    if (!known_at || now - known_at > OFFSET_LIFE) {
        libc_enter();
        if (libc_leave(timer_real_time(timer(), &offset))) {
            return false;
        }
        known_at = now;
    }
    *result = now + offset;
    return true;
}

int clock_gettime(clockid_t clock, struct timespec *result)
{
    uint64_t now = 0;
    switch (clock) {
    case CLOCK_REALTIME:
        if (!real_now(&now)) {
            return -1;
        }
        break;
    case CLOCK_MONOTONIC:
        now = clock_now();
        break;
    case CLOCK_PROCESS_CPUTIME_ID:
        now = clock_process();
        break;
    case CLOCK_THREAD_CPUTIME_ID:
        now = clock_thread();
        break;
    default:
        errno = EINVAL;
        return -1;
    }
    *result = (struct timespec){(time_t)(now / SECOND), (long)(now % SECOND)};
    return 0;
}

int clock_getres(clockid_t clock, struct timespec *result)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
        clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID) {
        errno = EINVAL;
        return -1;
    }
    if (result) {
        *result = (struct timespec){0, 1};
    }
    return 0;
}

static bool timespec_valid(const struct timespec *t)
{
    return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < (long)SECOND;
}

int clock_settime(clockid_t clock, const struct timespec *time)
{
    if (clock != CLOCK_REALTIME || !timespec_valid(time)) {
        errno = EINVAL;
        return -1;
    }
    uint64_t wanted = (uint64_t)time->tv_sec * SECOND + (uint64_t)time->tv_nsec;
    libc_enter();
    return libc_leave(timer_set_real_time(timer(), wanted - clock_now()));
}

int gettimeofday(struct timeval *result, void *zone)
{
    uint64_t now;
    if (!real_now(&now)) {
        return -1;
    }
    if (result) {
        *result = (struct timeval){(time_t)(now / SECOND), (suseconds_t)(now % SECOND / 1000)};
    }
    if (zone) {
        *(struct timezone *)zone = (struct timezone){0, 0};
    }
    return 0;
}

/* Sleeps until the monotonic clock shows `deadline`. 0 or an error number. */
static int sleep_until(uint64_t deadline)
{
    int before = errno;
    libc_enter();
    int error = libc_leave(timer_sleep(timer(), deadline)) ? errno : 0;
    errno = before;
    return error;
}

/* a + b, or the end of time. */
static uint64_t add(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

static uint64_t timespec_ns(const struct timespec *t)
{
    return (uint64_t)t->tv_sec > UINT64_MAX / SECOND - 1
               ? UINT64_MAX
               : (uint64_t)t->tv_sec * SECOND + (uint64_t)t->tv_nsec;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                    struct timespec *rest)
{
    if ((clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) || !timespec_valid(time)) {
        return EINVAL;
    }
    uint64_t now = clock_now(), deadline = add(now, timespec_ns(time));
    if (flags & TIMER_ABSTIME) {
        deadline = timespec_ns(time);
        uint64_t real;
        if (clock == CLOCK_REALTIME) {
            if (!real_now(&real)) {
                return errno;
            }
            deadline = deadline > real ? add(now, deadline - real) : now;
        }
    }
    int error = sleep_until(deadline);
    now = clock_now();
    if (error == EINTR && rest && !(flags & TIMER_ABSTIME)) {
        uint64_t left = deadline > now ? deadline - now : 0;
        *rest = (struct timespec){(time_t)(left / SECOND), (long)(left % SECOND)};
    }
    return error;
}

int nanosleep(const struct timespec *time, struct timespec *rest)
{
    int error = clock_nanosleep(CLOCK_MONOTONIC, 0, time, rest);
    if (error) {
        errno = error;
        return -1;
    }
    return 0;
}

clock_t clock(void)
{
    return (clock_t)(clock_process() / (SECOND / CLOCKS_PER_SEC));
}

/* All CPU time counts as the user's: the kernel keeps one figure. */
clock_t times(struct tms *result)
{
    *result = (struct tms){.tms_utime = clock()};
    return (clock_t)(clock_now() / (SECOND / CLOCKS_PER_SEC));
}
