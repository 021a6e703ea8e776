/// Start-up: what later code asks about it.
#pragma once

#include <arch/kern.h>

/// What kern_main() was given; null before.
extern const struct arch_boot *start_boot;

/// TSC ticks per tick of the timer.
uint64_t start_tick_time(void);
