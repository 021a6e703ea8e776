/// Throughput on two CPUs against one.
#pragma once

#include <pith/abi.h>

/// Alternates one pair of threads on one CPU and two pairs on two; reports calls a second, for
/// each kind the best, and stops.
_Noreturn void bench_pairs(const struct boot_info *info);
