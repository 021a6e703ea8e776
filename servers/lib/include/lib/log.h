/// The server's voice: lines `name: what, where` in the kernel log (with the Debug capability
/// that the boot manifest grants as "debug"; without it they are dropped), and the end of a
/// server that finds its own state broken.
#pragma once

#include <stdarg.h>
#include <stddef.h>

/// Conversions: %s %c %d %u %x %p, with l or z before d, u, x; width with optional leading 0
/// for numbers, precision for %s (%.*s too). At most 400 bytes of one line; a newline is added.
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);

/// The same into a buffer of `max` bytes, cut off and NUL-terminated. Returns the bytes written
/// without the NUL.
__attribute__((format(printf, 3, 4))) size_t text_format(char *text, size_t max,
                                                         const char *format, ...);
size_t text_format_list(char *text, size_t max, const char *format, va_list list);

/// Who speaks; crt0 sets it from startup.name.
extern const char *log_name;

/// For init, which has no supervisor: the kernel's panic.
extern void (*log_dying)(void);

/// Says what is broken and ends the process by an illegal instruction: its supervisor buries
/// and restarts it. For broken invariants of the server itself, never for anything a client
/// sent.
/// If log_dying is set, it is called in between.
_Noreturn void log_die(const char *what, const char *file, int line);

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition))                                                                      \
            log_die(#condition, __FILE__, __LINE__);                                           \
    } while (0)
