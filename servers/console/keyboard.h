// From scan codes (set 1, US layout) to the bytes that a terminal sends.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// What one scan code gives.
struct keys {
    char bytes[8];
    uint32_t count;
    int32_t look_back; ///< Shift-PgUp: 1, Shift-PgDn: -1 (pages of history)
};

/// Returns what the key means; keys that are released or only shift others give nothing.
struct keys keyboard_scan(uint8_t code);
/// Forget which keys are held.
void keyboard_reset(void);
