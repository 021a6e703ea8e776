// The screen: see screen.h. Called by terminal.c. This file takes bytes apart: characters,
// controls and the frames of sequences; escape.c knows what sequences do, grid.c holds the
// cells.
#include "screen.h"

#include "escape.h"
#include "glyphs.h"
#include "grid.h"

#include <lib/text.h>

#define PARAMETER_MAX 9999u
#define REPLACEMENT   0xfffdu
#define TAB_WIDTH     8u

enum state {
    GROUND,
    ESCAPE,       // after ESC
    INTERMEDIATE, // ESC and an intermediate byte: one more follows
    CONTROL,      // ESC [
    STRING,       // ESC ] and its kin: up to BEL, or ESC and a backslash
    STRING_ESCAPE,
};

static KEPT struct parser {
    enum state state;
    struct escape escape;
    bool ignored;        // CONTROL: an intermediate byte came, whatever it is does nothing
    uint32_t code_point; // UTF-8 so far
    uint32_t smallest;   // that the sequence may stand for
    uint32_t more;       // continuation bytes missing
} kept_parser;

static struct parser *parser(void)
{
    return KEPT_VIEW(kept_parser);
}

void screen_init(void)
{
    memset(the_grid(), 0, sizeof *the_grid());
    memset(parser(), 0, sizeof *parser());
    escape_reset();
    for (uint32_t row = 0; row < SCREEN_ROWS; row++)
        grid_erase(row, 0, SCREEN_COLUMNS);
}

void screen_adopt(const volatile uint16_t *cells, uint32_t column, uint32_t row)
{
    for (uint32_t i = 0; i < SCREEN_ROWS * SCREEN_COLUMNS; i++)
        grid_row(i / SCREEN_COLUMNS)[i % SCREEN_COLUMNS] = cells[i];
    the_grid()->column = column < SCREEN_COLUMNS ? column : 0;
    the_grid()->row = row < SCREEN_ROWS ? row : SCREEN_ROWS - 1;
}

bool screen_resume(void)
{
    const struct grid *grid = the_grid();
    const struct parser *p = parser();
    return grid->first < SCREEN_LINES && grid->history <= SCREEN_LINES - SCREEN_ROWS &&
           grid->back <= grid->history && grid->column <= SCREEN_COLUMNS &&
           grid->row < SCREEN_ROWS && grid->top <= grid->bottom && grid->bottom < SCREEN_ROWS &&
           p->state <= STRING_ESCAPE && p->more <= 3 && p->escape.count <= ESCAPE_PARAMETERS &&
           (p->escape.count > 0 || p->state != CONTROL) && escape_valid();
}

static void put_glyph(uint8_t glyph)
{
    if (the_grid()->column == SCREEN_COLUMNS) {
        the_grid()->column = 0;
        escape_line_feed();
    }
    grid_row(the_grid()->row)[the_grid()->column++] =
        (uint16_t)(glyph | the_grid()->attribute << 8);
}

static void put_control(uint8_t byte)
{
    switch (byte) {
    case '\b':
        if (the_grid()->column == SCREEN_COLUMNS)
            the_grid()->column--;
        if (the_grid()->column > 0)
            the_grid()->column--;
        break;
    case '\t':
        if (the_grid()->column < SCREEN_COLUMNS)
            the_grid()->column = (the_grid()->column / TAB_WIDTH + 1) * TAB_WIDTH;
        if (the_grid()->column >= SCREEN_COLUMNS)
            the_grid()->column = SCREEN_COLUMNS - 1;
        break;
    case '\n':
    case '\v':
    case '\f':
        escape_line_feed();
        break;
    case '\r':
        the_grid()->column = 0;
        break;
    case 27:
        parser()->state = ESCAPE;
        break;
    default:
        break;
    }
}

// Starts a UTF-8 sequence (RFC 3629, section 3).
static void begin_utf8(uint8_t byte)
{
    if (byte >= 0xc2 && byte <= 0xdf) {
        parser()->more = 1;
        parser()->code_point = byte & 0x1f;
        parser()->smallest = 0x80;
    } else if ((byte & 0xf0) == 0xe0) {
        parser()->more = 2;
        parser()->code_point = byte & 0x0f;
        parser()->smallest = 0x800;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
        parser()->more = 3;
        parser()->code_point = byte & 0x07;
        parser()->smallest = 0x10000;
    } else {
        put_glyph(glyph_of(REPLACEMENT));
    }
}

