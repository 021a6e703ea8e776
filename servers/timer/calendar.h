// What the real-time clock's registers mean (MC146818).
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// The registers in their order: seconds, minutes, hours, day, month, year, and register B.
struct rtc_registers {
    uint8_t second, minute, hour, day, month, year;
    uint8_t control; ///< bit 1: 24 hours; bit 2: binary, not BCD
};

/// Seconds since 1970-01-01 UTC; the year is one of 2000 to 2099. False: no date.
bool calendar_seconds(const struct rtc_registers *registers, uint64_t *seconds);
