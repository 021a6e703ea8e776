// See escape.h. Called by screen.c. Unknown sequences do nothing.
#include "escape.h"

#include "grid.h"

#define BOLD    1u
#define INVERSE 2u

// Select Graphic Rendition's state; colours are ANSI's 0 to 15.
static KEPT struct look {
    uint8_t foreground, background;
    uint8_t modes;
} kept_look;

static KEPT struct saved {
    uint32_t column, row;
    uint8_t foreground, background, modes;
} kept_saved;

static struct look *look(void)
{
    return KEPT_VIEW(kept_look);
}

static struct saved *saved(void)
{
    return KEPT_VIEW(kept_saved);
}

// ANSI counts red, green, blue from the low bit; VGA blue, green, red.
static uint8_t vga_colour(uint8_t ansi)
{
    return (uint8_t)((ansi & 10) | (ansi & 1) << 2 | (ansi & 4) >> 2);
}

static void update_attribute(void)
{
    uint8_t front = look()->foreground, back = look()->background;
    if (look()->modes & BOLD)
        front |= 8;
    if (look()->modes & INVERSE) {
        uint8_t swapped = front;
        front = back;
        back = swapped & 7;
    }
    the_grid()->attribute = (uint8_t)(vga_colour(front) | vga_colour(back) << 4);
}

static void reset_look(void)
{
    look()->foreground = 7;
    look()->background = 0;
    look()->modes = 0;
    update_attribute();
}

// The nearest of the 16 colours.
static uint8_t from_rgb(uint32_t red, uint32_t green, uint32_t blue)
{
    uint32_t high = red > green ? red : green;
    if (blue > high)
        high = blue;
    uint32_t half = high > 96 ? high / 2 : 48;
    uint8_t colour =
        (uint8_t)((red > half ? 1 : 0) | (green > half ? 2 : 0) | (blue > half ? 4 : 0));
    if (colour == 7 && high < 160)
        return 8;
    return high > 200 ? colour | 8 : colour;
}

static uint8_t from_palette(uint32_t index)
{
    if (index < 16)
        return (uint8_t)index;
    if (index >= 232) {
        uint32_t grey = 8 + (index - 232) * 10;
        return grey < 64 ? 0 : grey < 150 ? 8 : grey < 220 ? 7 : 15;
    }
    index -= 16;
    return from_rgb(index / 36 * 51, index / 6 % 6 * 51, index % 6 * 51);
}

// 38 and 48: an extended colour follows. The result is how many parameters it takes.
static uint32_t extended_colour(const struct escape *escape, uint32_t at, uint8_t *colour)
{
    const uint32_t *p = escape->parameters + at;
    uint32_t left = escape->count - at;
    if (left >= 3 && p[1] == 5 && p[2] < 256) {
        *colour = from_palette(p[2]);
        return 2;
    }
    if (left >= 5 && p[1] == 2) {
        *colour = from_rgb(p[2], p[3], p[4]);
        return 4;
    }
    return left - 1;
}

static void select_rendition(const struct escape *escape)
{
    for (uint32_t i = 0; i < escape->count; i++) {
        uint32_t p = escape->parameters[i];
        if (p == 0)
            reset_look();
        else if (p == 1)
            look()->modes |= BOLD;
        else if (p == 7)
            look()->modes |= INVERSE;
        else if (p == 22)
            look()->modes &= (uint8_t)~BOLD;
        else if (p == 27)
            look()->modes &= (uint8_t)~INVERSE;
        else if (p >= 30 && p <= 37)
            look()->foreground = (uint8_t)(p - 30);
        else if (p == 38)
            i += extended_colour(escape, i, &look()->foreground);
        else if (p == 39)
            look()->foreground = 7;
        else if (p >= 40 && p <= 47)
            look()->background = (uint8_t)(p - 40);
        else if (p == 48)
            i += extended_colour(escape, i, &look()->background);
        else if (p == 49)
            look()->background = 0;
        else if (p >= 90 && p <= 97)
            look()->foreground = (uint8_t)(p - 90 + 8);
        else if (p >= 100 && p <= 107)
            look()->background = (uint8_t)(p - 100 + 8);
    }
    update_attribute();
}

static uint32_t clamp(int64_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : (uint32_t)value;
}

static void move_to(int64_t row, int64_t column)
{
    the_grid()->row = clamp(row, 0, SCREEN_ROWS - 1);
    the_grid()->column = clamp(column, 0, SCREEN_COLUMNS - 1);
}

// Vertical moves stop at the region's edge when they start inside it.
static void move_rows(int64_t by)
{
    uint32_t low = the_grid()->row >= the_grid()->top ? the_grid()->top : 0;
    uint32_t high =
        the_grid()->row <= the_grid()->bottom ? the_grid()->bottom : SCREEN_ROWS - 1;
    move_to(clamp(the_grid()->row + by, low, high), the_grid()->column);
}

static void erase_lines(uint32_t from, uint32_t to)
{
    for (; from < to; from++)
        grid_erase(from, 0, SCREEN_COLUMNS);
}