static void put_character(uint8_t byte)
{
    if (parser()->more && (byte & 0xc0) == 0x80) {
        parser()->code_point = parser()->code_point << 6 | (byte & 0x3f);
        if (--parser()->more == 0)
            put_glyph(glyph_of(parser()->code_point < parser()->smallest
                                   ? REPLACEMENT
                                   : parser()->code_point));
        return;
    }
    if (parser()->more) { // cut short
        parser()->more = 0;
        put_glyph(glyph_of(REPLACEMENT));
    }
    if (byte < 0x20)
        put_control(byte);
    else if (byte < 0x7f)
        put_glyph(byte);
    else if (byte >= 0x80)
        begin_utf8(byte);
}

static void begin_escape(uint8_t byte)
{
    parser()->state = GROUND;
    if (byte == '[') {
        parser()->state = CONTROL;
        parser()->ignored = false;
        parser()->escape = (struct escape){.count = 1};
    } else if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_') {
        parser()->state = STRING;
    } else if (byte >= 0x20 && byte < 0x30) {
        parser()->state = INTERMEDIATE;
    } else if (byte == 27) {
        parser()->state = ESCAPE;
    } else {
        escape_simple((char)byte);
    }
}

static void put_in_control(uint8_t byte)
{
    struct escape *escape = &parser()->escape;
    uint32_t *last = &escape->parameters[escape->count - 1];
    if (byte >= '0' && byte <= '9') {
        *last = *last * 10 + byte - '0';
        if (*last > PARAMETER_MAX)
            *last = PARAMETER_MAX;
    } else if (byte == ';' || byte == ':') {
        if (escape->count < ESCAPE_PARAMETERS)
            escape->count++;
        else
            parser()->ignored = true;
    } else if (byte >= '<' && byte <= '?') {
        escape->prefix = (char)byte;
    } else if (byte >= 0x40 && byte < 0x7f) {
        parser()->state = GROUND;
        if (!parser()->ignored)
            escape_control(escape, (char)byte);
    } else if (byte >= 0x20 && byte < 0x30) {
        parser()->ignored = true;
    } else if (byte == 0x18 || byte == 0x1a) {
        parser()->state = GROUND; // CAN and SUB give up the sequence
    } else if (byte < 0x20) {
        put_control(byte);
    }
}

static void put_byte(uint8_t byte)
{
    switch (parser()->state) {
    case GROUND:
        put_character(byte);
        break;
    case ESCAPE:
        begin_escape(byte);
        break;
    case INTERMEDIATE:
        parser()->state = GROUND;
        break;
    case CONTROL:
        put_in_control(byte);
        break;
    case STRING:
        if (byte == 27)
            parser()->state = STRING_ESCAPE;
        else if (byte == 7 || byte == 0x18 || byte == 0x1a)
            parser()->state = GROUND;
        break;
    case STRING_ESCAPE:
        parser()->state = byte == '\\' ? GROUND : STRING;
        break;
    }
}

void screen_write(const void *bytes, size_t length)
{
    the_grid()->back = 0;
    for (size_t i = 0; i < length; i++)
        put_byte(((const uint8_t *)bytes)[i]);
}

void screen_look_back(int32_t lines)
{
    int64_t back = (int64_t)the_grid()->back + lines;
    the_grid()->back = back < 0                     ? 0
                       : back > the_grid()->history ? the_grid()->history
                                                    : (uint32_t)back;
}

const uint16_t *screen_row(uint32_t row)
{
    return the_grid()
        ->lines[(the_grid()->first + SCREEN_LINES - the_grid()->back + row) % SCREEN_LINES];
}

bool screen_cursor(uint32_t *column, uint32_t *row)
{
    *column = the_grid()->column < SCREEN_COLUMNS ? the_grid()->column : SCREEN_COLUMNS - 1;
    *row = the_grid()->row + the_grid()->back;
    return !the_grid()->hidden && *row < SCREEN_ROWS;
}

uint32_t screen_column(void)
{
    return the_grid()->column;
}
