// See terminal.h. Called by main.c and requests.c. The serial line's queue is what bounds
// output: a program that writes faster than the line sends waits, so no byte is lost. Part of
// the queue is kept for echo.
#include "terminal.h"

#include <lib/kept.h>
#include <lib/server.h>

#include "line.h"
#include "ps2.h"
#include "screen.h"
#include "serial.h"
#include "vga.h"

#define ECHO_BYTES  4096u // of the queue
#define PIECE_BYTES 16u
#define PIECE_WORDS 5000u // of kept state that a piece may change: scrolling sequences
#define LOOK_BACK   (SCREEN_ROWS / 2)

// Sends a piece both ways.
static void mirror(const char *bytes, size_t length)
{
    screen_write(bytes, length);
    serial_write(bytes, length);
}

// Output with newlines as the mode says, as long as the queue has more room than `keep`.
static size_t send(const char *bytes, size_t length, size_t keep)
{
    char piece[PIECE_BYTES];
    size_t done = 0;
    while (done < length && serial_room() >= keep + PIECE_BYTES && kept_room() >= PIECE_WORDS) {
        size_t filled = 0;
        for (; done < length && filled + 2 <= PIECE_BYTES; done++) {
            if (bytes[done] == '\n' && (line_mode() & TERMINAL_MODE_NEWLINE))
                piece[filled++] = '\r';
            piece[filled++] = bytes[done];
        }
        mirror(piece, filled);
    }
    return done;
}

static void echo(const void *bytes, size_t length)
{
    (void)send(bytes, length, 0);
}

size_t terminal_write(const void *bytes, size_t length)
{
    size_t done = send(bytes, length, ECHO_BYTES);
    vga_show();
    return done;
}

int terminal_writable(void)
{
    return serial_room() >= ECHO_BYTES + PIECE_BYTES;
}

// A byte that was typed is kept until it has had its effect.
static KEPT uint32_t typed; // the byte + 1, 0: none

static void input(uint8_t byte)
{
    kept_commit();
    *KEPT_VIEW(typed) = byte + 1u;
    kept_commit();
    line_input(byte);
    *KEPT_VIEW(typed) = 0;
    kept_commit();
}

static void take_keys(struct keys keys)
{
    if (keys.look_back)
        screen_look_back(keys.look_back * (int32_t)LOOK_BACK);
    else if (keys.count)
        screen_look_back(INT32_MIN);
    for (uint32_t i = 0; i < keys.count; i++)
        input((uint8_t)keys.bytes[i]);
}

void terminal_service(uint64_t signals)
{
    if (signals & SIGNAL_KEYBOARD)
        ps2_service(take_keys);
    if (signals & SIGNAL_SERIAL)
        serial_service(input);
    vga_show();
}

void terminal_start(uint32_t endpoint, void (*interrupt)(void), bool resumes)
{
    static struct line_hooks hooks = {.echo = echo, .column = screen_column};
    hooks.interrupt = interrupt;
    if (resumes)
        KEPT_CHECK(line_resume(&hooks) && screen_resume());
    else
        line_init(&hooks);
    vga_start(resumes);
    serial_start(endpoint, SIGNAL_SERIAL, resumes);
    ps2_start(endpoint, SIGNAL_KEYBOARD, resumes);
    if (*KEPT_VIEW(typed))
        input((uint8_t)(*KEPT_VIEW(typed) - 1));
    if (resumes) // what came while nobody listened
        server_loop()->signals |= SIGNAL_KEYBOARD | SIGNAL_SERIAL;
    vga_show();
}

void terminal_settle(void)
{
    serial_send();
}
