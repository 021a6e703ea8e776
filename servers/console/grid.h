// What screen.c (characters and sequences) and cells.c (the grid) share.
#pragma once

#include <lib/kept.h>

#include "screen.h"

#define DEFAULT_ATTRIBUTE 0x07u

/// The grid and what output does to it next.
struct grid {
    uint16_t lines[SCREEN_LINES][SCREEN_COLUMNS]; ///< a ring
    uint32_t first;                               ///< ring index of the screen's first row
    uint32_t history;                             ///< lines above it
    uint32_t back;                                ///< how far back the view is
    uint32_t column, row; ///< column == SCREEN_COLUMNS: the next character wraps
    uint32_t top, bottom; ///< scrolling region, both included
    uint8_t attribute;    ///< colours of what is written or erased
    bool hidden;          ///< the cursor
};

extern struct grid kept_grid;

static inline struct grid *the_grid(void)
{
    return KEPT_VIEW(kept_grid);
}

uint16_t *grid_row(uint32_t row);
/// Blank cells [from, to) of a row.
void grid_erase(uint32_t row, uint32_t from, uint32_t to);
/// Move rows [top, bottom] up by `count`, blanks come in below; negative: down. Only a whole
/// screen that moves up leaves lines to the history.
void grid_scroll(uint32_t top, uint32_t bottom, int32_t count);
/// Move cells of the cursor's row from `column` on to the right by `count`; negative: left.
void grid_shift(uint32_t column, int32_t count);
