// The line that a person types: editing keys and history, on a terminal of any width that
// wraps. What did not change is not drawn again. Called by main.c.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "sh.h"

#define LINE_BYTES  4096
#define HISTORY_MAX 100
#define CONTROL(c)  ((c)&0x1f)

enum key {
    KEY_NONE = 256,
    KEY_UP,
    KEY_DOWN,
    KEY_RIGHT,
    KEY_LEFT,
    KEY_HOME,
    KEY_END,
    KEY_DELETE,
    KEY_EOF,
};

static struct {
    char text[LINE_BYTES];
    size_t bytes, cursor;
    const char *prompt;
    size_t prompt_columns, width;
    size_t shown; // byte index that the terminal's cursor is at
    size_t history_at;
    char *draft; // what was typed before going back in history
} line;

static char *history[HISTORY_MAX];
static size_t history_count;

const char *edit_history(size_t index)
{
    return index < history_count ? history[index] : NULL;
}

static void history_add(const char *text)
{
    if (!*text || (history_count && strcmp(history[history_count - 1], text) == 0))
        return;
    if (history_count == HISTORY_MAX) {
        free(history[0]);
        memmove(history, history + 1, (HISTORY_MAX - 1) * sizeof *history);
        history_count--;
    }
    history[history_count++] = must_copy(text, strlen(text));
}

// ---------------------------------------------------------------- drawing

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80; // of a UTF-8 sequence
}

static size_t position_of(size_t index)
{
    size_t position = line.prompt_columns;
    for (size_t i = 0; i < index; i++)
        position += !is_continuation(line.text[i]);
    return position;
}

static void move_to(size_t index)
{
    size_t from = position_of(line.shown), to = position_of(index);
    size_t from_row = from / line.width, to_row = to / line.width;
    size_t from_column = from % line.width, to_column = to % line.width;
    if (to_row < from_row)
        printf("\033[%zuA", from_row - to_row);
    else if (to_row > from_row)
        printf("\033[%zuB", to_row - from_row);
    if (to_column < from_column)
        printf("\033[%zuD", from_column - to_column);
    else if (to_column > from_column)
        printf("\033[%zuC", to_column - from_column);
    line.shown = index;
}

// Draws the text from `from` on; the cursor goes where it belongs.
static void draw_from(size_t from, bool shorter)
{
    move_to(from);
    fwrite(line.text + from, 1, line.bytes - from, stdout);
    line.shown = line.bytes;
    if (line.bytes > from && position_of(line.bytes) % line.width == 0)
        fputs(" \r", stdout); // the terminal wraps only with the next character
    if (shorter)
        fputs("\033[J", stdout);
    move_to(line.cursor);
}

static void draw_prompt(void)
{
    fputs(line.prompt, stdout);
    line.shown = 0;
    draw_from(0, false);
}

// ---------------------------------------------------------------- changing

static void insert(const char *text, size_t bytes)
{
    if (line.bytes + bytes >= LINE_BYTES) {
        putchar('\a');
        return;
    }
    memmove(line.text + line.cursor + bytes, line.text + line.cursor, line.bytes - line.cursor);
    memcpy(line.text + line.cursor, text, bytes);
    line.bytes += bytes;
    line.cursor += bytes;
    draw_from(line.cursor - bytes, false);
}

static void delete_range(size_t from, size_t to)
{
    memmove(line.text + from, line.text + to, line.bytes - to);
    line.bytes -= to - from;
    line.cursor = from;
    draw_from(from, true);
}

static size_t before(size_t index)
{
    while (index > 0 && is_continuation(line.text[--index]))
        ;
    return index;
}

static size_t after(size_t index)
{
    if (index < line.bytes)
        index++;
    while (index < line.bytes && is_continuation(line.text[index]))
        index++;
    return index;
}

static size_t word_before(size_t index)
{
    while (index > 0 && line.text[index - 1] == ' ')
        index--;
    while (index > 0 && line.text[index - 1] != ' ')
        index--;
    return index;
}

static void replace(const char *text)
{
    line.bytes = strlen(text);
    line.cursor = line.bytes;
    memcpy(line.text, text, line.bytes);
    draw_from(0, true);
}

static void go_in_history(bool back)
{
    if (back ? line.history_at == 0 : line.history_at == history_count)
        return;
    if (line.history_at == history_count) {
        free(line.draft);
        line.draft = must_copy(line.text, line.bytes);
    }
    line.history_at += back ? (size_t)-1 : 1;
    replace(line.history_at == history_count ? line.draft : history[line.history_at]);
}

