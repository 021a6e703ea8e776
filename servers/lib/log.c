// Lines to the kernel log. The IPC buffer's words carry them, so a message that is being put
// together there must be sent first; handlers and stubs never hold one across a log_line.
#include <lib/log.h>
#include <lib/start.h>
#include <pith/syscall.h>
#include <lib/ipc.h>

enum {
    LINE_BYTES = 400,
    PATIENCE = 1000000, // calls without progress: then nobody is at the other end of the line
};

const char *log_name = "?";

void log_line(const char *format, ...)
{
    const struct startup_grant *debug = startup_grant("debug");
    if (!debug)
        return;
    char line[LINE_BYTES];
    size_t size = text_format(line, sizeof line, "%s: ", log_name);
    va_list list;
    va_start(list, format);
    size += text_format_list(line + size, sizeof line - size - 1, format, list);
    va_end(list);
    line[size++] = '\n';
    __builtin_memcpy(ipc_buffer()->words, line, size);
    uint64_t at = 0, next, y, z;
    for (int tries = 0; tries < PATIENCE; tries++) {
        if (sys_debug(debug->slot, DEBUG_OP_LOG, size, at, &next, &y, &z) != E_MORE)
            return;
        if (next != at)
            tries = 0;
        at = next;
    }
}

void (*log_dying)(void);

_Noreturn void log_die(const char *what, const char *file, int line)
{
    log_line("broken invariant: %s, %s:%d", what, file, line);
    if (log_dying)
        log_dying();
    __builtin_trap();
}
