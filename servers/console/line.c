// See line.h. Called by terminal.c. The ring holds what can be read, then the line being typed:
//
//      first            ready                    end
//        | readable bytes | line being typed       |
//
// Entries are bytes, or END: an end of file typed with ^D. What always holds: in canonical mode
// [first, ready) ends with a newline or END; otherwise ready == end.
#include "line.h"

#include <lib/kept.h>
#include <lib/text.h>

#define END       0x100u
#define CONTROL_C 3
#define CONTROL_D 4
#define BACKSPACE 8
#define CONTROL_U 21
#define CONTROL_W 23
#define DELETE    127
#define TAB_WIDTH 8u
#define MODE_START                                                                             \
    (TERMINAL_MODE_CANONICAL | TERMINAL_MODE_ECHO | TERMINAL_MODE_SIGNALS |                    \
     TERMINAL_MODE_NEWLINE)

static KEPT struct line {
    const struct line_hooks *hooks;
    uint32_t mode;
    uint32_t first, ready, end; // count up for ever, taken modulo LINE_BYTES
    uint32_t lines;             // newlines and ENDs in [first, ready)
    uint16_t entries[LINE_BYTES];
    uint8_t widths[LINE_BYTES]; // columns that each entry of the typed line takes on the screen
} kept_line;

static struct line *line(void)
{
    return KEPT_VIEW(kept_line);
}

void line_init(const struct line_hooks *hooks)
{
    memset(line(), 0, sizeof *line());
    line()->hooks = hooks;
    line()->mode = MODE_START;
}

uint32_t line_mode(void)
{
    return line()->mode;
}

static bool is_end_of_line(uint16_t entry)
{
    return entry == '\n' || entry == END;
}

// What was typed becomes readable.
static void make_ready(void)
{
    for (; line()->ready != line()->end; line()->ready++)
        line()->lines += is_end_of_line(line()->entries[line()->ready % LINE_BYTES]);
}

// Ctrl-C was typed ahead, as a byte, before the mode in which it is an interrupt.
static bool has_interrupt(void)
{
    for (uint32_t i = line()->first; i != line()->end; i++)
        if (line()->entries[i % LINE_BYTES] == CONTROL_C)
            return true;
    return false;
}

void line_set_mode(uint32_t mode)
{
    bool signals = mode & ~line()->mode & TERMINAL_MODE_SIGNALS;
    if (!(mode & TERMINAL_MODE_CANONICAL))
        make_ready();
    line()->mode = mode & MODE_START;
    if (signals && has_interrupt()) {
        line_flush();
        line()->hooks->interrupt();
    }
}

static void echo(const char *bytes, size_t length)
{
    if (line()->mode & TERMINAL_MODE_ECHO)
        line()->hooks->echo(bytes, length);
}

// Echoes one byte and says how many columns that takes.
static uint8_t echo_byte(uint8_t byte)
{
    char text[2] = {'^', (char)(byte ^ 0x40)};
    if (byte == '\t') {
        uint32_t column = line()->hooks->column();
        echo("\t", 1);
        return (uint8_t)(TAB_WIDTH - column % TAB_WIDTH);
    }
    if (byte == '\n' || (byte >= 0x20 && byte != DELETE)) {
        echo((char *)&byte, 1);
        return byte != '\n' &&
               (byte & 0xc0) != 0x80; // continuation bytes of UTF-8 take no room
    }
    echo(text, 2);
    return 2;
}

static bool push(uint16_t entry, uint8_t width)
{
    if (line()->end - line()->first == LINE_BYTES)
        return false;
    line()->entries[line()->end % LINE_BYTES] = entry;
    line()->widths[line()->end % LINE_BYTES] = width;
    line()->end++;
    return true;
}

