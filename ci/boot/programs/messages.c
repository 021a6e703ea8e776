// messages SEED CHILDREN COUNT: starts children that each send COUNT random messages to every
// server they have a session with, well formed and not. A child may die of what it did to its
// own memory, or wait for ever for what it asked; it is killed then. Nobody else may notice.
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pith/syscall.h>
#include <proto/files.h>
#include <proto/names.h>
#include <proto/process.h>
#include <proto/timer.h>

extern char **environ;

enum {
    LABELS = 0x800,
    PATIENCE_MS = 2000,
};

static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/// Requests that do to others what they are made for.
static bool is_spared(uint32_t label)
{
    return label == LABEL_PROCESS_KILL || label == LABEL_PROCESS_POWER ||
           label == LABEL_PROCESS_END_SERVER || label == LABEL_PROCESS_FOREGROUND ||
           label == LABEL_TIMER_SET_REAL_TIME;
}

/// Requests whose answer may never come, or that end the child: rarely, for the sake of the
/// others.
static bool is_last(uint32_t label)
{
    return label == LABEL_TIMER_SLEEP || label == LABEL_IO_READ ||
           label == LABEL_PROCESS_EXIT || label == LABEL_PROCESS_THREAD_EXIT ||
           label == LABEL_PROCESS_THREAD_CREATE;
}

static uint32_t pick_label(void)
{
    uint32_t label;
    if (next() % 8 == 0)
        return (uint32_t)next();
    do
        label = (uint32_t)next() % LABELS;
    while (!label_name(label) || is_spared(label) || (is_last(label) && next() % 64));
    return label;
}

/// Mostly the one that the label is for: slots and interfaces have the same numbers.
static uint32_t pick_server(uint32_t label)
{
    uint32_t interface = label >> 8;
    if (interface == 0 && next() % 4)
        return STARTUP_SLOT_FILES + next() % 2;
    return interface >= 1 && interface <= 5 && next() % 8 ? interface : 1 + (uint32_t)next() % 5;
}

/// Small numbers, powers of two and their neighbours, noise.
static uint64_t pick_word(void)
{
    switch (next() % 4) {
    case 0:
        return next();
    case 1:
        return (1ul << next() % 64) + next() % 3 - 1;
    case 2:
        return -(next() % 3) << 12;
    default:
        return next() % 20;
    }
}

/// Names below /tmp that the caller can remove, and noise in a folder that does not exist:
/// never one that is somebody's.
static void fill(uint8_t *window)
{
    static const char *const names[] = {"/tmp/a", "/tmp/a/b", "tmp/../tmp/c", "/tmp/", "..",
                                        ".",      "/",        "//",           ""};
    memset(window, 0, 256);
    if (next() % 3) {
        strcpy((char *)window, names[next() % (sizeof names / sizeof *names)]);
        return;
    }
    for (int i = 0; i < 256; i++)
        window[i] = next() % 5 ? 'x' : (uint8_t)next();
    memcpy(window, "/none/", 6);
}

static void send_one(uint8_t *window)
{
    uint32_t label = pick_label();
    struct message m = {.tag = tag_make(label, next() % 8 ? next() % 7 : next() % 128,
                                        next() % 2 ? 0 : next() % 4)};
    for (int i = 0; i < 6; i++)
        m.words[i] = pick_word();
    for (int i = 6; i < 64; i++)
        ipc_buffer()->words[i] = pick_word();
    for (int i = 0; i < 3; i++) {
        ipc_buffer()->caps[i] = (uint32_t)next() % 300;
        ipc_buffer()->slots[i] = next() % 2 ? 200 + (uint32_t)next() % 40 : 0;
    }
    fill(window);
    (void)!sys_call(pick_server(label), &m);
}

static int child(uint64_t count)
{
    uint32_t handle, service;
    struct session *files = session_to(STARTUP_SLOT_FILES);
    if (files_open(files, 0, OPEN_FLAG_READ, 0, "/tmp", 4, &handle, &service) != OK)
        return 3;
    while (count--)
        send_one(files->window);
    return 0;
}

static bool ended(pid_t pid, int *status)
{
    for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
        if (waitpid(pid, status, WNOHANG) == pid)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    uint64_t seed = strtoull(argv[1], NULL, 10), children = strtoull(argv[2], NULL, 10);
    state = seed * 0x9e3779b97f4a7c15 + 1;
    if (children == 0)
        return child(strtoull(argv[3], NULL, 10));
    unsigned whole = 0, died = 0, killed = 0;
    for (uint64_t i = 0; i < children; i++) {
        char text[24];
        snprintf(text, sizeof text, "%llu", (unsigned long long)(seed * 1000 + i));
        char *arguments[] = {argv[0], text, "0", argv[3], NULL};
        pid_t pid;
        int status;
        if (posix_spawn(&pid, argv[0], NULL, NULL, arguments, environ))
            return 4;
        if (!ended(pid, &status)) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            killed++;
        } else if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            whole++;
        } else {
            died++;
        }
    }
    printf("children: %u sent all, %u died, %u waited for ever\n", whole, died, killed);
    return 0;
}
