// trace PROGRAM [ARGUMENT...]: runs the program and shows the messages that it sent, by
// interface and request, with those that servers sent meanwhile to answer them. Needs the debug
// capability, which `process` gives by name. The kernel's rings, one for each CPU, keep
// the newest events.
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lib/session.h>
#include <lib/start.h>
#include <pith/status.h>
#include <proto/process.h>

#include "trace_print.h"

extern char **environ;

static const uint64_t EVENTS = 1u << TRACE_MESSAGE | 1u << TRACE_REPLY;

struct log {
    struct trace_event *events;
    size_t count;
    uint64_t lost;
};

static const char *process_name(uint32_t pid)
{
    static struct process_info info;
    if (process_info(session_to(STARTUP_SLOT_PROCESS), pid, &info) != OK || info.pid != pid)
        return "(ended)";
    return info.name;
}

static const char *child_name;
static pid_t child;

static const char *name_of(uint32_t pid)
{
    return pid == (uint32_t)child ? child_name : process_name(pid);
}

/// Switches recording on (a mask of events) or off (0).
static void record(uint32_t debug, uint64_t mask)
{
    uint64_t x, y, z;
    enum status status = sys_debug(debug, DEBUG_OP_TRACE, mask, 0, &x, &y, &z);
    if (status != OK) {
        fprintf(stderr, "trace: the kernel refuses to record: %s\n", status_message(status));
        exit(125);
    }
}

/// Everything that is in the ring of one CPU.
static void collect_from(uint32_t debug, uint32_t cpu, struct log *log)
{
    for (;;) {
        uint64_t count, lost, z;
        if (sys_debug(debug, DEBUG_OP_TRACE_READ, cpu, 0, &count, &lost, &z) != OK ||
            count == 0)
            return;
        size_t all = log->count + count;
        struct trace_event *more = realloc(log->events, all * sizeof *more);
        if (!more) {
            fprintf(stderr, "trace: out of memory after %zu events\n", log->count);
            return;
        }
        memcpy(more + log->count, ipc_buffer()->io,
               count * sizeof *more); // no message touches io
        log->events = more;
        log->count = all;
        log->lost += lost;
    }
}

static int by_time(const void *a, const void *b)
{
    uint64_t first = ((const struct trace_event *)a)->time;
    uint64_t second = ((const struct trace_event *)b)->time;
    return (first > second) - (first < second);
}

/// Everything, in the order in which it happened.
static void collect(uint32_t debug, struct log *log)
{
    for (uint32_t cpu = 0; cpu < startup_block->cpu_count; cpu++)
        collect_from(debug, cpu, log);
    if (log->count)
        qsort(log->events, log->count, sizeof *log->events, by_time);
}

static int exit_code(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: trace PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    uint32_t debug;
    enum status status = process_service(session_to(STARTUP_SLOT_PROCESS), "debug", 5, &debug);
    if (status != OK) {
        fprintf(stderr, "trace: no debug capability: %s\n", status_message(status));
        return 125;
    }
    record(debug, EVENTS);
    int error = posix_spawnp(&child, argv[1], NULL, NULL, argv + 1, environ);
    int ended = 0;
    if (error == 0)
        waitpid(child, &ended, 0);
    record(debug, 0);
    if (error) {
        fprintf(stderr, "trace: %s: %s\n", argv[1], strerror(error));
        return error == ENOENT ? 127 : 126;
    }
    struct log log = {0};
    collect(debug, &log);
    child_name = argv[1];
    struct trace_view view = {(uint32_t)child, (uint32_t)getpid(), startup_block->tsc_hz,
                              name_of};
    if (log.lost)
        fprintf(stderr, "trace: %llu earlier events did not fit into the kernel's ring\n",
                (unsigned long long)log.lost);
    trace_print(&view, log.events, log.count, stderr);
    free(log.events);
    return exit_code(ended);
}