static void complete_word(void)
{
    struct strings candidates = {0};
    char *more = complete(line.text, line.cursor, &candidates);
    if (more && *more) {
        insert(more, strlen(more));
    } else if (candidates.count > 1) {
        size_t cursor = line.cursor;
        move_to(line.bytes);
        puts("");
        for (size_t i = 0; i < candidates.count; i++)
            printf("%s%s", candidates.items[i], i + 1 < candidates.count ? "  " : "\n");
        line.cursor = cursor;
        draw_prompt();
    }
    free(more);
    strings_free(&candidates);
}

// ---------------------------------------------------------------- keys

static int read_byte(void)
{
    unsigned char byte;
    fflush(stdout);
    return read(STDIN_FILENO, &byte, 1) == 1 ? byte : KEY_EOF;
}

// Behind ESC: [ or O, perhaps a number, a letter or ~.
static int read_sequence(void)
{
    int byte = read_byte(), number = 0;
    if (byte != '[' && byte != 'O')
        return byte == KEY_EOF ? KEY_EOF : KEY_NONE;
    for (byte = read_byte(); (byte >= '0' && byte <= '9') || byte == ';'; byte = read_byte())
        number = byte == ';' ? number : number * 10 + byte - '0';
    switch (byte) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END;
    case '~':
        return number == 1 || number == 7   ? KEY_HOME
               : number == 4 || number == 8 ? KEY_END
               : number == 3                ? KEY_DELETE
                                            : KEY_NONE;
    default:
        return byte == KEY_EOF ? KEY_EOF : KEY_NONE;
    }
}

static int read_key(void)
{
    int byte = read_byte();
    switch (byte) {
    case 27:
        return read_sequence();
    case CONTROL('a'):
        return KEY_HOME;
    case CONTROL('e'):
        return KEY_END;
    case CONTROL('b'):
        return KEY_LEFT;
    case CONTROL('f'):
        return KEY_RIGHT;
    case CONTROL('p'):
        return KEY_UP;
    case CONTROL('n'):
        return KEY_DOWN;
    default:
        return byte;
    }
}

static void move_key(int key)
{
    size_t to = key == KEY_HOME   ? 0
                : key == KEY_END  ? line.bytes
                : key == KEY_LEFT ? before(line.cursor)
                                  : after(line.cursor);
    line.cursor = to;
    move_to(to);
}

// A key that neither ends the line nor moves.
static void edit_key(int key)
{
    char byte = (char)key;
    if (key == 127 || key == '\b')
        delete_range(before(line.cursor), line.cursor);
    else if (key == KEY_DELETE || key == CONTROL('d'))
        delete_range(line.cursor, after(line.cursor));
    else if (key == CONTROL('k'))
        delete_range(line.cursor, line.bytes);
    else if (key == CONTROL('u'))
        delete_range(0, line.cursor);
    else if (key == CONTROL('w'))
        delete_range(word_before(line.cursor), line.cursor);
    else if (key == KEY_UP || key == KEY_DOWN)
        go_in_history(key == KEY_UP);
    else if (key == '\t')
        complete_word();
    else if (key == CONTROL('l')) {
        fputs("\033[H\033[2J", stdout);
        draw_prompt();
    } else if (key >= ' ' && key < KEY_NONE)
        insert(&byte, 1);
}

// False: the line is given up (Ctrl-C) or input has ended.
static bool edit(bool *interrupted)
{
    for (;;) {
        int key = read_key();
        if (key == '\r' || key == '\n')
            return true;
        *interrupted = key == CONTROL('c');
        if (*interrupted || key == KEY_EOF || (key == CONTROL('d') && line.bytes == 0))
            return false;
        if (key >= KEY_RIGHT && key <= KEY_END)
            move_key(key);
        else
            edit_key(key);
    }
}

static size_t terminal_width(void)
{
    struct winsize size;
    return ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

char *edit_line(const char *prompt, size_t prompt_columns, bool *interrupted)
{
    struct termios before_editing, raw;
    tcgetattr(STDIN_FILENO, &before_editing);
    raw = before_editing;
    cfmakeraw(&raw);
    raw.c_oflag = before_editing.c_oflag;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    line.bytes = line.cursor = 0;
    line.prompt = prompt;
    line.prompt_columns = prompt_columns;
    line.width = terminal_width();
    line.history_at = history_count;
    draw_prompt();
    bool done = edit(interrupted);
    move_to(line.bytes);
    fflush(stdout);
    // Before the line's end is seen: a Ctrl-C from then on is meant for the command.
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before_editing);
    puts(*interrupted ? "^C" : "");
    fflush(stdout);
    if (!done)
        return *interrupted ? must_copy("", 0) : NULL;
    char *text = must_copy(line.text, line.bytes);
    history_add(text);
    return text;
}
