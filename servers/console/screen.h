// The terminal's screen: 80 x 25 cells of glyph and colours, with history above them. Bytes go
// in as UTF-8 with the escape sequences of ECMA-48 and VT100/xterm that programs use.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCREEN_COLUMNS 80u
#define SCREEN_ROWS    25u
#define SCREEN_LINES   1024u // rows and history

/// A cell is as VGA text memory has it: glyph, attribute << 8.
void screen_init(void);
/// Start with what is on a screen already, the cursor at (column, row).
void screen_adopt(const volatile uint16_t *cells, uint32_t column, uint32_t row);
/// Goes on with what was kept. False: it is damaged.
bool screen_resume(void);
/// Output. Ends looking back.
void screen_write(const void *bytes, size_t length);
/// Look back (positive) or forward by so many lines.
void screen_look_back(int32_t lines);
/// The row as it is to be shown, looking back or not.
const uint16_t *screen_row(uint32_t row);
/// Where the cursor is to be shown; false: hidden.
bool screen_cursor(uint32_t *column, uint32_t *row);
/// Where output goes next.
uint32_t screen_column(void);
