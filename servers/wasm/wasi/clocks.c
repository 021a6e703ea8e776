/* Clocks and random numbers. Called by guests through the table in wasi.c. */
#include "internal.h"

#include <errno.h>
#include <unistd.h>

enum { NANOSECONDS = 1000000000, ENTROPY_BYTES = 256 /* getentropy(3)'s limit for a call */ };

static bool host_clock(uint32_t id, clockid_t *clock)
{
    static const clockid_t clocks[] = {
        [WASI_CLOCK_REALTIME] = CLOCK_REALTIME,
        [WASI_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
        [WASI_CLOCK_PROCESS_CPUTIME] = CLOCK_PROCESS_CPUTIME_ID,
        [WASI_CLOCK_THREAD_CPUTIME] = CLOCK_THREAD_CPUTIME_ID,
    };
    if (id >= sizeof clocks / sizeof clocks[0]) {
        return false;
    }
    *clock = clocks[id];
    return true;
}

/* One of the two questions about a clock; both answer in a timespec. */
static enum wasi_errno answer(struct wasi *wasi, uint32_t id, uint32_t result,
                              int (*question)(clockid_t, struct timespec *))
{
    clockid_t clock;
    struct timespec time;
    if (!host_clock(id, &clock)) {
        return WASI_INVAL;
    }
    if (question(clock, &time) != 0) {
        return wasi_errno_of(errno);
    }
    return wasi_store_u64(wasi, result,
                          (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec);
}

enum wasi_errno wasi_clock_res_get(struct wasi *wasi, const uint64_t *args)
{
    return answer(wasi, (uint32_t)args[0], (uint32_t)args[1], clock_getres);
}

/* args: clock, precision (the host's clocks have one precision), address of the time. */
enum wasi_errno wasi_clock_time_get(struct wasi *wasi, const uint64_t *args)
{
    return answer(wasi, (uint32_t)args[0], (uint32_t)args[2], clock_gettime);
}

enum wasi_errno wasi_random_get(struct wasi *wasi, const uint64_t *args)
{
    uint32_t length = (uint32_t)args[1];
    uint8_t *buffer = wasi_at(wasi, (uint32_t)args[0], length);
    if (!buffer) {
        return WASI_FAULT;
    }
    for (uint32_t done = 0; done < length;) {
        uint32_t piece = length - done < ENTROPY_BYTES ? length - done : ENTROPY_BYTES;
        if (getentropy(buffer + done, piece) != 0) {
            return wasi_errno_of(errno);
        }
        done += piece;
    }
    return WASI_SUCCESS;
}
