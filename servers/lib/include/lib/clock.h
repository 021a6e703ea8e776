/// The monotonic clock: the TSC in nanoseconds. One formula for all, so that two processes
/// never disagree about whether a deadline has come.
#pragma once

#include <stdint.h>

#define CLOCK_SECOND 1000000000u // nanoseconds

/// Exact for rates up to 18 GHz.
static inline uint64_t clock_from_ticks(uint64_t ticks, uint64_t hz)
{
    return ticks / hz * CLOCK_SECOND + ticks % hz * CLOCK_SECOND / hz;
}

/// Nanoseconds since the machine started.
static inline uint64_t clock_now(uint64_t hz)
{
    return clock_from_ticks(__builtin_ia32_rdtsc(), hz);
}
