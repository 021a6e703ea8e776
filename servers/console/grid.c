// The grid of cells: see grid.h. Called by screen.c and escape.c.
#include "grid.h"

#include <lib/text.h>

KEPT struct grid kept_grid;

static uint16_t *ring_line(uint32_t index)
{
    return the_grid()->lines[index % SCREEN_LINES];
}

uint16_t *grid_row(uint32_t row)
{
    return ring_line(the_grid()->first + row);
}

void grid_erase(uint32_t row, uint32_t from, uint32_t to)
{
    uint16_t *cells = grid_row(row);
    for (; from < to; from++)
        cells[from] = (uint16_t)(' ' | the_grid()->attribute << 8);
}

static void copy_row(uint32_t to, uint32_t from)
{
    memcpy(grid_row(to), grid_row(from), sizeof the_grid()->lines[0]);
}

void grid_scroll(uint32_t top, uint32_t bottom, int32_t count)
{
    uint32_t height = bottom - top + 1;
    bool up = count > 0;
    uint32_t by = (uint32_t)(up ? count : -count);
    if (by > height)
        by = height;
    if (up && top == 0 && bottom == SCREEN_ROWS - 1) {
        the_grid()->first = (the_grid()->first + by) % SCREEN_LINES;
        the_grid()->history += by;
        if (the_grid()->history > SCREEN_LINES - SCREEN_ROWS)
            the_grid()->history = SCREEN_LINES - SCREEN_ROWS;
    } else if (up) {
        for (uint32_t row = top; row + by <= bottom; row++)
            copy_row(row, row + by);
    } else {
        for (uint32_t row = bottom + 1; row-- > top + by;)
            copy_row(row, row - by);
    }
    for (uint32_t i = 0; i < by; i++)
        grid_erase(up ? bottom - i : top + i, 0, SCREEN_COLUMNS);
}

void grid_shift(uint32_t column, int32_t count)
{
    uint16_t *cells = grid_row(the_grid()->row);
    uint32_t rest = SCREEN_COLUMNS - column;
    uint32_t by = (uint32_t)(count > 0 ? count : -count);
    if (by > rest)
        by = rest;
    if (count > 0) {
        memmove(cells + column + by, cells + column, (rest - by) * sizeof *cells);
        grid_erase(the_grid()->row, column, column + by);
    } else {
        memmove(cells + column, cells + column + by, (rest - by) * sizeof *cells);
        grid_erase(the_grid()->row, SCREEN_COLUMNS - by, SCREEN_COLUMNS);
    }
}
