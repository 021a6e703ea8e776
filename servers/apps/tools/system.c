// Commands that ask Pith's servers: ps, mem, cpus, shutdown, reboot.
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

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

/// Slots of the kernel's that are taken by anything but free memory.
static enum status slots_taken(uint64_t *slots)
{
    uint64_t idle, y, z;
    uint32_t debug;
    enum status status = process_service(session_to(STARTUP_SLOT_PROCESS), "debug", 5, &debug);
    if (status == OK)
        status = sys_debug(debug, DEBUG_OP_SLOTS, 0, 0, slots, &y, &z);
    if (status == OK)
        status = memory_idle_slots(session_to(STARTUP_SLOT_MEMORY), &idle);
    *slots -= idle;
    return status;
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
    status = slots_taken(&used);
    if (status != OK)
        return fail_status("slots", status);
    printf("slots %" PRIu64 "\n", used);
    status = files_file_system(session_to(STARTUP_SLOT_FILES), &files);
    if (status != OK)
        return fail_status("files", status);
    printf("files: used %" PRIu64 ", free %" PRIu64 ", %" PRIu64 " files\n",
           (files.bytes_total - files.bytes_free) / 1024, files.bytes_free / 1024, files.files);
    return 0;
}

enum { SAMPLE_MICROSECONDS = 200000 };

/// The name of the program with the kernel's thread number `thread`; false: it is none's first.
static bool program_of(uint32_t thread, struct process_info *info)
{
    for (uint32_t from = 0; process_info(session_to(STARTUP_SLOT_PROCESS), from, info) == OK;
         from = info->pid + 1)
        if (info->thread == thread)
            return true;
    return false;
}

static uint64_t time_now(void)
{
    return __builtin_ia32_rdtsc();
}

static int show_cpu(uint32_t debug, uint32_t cpu, uint64_t idle_before, uint64_t before)
{
    uint64_t apic_id, idle, thread;
    struct process_info info;
    enum status status = sys_debug(debug, DEBUG_OP_CPU, cpu, 0, &apic_id, &idle, &thread);
    if (status != OK)
        return fail_status("the kernel", status);
    uint64_t share = (idle - idle_before) * 100 / (time_now() - before);
    printf("cpu %" PRIu32 "  apic %" PRIu64 "  idle %3" PRIu64 "%%  ", cpu, apic_id,
           share < 100 ? share : 100);
    if (!thread)
        puts("-");
    else if (program_of((uint32_t)thread, &info))
        printf("%.*s\n", (int)sizeof info.name, info.name);
    else
        printf("thread %" PRIu64 "\n", thread);
    return 0;
}

int tool_cpus(int argc, char **argv)
{
    uint64_t idle[BOOT_CPUS], before[BOOT_CPUS], none;
    uint32_t debug, count = startup_block->cpu_count;
    (void)argv;
    if (argc > 1)
        return usage("");
    enum status status = process_service(session_to(STARTUP_SLOT_PROCESS), "debug", 5, &debug);
    if (status != OK)
        return fail_status("no debug capability", status);
    for (uint32_t i = 0; i < count; i++) {
        before[i] = time_now();
        status = sys_debug(debug, DEBUG_OP_CPU, i, 0, &none, &idle[i], &none);
        if (status != OK)
            return fail_status("the kernel", status);
    }
    usleep(SAMPLE_MICROSECONDS);
    int failed = 0;
    for (uint32_t i = 0; i < count && !failed; i++)
        failed = show_cpu(debug, i, idle[i], before[i]);
    return failed;
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
