// The terminal as a whole: output goes to screen and serial line, input comes from keyboard and
// serial line through the line discipline.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Bits of the server's signals.
enum { SIGNAL_KEYBOARD = 1, SIGNAL_SERIAL = 2 };

/// Take over the hardware, and what was kept. `interrupt` is called on Ctrl-C.
void terminal_start(uint32_t endpoint, void (*interrupt)(void), bool resumes);
/// Between requests: send output on.
void terminal_settle(void);
/// After interrupts: take input, send output on.
void terminal_service(uint64_t signals);
/// A program's output; the result is how much was taken: 0 where the serial line has to drain.
size_t terminal_write(const void *bytes, size_t length);
/// A write would take something.
int terminal_writable(void);
