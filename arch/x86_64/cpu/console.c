/// COM1 and the VGA text screen, for the log before user space has them and for panics.

#include "cpu/cpu.h"
#include <arch/console.h>
#include <arch/port.h>

enum { COM1 = 0x3f8, FIFO = COM1 + 2, LINE_STATUS = COM1 + 5, SCRATCH = COM1 + 7 };
enum { FIFO_WORKS = 0xc0, FIFO_BYTES = 16, SEND_READY = 0x20 }; // ready: the FIFO is empty
enum { READY_POLLS = 100000, COLUMNS = 80, ROWS = 25, WHITE_ON_RED = 0x4f00 };

static bool serial_present, screen_taken;
static uint32_t column, row, fifo_bytes = 1;

void console_init(void)
{
    static const uint8_t setup[][2] = {
        {3, 0x80}, {0, 1}, {1, 0}, {3, 3}, // 115,200 baud, 8 bits, no parity
        {2, 0xc7}, {4, 3}, {1, 0},         // FIFOs, DTR and RTS, no interrupts
    };
    arch_port_write(SCRATCH, 1, 0x5a);
    serial_present = arch_port_read(SCRATCH, 1) == 0x5a;
    for (uint32_t i = 0; i < sizeof setup / sizeof *setup; i++)
        arch_port_write(COM1 + setup[i][0], 1, setup[i][1]);
    if ((arch_port_read(FIFO, 1) & FIFO_WORKS) == FIFO_WORKS)
        fifo_bytes = FIFO_BYTES;
}

static bool ready(void)
{
    return arch_port_read(LINE_STATUS, 1) & SEND_READY;
}

static void send(char c)
{
    for (uint32_t i = 0; i < READY_POLLS; i++) {
        if (ready()) {
            arch_port_write(COM1, 1, (uint8_t)c);
            return;
        }
    }
}

void arch_console_serial(const char *text, size_t bytes)
{
    for (size_t i = 0; serial_present && i < bytes; i++) {
        if (text[i] == '\n')
            send('\r');
        send(text[i]);
    }
}

size_t arch_console_offer(const char *text, size_t bytes)
{
    uint32_t room = 0;
    for (size_t i = 0; serial_present && i < bytes; i++) {
        uint32_t need = text[i] == '\n' ? 2 : 1;
        if (room < need && !ready())
            return i;
        if (room < need)
            room = fifo_bytes;
        if (need > room) { // a port without a FIFO
            send('\r');
            send('\n');
            room = 0;
            continue;
        }
        if (need == 2)
            arch_port_write(COM1, 1, '\r');
        arch_port_write(COM1, 1, (uint8_t)text[i]);
        room -= need;
    }
    return bytes;
}

static volatile uint16_t *cells(void)
{
    return arch_pointer(phys(0xb8000));
}

void arch_console_take(void)
{
    if (screen_taken)
        return;
    for (uint32_t i = 0; i < COLUMNS * ROWS; i++)
        cells()[i] = WHITE_ON_RED | ' ';
    arch_port_write(0x3d4, 2, 0x200a); // no cursor
    arch_port_write(0x3d4, 2, 0x000c); // shown from the start of its memory
    arch_port_write(0x3d4, 2, 0x000d);
    column = row = 0;
    screen_taken = true;
}

static void next_line(void)
{
    column = 0;
    if (row < ROWS - 1) {
        row++;
        return;
    }
    for (uint32_t i = 0; i < COLUMNS * (ROWS - 1); i++)
        cells()[i] = cells()[i + COLUMNS];
    for (uint32_t i = COLUMNS * (ROWS - 1); i < COLUMNS * ROWS; i++)
        cells()[i] = WHITE_ON_RED | ' ';
}

void arch_console_screen(const char *text, size_t bytes)
{
    for (size_t i = 0; screen_taken && i < bytes; i++) {
        if (text[i] == '\n') {
            next_line();
            continue;
        }
        if (column == COLUMNS)
            next_line();
        cells()[row * COLUMNS + column++] = WHITE_ON_RED | (uint8_t)text[i];
    }
}
