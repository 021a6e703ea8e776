// See vga.h. Called by terminal.c. Registers: IBM VGA, CRT controller and attribute controller.
// Cells go to the screen only where they differ from what is there: an emulator redraws each.
#include "vga.h"

#include <lib/log.h>
#include <lib/server.h>
#include <lib/start.h>
#include <proto/memory.h>

#include "ports.h"
#include "screen.h"

// Offsets from port 0x3c0.
#define ATTRIBUTE      0x00u // index and data in turn
#define ATTRIBUTE_READ 0x01u
#define CRTC_INDEX     0x14u
#define CRTC_DATA      0x15u
#define STATUS         0x1au // reading it makes ATTRIBUTE expect an index

#define ATTRIBUTE_MODE    0x10u
#define ATTRIBUTE_VIDEO   0x20u // with any index: the screen stays on
#define MODE_BLINK        0x08u
#define CURSOR_START      0x0au
#define CURSOR_END        0x0bu
#define CURSOR_HIGH       0x0eu
#define CURSOR_LOW        0x0fu
#define CURSOR_FIRST_LINE 13u // an underline in a 16-line cell
#define CURSOR_LAST_LINE  14u
#define CURSOR_NOWHERE    (SCREEN_COLUMNS * SCREEN_ROWS)

static struct granted ports;
static volatile uint16_t *memory;
static uint16_t shown[SCREEN_ROWS][SCREEN_COLUMNS];
static uint32_t shown_cursor;

static uint8_t crtc_read(uint8_t index)
{
    ports_out(ports, CRTC_INDEX, index);
    return ports_in(ports, CRTC_DATA);
}

static void crtc_write(uint8_t index, uint8_t value)
{
    ports_out(ports, CRTC_INDEX, index);
    ports_out(ports, CRTC_DATA, value);
}

// Bit 7 of an attribute is to be a bright background, not blinking.
static void disable_blinking(void)
{
    (void)ports_in(ports, STATUS);
    ports_out(ports, ATTRIBUTE, ATTRIBUTE_MODE | ATTRIBUTE_VIDEO);
    uint8_t mode = ports_in(ports, ATTRIBUTE_READ);
    ports_out(ports, ATTRIBUTE, mode & (uint8_t)~MODE_BLINK);
    (void)ports_in(ports, STATUS);
}

void vga_start(bool resume)
{
    uint64_t address, length;
    ports = ports_grant("vga-ports");
    CHECK(memory_attach_share(session_to(STARTUP_SLOT_MEMORY),
                              PROTECTION_READ | PROTECTION_WRITE, ports_grant("vga").slot,
                              &address, &length) == OK);
    CHECK(length >= sizeof shown);
    memory = (volatile uint16_t *)address;
    server_claim((void *)address);
    shown_cursor = (uint32_t)crtc_read(CURSOR_HIGH) << 8 | crtc_read(CURSOR_LOW);
    if (!resume) {
        screen_init();
        screen_adopt(memory, shown_cursor % SCREEN_COLUMNS, shown_cursor / SCREEN_COLUMNS);
    }
    for (uint32_t row = 0; row < SCREEN_ROWS; row++)
        for (uint32_t column = 0; column < SCREEN_COLUMNS; column++)
            shown[row][column] = memory[row * SCREEN_COLUMNS + column];
    crtc_write(CURSOR_START, CURSOR_FIRST_LINE);
    crtc_write(CURSOR_END, CURSOR_LAST_LINE);
    disable_blinking();
}

static void show_cursor(void)
{
    uint32_t column, row, cursor = CURSOR_NOWHERE;
    if (screen_cursor(&column, &row))
        cursor = row * SCREEN_COLUMNS + column;
    if (cursor == shown_cursor)
        return;
    shown_cursor = cursor;
    crtc_write(CURSOR_HIGH, (uint8_t)(cursor >> 8));
    crtc_write(CURSOR_LOW, (uint8_t)cursor);
}

void vga_show(void)
{
    for (uint32_t row = 0; row < SCREEN_ROWS; row++) {
        const uint16_t *cells = screen_row(row);
        for (uint32_t column = 0; column < SCREEN_COLUMNS; column++) {
            if (shown[row][column] == cells[column])
                continue;
            shown[row][column] = cells[column];
            memory[row * SCREEN_COLUMNS + column] = cells[column];
        }
    }
    show_cursor();
}