// Takes the last character of the typed line back, with all its bytes. False: there is none.
static bool erase_character(void)
{
    uint32_t columns = 0;
    if (line()->end == line()->ready)
        return false;
    bool more;
    do {
        line()->end--;
        columns += line()->widths[line()->end % LINE_BYTES];
        more = (line()->entries[line()->end % LINE_BYTES] & 0xc0) == 0x80;
    } while (more && line()->end != line()->ready);
    for (; columns > 0; columns--)
        echo("\b \b", 3);
    return true;
}

static bool last_is_blank(void)
{
    uint16_t entry = line()->entries[(line()->end - 1) % LINE_BYTES];
    return entry == ' ' || entry == '\t';
}

static void erase_word(void)
{
    while (line()->end != line()->ready && last_is_blank())
        erase_character();
    while (line()->end != line()->ready && !last_is_blank())
        erase_character();
}

static void type_canonical(uint8_t byte)
{
    if (byte == BACKSPACE || byte == DELETE) {
        erase_character();
    } else if (byte == CONTROL_U) {
        while (erase_character())
            ;
    } else if (byte == CONTROL_W) {
        erase_word();
    } else if (byte == CONTROL_D) {
        if (push(END, 0))
            make_ready();
    } else if (byte != '\n' && line()->end - line()->first >= LINE_BYTES - 1) {
        echo("\a", 1); // the last place is for the newline
    } else if (line()->end - line()->first < LINE_BYTES) {
        push(byte, echo_byte(byte));
        if (byte == '\n')
            make_ready();
    }
}

static void interrupt(void)
{
    line_flush();
    echo("^C\n", 3);
    line()->hooks->interrupt();
}

void line_input(uint8_t byte)
{
    if (byte == '\r' && (line()->mode & TERMINAL_MODE_NEWLINE))
        byte = '\n';
    if (byte == CONTROL_C && (line()->mode & TERMINAL_MODE_SIGNALS)) {
        interrupt();
    } else if (line()->mode & TERMINAL_MODE_CANONICAL) {
        type_canonical(byte);
    } else if (push(byte, 0)) {
        echo_byte(byte);
        make_ready();
    }
}

bool line_readable(void)
{
    return line()->mode & TERMINAL_MODE_CANONICAL ? line()->lines > 0
                                                  : line()->ready != line()->first;
}

enum status line_peek(void *to, size_t length, size_t *bytes, uint32_t *entries)
{
    *bytes = 0;
    *entries = 0;
    if (length == 0)
        return OK;
    if (!line_readable())
        return E_AGAIN;
    while (*bytes < length && line()->first + *entries != line()->ready) {
        uint16_t entry = line()->entries[(line()->first + (*entries)++) % LINE_BYTES];
        if (entry != END)
            ((uint8_t *)to)[(*bytes)++] = (uint8_t)entry;
        if (is_end_of_line(entry) && (line()->mode & TERMINAL_MODE_CANONICAL))
            return OK;
    }
    // A line that just fitted: the END that closes it must not be read as an end of file.
    if (*bytes == length && line()->first + *entries != line()->ready &&
        line()->entries[(line()->first + *entries) % LINE_BYTES] == END)
        (*entries)++;
    return OK;
}

void line_take(uint32_t entries)
{
    for (; entries > 0; entries--, line()->first++)
        line()->lines -= is_end_of_line(line()->entries[line()->first % LINE_BYTES]);
}

void line_flush(void)
{
    line()->first = line()->ready = line()->end;
    line()->lines = 0;
}

bool line_resume(const struct line_hooks *hooks)
{
    struct line *l = line();
    uint32_t lines = 0;
    l->hooks = hooks;
    if (l->mode & ~MODE_START || l->ready - l->first > LINE_BYTES ||
        l->end - l->ready > LINE_BYTES || l->end - l->first > LINE_BYTES)
        return false;
    for (uint32_t i = l->first; i != l->ready; i++)
        lines += is_end_of_line(l->entries[i % LINE_BYTES]);
    return lines == l->lines;
}
