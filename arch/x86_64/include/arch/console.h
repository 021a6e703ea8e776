/// The kernel's own voice: COM1 and the VGA text screen. Used for the log before user space
/// drives these devices, and for panics, which take them back.
#pragma once

#include <stddef.h>

/// Writes to the serial port alone. Bounded: a port that never gets ready is given up.
void arch_console_serial(const char *text, size_t bytes);

/// Writes what the serial port takes without waiting. Returns how many bytes of `text` that
/// was; all of them where there is no port.
size_t arch_console_offer(const char *text, size_t bytes);

/// Clears the text screen for a panic, the first time.
void arch_console_take(void);

/// Writes to the text screen, scrolling, if it was taken. Until then it is user space's.
void arch_console_screen(const char *text, size_t bytes);

/// Prints the kernel's call chain through kern_log(), one line each: address, function and
/// offset. In a panic about an exception, the registers and the chain of where that happened.
void arch_backtrace(void);