static void erase_display(uint32_t what)
{
    uint32_t column = clamp(the_grid()->column, 0, SCREEN_COLUMNS - 1);
    if (what == 0) {
        grid_erase(the_grid()->row, column, SCREEN_COLUMNS);
        erase_lines(the_grid()->row + 1, SCREEN_ROWS);
    } else if (what == 1) {
        erase_lines(0, the_grid()->row);
        grid_erase(the_grid()->row, 0, column + 1);
    } else if (what == 2) {
        erase_lines(0, SCREEN_ROWS);
    } else if (what == 3) {
        the_grid()->history = 0;
    }
}

static void erase_in_line(uint32_t what)
{
    uint32_t column = clamp(the_grid()->column, 0, SCREEN_COLUMNS - 1);
    if (what <= 2)
        grid_erase(the_grid()->row, what == 0 ? column : 0,
                   what == 1 ? column + 1 : SCREEN_COLUMNS);
}

static void set_region(const struct escape *escape)
{
    uint32_t top = escape->parameters[0] ? escape->parameters[0] : 1;
    uint32_t bottom =
        escape->count > 1 && escape->parameters[1] ? escape->parameters[1] : SCREEN_ROWS;
    if (top >= bottom || bottom > SCREEN_ROWS)
        return;
    the_grid()->top = top - 1;
    the_grid()->bottom = bottom - 1;
    move_to(0, 0);
}

static void save_cursor(void)
{
    saved()->column = the_grid()->column;
    saved()->row = the_grid()->row;
    saved()->foreground = look()->foreground;
    saved()->background = look()->background;
    saved()->modes = look()->modes;
}

static void restore_cursor(void)
{
    the_grid()->column = saved()->column;
    the_grid()->row = saved()->row;
    look()->foreground = saved()->foreground;
    look()->background = saved()->background;
    look()->modes = saved()->modes;
    update_attribute();
}

static void scroll_region(int32_t count)
{
    grid_scroll(the_grid()->top, the_grid()->bottom, count);
}

// Insert (positive) or delete lines at the cursor, inside the region.
static void insert_lines(int32_t count)
{
    if (the_grid()->row >= the_grid()->top && the_grid()->row <= the_grid()->bottom)
        grid_scroll(the_grid()->row, the_grid()->bottom, -count);
}

void escape_line_feed(void)
{
    if (the_grid()->row == the_grid()->bottom)
        scroll_region(1);
    else if (the_grid()->row < SCREEN_ROWS - 1)
        the_grid()->row++;
}

void escape_reset(void)
{
    reset_look();
    the_grid()->top = 0;
    the_grid()->bottom = SCREEN_ROWS - 1;
    the_grid()->hidden = false;
    saved()->column = saved()->row = 0;
    saved()->foreground = look()->foreground;
    saved()->background = look()->background;
    saved()->modes = look()->modes;
}

void escape_simple(char final)
{
    if (final == '7')
        save_cursor();
    else if (final == '8')
        restore_cursor();
    else if (final == 'D')
        escape_line_feed();
    else if (final == 'E') {
        the_grid()->column = 0;
        escape_line_feed();
    } else if (final == 'M') {
        if (the_grid()->row == the_grid()->top)
            scroll_region(-1);
        else if (the_grid()->row > 0)
            the_grid()->row--;
    } else if (final == 'c') {
        escape_reset();
        move_to(0, 0);
        erase_display(2);
    }
}

void escape_control(const struct escape *escape, char final)
{
    uint32_t first = escape->parameters[0], second = escape->parameters[1];
    int32_t count = (int32_t)(first ? first : 1); // for those that count
    uint32_t column = clamp(the_grid()->column, 0, SCREEN_COLUMNS - 1);
    if (escape->prefix) {
        if (escape->prefix == '?' && first == 25 && (final == 'h' || final == 'l'))
            the_grid()->hidden = final == 'l';
        return;
    }
    switch (final) {
    case 'A':
        return move_rows(-count);
    case 'B':
    case 'e':
        return move_rows(count);
    case 'C':
    case 'a':
        return move_to(the_grid()->row, (int64_t)column + count);
    case 'D':
        return move_to(the_grid()->row, (int64_t)column - count);
    case 'E':
        the_grid()->column = 0;
        return move_rows(count);
    case 'F':
        the_grid()->column = 0;
        return move_rows(-count);
    case 'G':
    case '`':
        return move_to(the_grid()->row, (int64_t)count - 1);
    case 'd':
        return move_to((int64_t)count - 1, column);
    case 'H':
    case 'f':
        return move_to((int64_t)count - 1, (int64_t)(second ? second : 1) - 1);
    case 'J':
        return erase_display(first);
    case 'K':
        return erase_in_line(first);
    case 'L':
        return insert_lines(count);
    case 'M':
        return insert_lines(-count);
    case '@':
        return grid_shift(column, count);
    case 'P':
        return grid_shift(column, -count);
    case 'X':
        return grid_erase(the_grid()->row, column,
                          clamp((int64_t)column + count, 0, SCREEN_COLUMNS));
    case 'S':
        return scroll_region(count);
    case 'T':
        return scroll_region(-count);
    case 'm':
        return select_rendition(escape);
    case 'r':
        return set_region(escape);
    case 's':
        return save_cursor();
    case 'u':
        return restore_cursor();
    default:
        return;
    }
}

bool escape_valid(void)
{
    return saved()->column <= SCREEN_COLUMNS && saved()->row < SCREEN_ROWS;
}
