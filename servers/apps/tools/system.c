// Commands that ask Pith's servers: ps, mem, shutdown, reboot.
#include <inttypes.h>
#include <string.h>

#include <lib/session.h>
#include <lib/start.h>
#include <pith/status.h>
#include <proto/files.h>
#include <proto/memory.h>
#include <proto/process.h>

#include "tools.h"

static int fail_status(const char *what, enum status status)
{
    fprintf(stderr, "%s: %s: %s\n", tool_name, what, status_message(status));
    return 1;
}

static const char *state_name(uint32_t state)
{
    return state == PROCESS_STATE_RUNNING  ? "run"
           : state == PROCESS_STATE_ZOMBIE ? "ended"
           : state == PROCESS_STATE_SERVER ? "server"
                                           : "?";
}

int tool_ps(int argc, char **argv)
{
    struct process_info info = {0};
    enum status status;
    (void)argv;
    if (argc > 1)
        return usage("");
    puts("  PID PARENT STATE      KIB     CPU NAME");
    uint64_t hz = startup_block->tsc_hz;
    for (uint32_t from = 0;
         (status = process_info(session_to(STARTUP_SLOT_PROCESS), from, &info)) == OK;
         from = info.pid + 1) {
        uint64_t ms = info.cpu_ticks / (hz / 1000);
        printf("%5" PRIu32 " %6" PRIu32 " %-6s %7" PRIu64 " %3" PRIu64 ".%03" PRIu64 " %.*s\n",
               info.pid, info.parent, state_name(info.state), info.memory / 1024, ms / 1000,
               ms % 1000, (int)sizeof info.name, info.name);
    }
    return status == E_SRCH ? 0 : fail_status("process", status);
}

int tool_mem(int argc, char **argv)
{
    uint64_t total, free, used, limit, objects;
    struct file_system_status files;
    (void)argv;
    if (argc > 1)
        return usage("");
    enum status status =
        memory_info(session_to(STARTUP_SLOT_MEMORY), &total, &free, &used, &limit, &objects);
    if (status != OK)
        return fail_status("memory", status);
    printf("free %" PRIu64 "\ntotal %" PRIu64 "\n", free / 1024, total / 1024);
    status = files_file_system(session_to(STARTUP_SLOT_FILES), &files);
    if (status != OK)
        return fail_status("files", status);
    printf("files: used %" PRIu64 ", free %" PRIu64 ", %" PRIu64 " files\n",
           (files.bytes_total - files.bytes_free) / 1024, files.bytes_free / 1024, files.files);
    return 0;
}

static int power(int argc, uint32_t how)
{
    if (argc > 1)
        return usage("");
    enum status status = process_power(session_to(STARTUP_SLOT_PROCESS), how);
    return status == OK ? 0 : fail_status("process", status);
}

int tool_shutdown(int argc, char **argv)
{
    (void)argv;
    return power(argc, 0);
}

int tool_reboot(int argc, char **argv)
{
    (void)argv;
    return power(argc, 1);
}
