// The devices of this server: PIT channel 0 as a one-shot, the CMOS clock, and what the CPU has
// to offer as entropy. Ports and the interrupt come from the boot manifest.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HARDWARE_SIGNAL 1u // the bit of the interrupt in the server's signals
#define TICK_SIGNAL     2u // the bit of our own alarm, once a second

/// Claim ports and interrupt.
void hardware_start(uint32_t endpoint);
/// Interrupt after about this many nanoseconds, at most 54 ms; replaces an earlier request.
void hardware_arm(uint64_t nanoseconds);
/// The interrupt was served: let the next one through.
void hardware_acknowledge(void);
/// Seconds since 1970-01-01 UTC. False: the clock has no valid date.
bool hardware_wall_clock(uint64_t *seconds);
/// 32 bytes, more or less unpredictable.
void hardware_entropy(uint64_t words[4]);
