// Control sequences: the part of ECMA-48, VT100 and xterm that programs use.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ESCAPE_PARAMETERS 16u

struct escape {
    uint32_t parameters[ESCAPE_PARAMETERS]; ///< 0 where absent
    uint32_t count;                         ///< at least 1
    char prefix;                            ///< `?`, `>` ... or 0
};

/// ESC [ ... final
void escape_control(const struct escape *escape, char final);
/// ESC final
void escape_simple(char final);
/// Colours and modes as at power-on, the cursor shown, the region whole.
void escape_reset(void);
/// Down one row, scrolling at the region's end.
void escape_line_feed(void);
/// Whether what is kept between sequences can be.
bool escape_valid(void);
