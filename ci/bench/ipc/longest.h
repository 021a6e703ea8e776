/// The longest steps of the kernel; see longest.c.
#pragma once

/// Measures and reports each, and the longest of all as `kernel.longest_step`.
void bench_longest(void);
