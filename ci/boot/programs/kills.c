// kills COUNT SEED SERVER...: ends each server (by its id) COUNT times at random moments, half
// of them while it is found at work, and one in eight once more while it starts, under load:
// programs that write and read files, stream bytes through pipes, sleep and are woken by
// alarms, spawn and wait, and write to the console. Each checks that what was acknowledged is
// there, in order, once, and that nothing else fails.
//
// `kills hang SERVER...` stops their threads instead, and ends; `kills late SERVER...` ends
// them and stops the thread of the next instance before it is ready.
//
// Every load runs until the file STOP is there, then ends with status 0, or says what was wrong
// and ends with 1. The killer keeps its other kills of one server more than a second apart, so
// that the back-off stays short; the servers' kills overlap.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <proto/console.h>
#include <proto/files.h>
#include <proto/init.h>
#include <proto/process.h>
#include <proto/timer.h>

#define STOP     "/tmp/kills.stop"
#define MS       1000000ull
#define SECOND   1000000000ull
#define PATIENCE (20 * SECOND) // longer, and it was forgotten

extern char **environ;

static uint64_t state;
static const char *role;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void nap(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / SECOND), (long)(ns % SECOND)};
    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        ;
}

static void wrong(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "kills: %s: ", role);
    vfprintf(stderr, format, list);
    fprintf(stderr, " (%s)\n", strerror(errno));
    va_end(list);
    exit(1);
}

#define MUST(condition)                                                                        \
    do {                                                                                       \
        errno = 0;                                                                             \
        if (!(condition))                                                                      \
            wrong("line %d: %s", __LINE__, #condition);                                        \
    } while (0)

static bool stopped(void)
{
    struct stat s;
    errno = 0;
    if (stat(STOP, &s) == 0)
        return true;
    MUST(errno == 0 || errno == ENOENT);
    return false;
}

static uint8_t pattern(uint64_t salt, uint64_t at)
{
    uint64_t mixed = (salt + at / 7 + 1) * 0x9e3779b97f4a7c15ull;
    return (uint8_t)(mixed >> 32 ^ at);
}

// ---------------------------------------------------------------- files

enum { FILE_MAX = 300000, PIECE_MAX = 6000 };

static void check_file(const char *path, uint64_t salt, uint64_t size)
{
    static uint8_t bytes[FILE_MAX + PIECE_MAX];
    struct stat s;
    int fd = open(path, O_RDONLY);
    MUST(fd >= 0 && fstat(fd, &s) == 0);
    if ((uint64_t)s.st_size != size)
        wrong("%s has %llu bytes, not %llu", path, (unsigned long long)s.st_size,
              (unsigned long long)size);
    MUST(read(fd, bytes, sizeof bytes) == (ssize_t)size);
    for (uint64_t i = 0; i < size; i++)
        if (bytes[i] != pattern(salt, i))
            wrong("%s is not what was written at %llu", path, (unsigned long long)i);
    MUST(close(fd) == 0);
}

// One file by a descriptor that stays open, one by appending, one by names that move.
static void load_files(void)
{
    char kept[32], grown[32], moved[32];
    static uint8_t bytes[PIECE_MAX];
    snprintf(kept, sizeof kept, "/tmp/kept.%d", getpid());
    snprintf(grown, sizeof grown, "/tmp/grown.%d", getpid());
    snprintf(moved, sizeof moved, "/tmp/moved.%d", getpid());
    for (uint64_t salt = next(); !stopped(); salt++) {
        int fd = open(kept, O_RDWR | O_CREAT | O_TRUNC, 0644);
        int end = open(grown, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0644);
        MUST(fd >= 0 && end >= 0);
        uint64_t size = 0;
        while (size < FILE_MAX && !stopped()) {
            size_t piece = next() % PIECE_MAX + 1;
            for (size_t i = 0; i < piece; i++)
                bytes[i] = pattern(salt, size + i);
            MUST(write(fd, bytes, piece) == (ssize_t)piece);
            MUST(write(end, bytes, piece) == (ssize_t)piece);
            size += piece;
            MUST(lseek(fd, 0, SEEK_CUR) == (off_t)size);
        }
        check_file(kept, salt, size);
        check_file(grown, salt, size);
        MUST(close(end) == 0 && rename(grown, moved) == 0);
        check_file(moved, salt, size);
        MUST(access(grown, F_OK) < 0 && errno == ENOENT);
        MUST(unlink(moved) == 0);
        MUST(ftruncate(fd, (off_t)(size / 3)) == 0);
        check_file(kept, salt, size / 3);
        MUST(close(fd) == 0);
    }
    MUST(unlink(kept) == 0);
}

// ---------------------------------------------------------------- pipes

static void load_write(void)
{
    static uint8_t bytes[20000];
    uint64_t at = 0;
    while (!stopped()) {
        size_t piece = next() % (next() % 4 ? 500 : sizeof bytes) + 1;
        for (size_t i = 0; i < piece; i++)
            bytes[i] = pattern(7, at + i);
        MUST(write(1, bytes, piece) == (ssize_t)piece);
        at += piece;
    }
    memset(bytes, 0, 8);
    memcpy(bytes, &at, sizeof at); // how many there were
    MUST(write(2, bytes, 8) == 8);
}

static void load_read(void)
{
    static uint8_t bytes[30000];
    uint64_t at = 0, expected = 0;
    ssize_t got;
    while ((got = read(0, bytes, next() % sizeof bytes + 1)) > 0)
        for (ssize_t i = 0; i < got; i++, at++)
            if (bytes[i] != pattern(7, at))
                wrong("byte %llu of the pipe is not the one that was written",
                      (unsigned long long)at);
    MUST(got == 0 && read(3, &expected, sizeof expected) == sizeof expected);
    if (at != expected)
        wrong("%llu bytes of %llu came", (unsigned long long)at, (unsigned long long)expected);
}

// ---------------------------------------------------------------- time, processes, console

static void load_sleep(void)
{
    int silent[2];
    MUST(pipe(silent) == 0);
    while (!stopped()) {
        uint64_t ns = next() % (20 * MS) + 1, start = now();
        nap(ns);
        MUST(now() - start >= ns && now() - start < PATIENCE);
        if (next() % 8)
            continue;
        struct pollfd nothing = {.fd = silent[0], .events = POLLIN};
        int ms = (int)(next() % 700);
        start = now();
        MUST(poll(&nothing, 1, ms) == 0); // an alarm of the timer
        MUST(now() - start >= (uint64_t)ms * MS && now() - start < PATIENCE);
    }
}

static void load_spawn(void)
{
    char *const seven[] = {"sh", "-c", "exit 7", NULL}, *const none[] = {"true", NULL};
    while (!stopped()) {
        bool fails = next() % 2;
        pid_t pid;
        int status;
        MUST(posix_spawn(&pid, fails ? "/bin/sh" : "/bin/true", NULL, NULL,
                         fails ? seven : none, environ) == 0);
        MUST(waitpid(pid, &status, 0) == pid);
        MUST(WIFEXITED(status) && WEXITSTATUS(status) == (fails ? 7 : 0));
        MUST(waitpid(pid, &status, 0) < 0 && errno == ECHILD);
    }
}

static void load_print(void)
{
    int fd = open("/dev/console", O_WRONLY);
    char line[32];
    MUST(fd >= 0);
    for (unsigned i = 0; !stopped(); i++) {
        int bytes = snprintf(line, sizeof line, "line %u.\n", i);
        MUST(write(fd, line, (size_t)bytes) == bytes);
        nap(10 * MS);
    }
}

// ---------------------------------------------------------------- the killer

static uint64_t longest; // of a call that the killer made

static void call(uint32_t server)
{
    struct file_system_status status;
    struct process_info info;
    uint64_t offset, start = now();
    uint32_t columns, rows;
    enum status result =
        server == 0   ? timer_real_time(session_to(STARTUP_SLOT_TIMER), &offset)
        : server == 1 ? console_size(session_to(STARTUP_SLOT_CONSOLE), &columns, &rows)
        : server == 2 ? files_file_system(session_to(STARTUP_SLOT_FILES), &status)
                      : process_info(session_to(STARTUP_SLOT_PROCESS), 1, &info);
    MUST(result == OK);
    if (now() - start > longest)
        longest = now() - start;
}

/// False: it is to be ended already.
static bool end_server(const char *id, uint64_t after, uint32_t how)
{
    enum status status =
        process_end_server(session_to(STARTUP_SLOT_PROCESS), (uint32_t)atoi(id), after, how);
    if (status != OK && status != E_AGAIN)
        wrong("ending %s gave status %d", id, (int)status);
    return status == OK;
}

static void kill_all(int count, int servers, char **ids)
{
    uint64_t due[8] = {0};
    int left[8], all = count * servers;
    bool again[8] = {false}; // the next one comes while it starts
    for (int i = 0; i < servers; i++) {
        left[i] = count;
        due[i] = now() + next() % SECOND;
    }
    while (all > 0) {
        for (int i = 0; i < servers; i++) {
            if (!left[i] || now() < due[i])
                continue;
            bool counts = !again[i];
            again[i] = counts && next() % 8 == 0;
            uint64_t after = again[i] ? 10 * MS : next() % (30 * MS);
            counts &= end_server(ids[i], after, again[i] ? END_NOW : (uint32_t)(next() % 2));
            due[i] = now() + (again[i] ? 15 * MS + next() % (10 * MS)
                                       : 1200 * MS + next() % (200 * MS));
            left[i] -= counts;
            all -= counts;
        }
        call((uint32_t)(next() % 4));
        nap(next() % (3 * MS));
    }
    nap(2 * SECOND);
}

static pid_t begin(const char *self, const char *what, uint64_t seed, const int fds[4])
{
    char text[24];
    char *const arguments[] = {"kills", (char *)(uintptr_t)what, text, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 4; i++)
        if (fds[i] >= 0)
            posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    MUST(posix_spawn(&pid, self, &actions, NULL, arguments, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static int run(const char *self, int count, int servers, char **ids)
{
    static const char *const loads[] = {"files", "files", "sleep", "spawn", "print"};
    enum { LOADS = sizeof loads / sizeof *loads };
    const int none[4] = {-1, -1, -1, -1};
    pid_t pids[LOADS + 2];
    int bytes[2], total[2], failed = 0;
    MUST(pipe(bytes) == 0 && pipe(total) == 0);
    for (int i = 0; i < 2; i++) {
        fcntl(bytes[i], F_SETFD, FD_CLOEXEC);
        fcntl(total[i], F_SETFD, FD_CLOEXEC);
    }
    for (int i = 0; i < LOADS; i++)
        pids[i] = begin(self, loads[i], next() | 1, none);
    pids[LOADS] = begin(self, "write", next() | 1, (int[]){-1, bytes[1], total[1], -1});
    pids[LOADS + 1] = begin(self, "read", next() | 1, (int[]){bytes[0], -1, -1, total[0]});
    for (int i = 0; i < 2; i++)
        MUST(close(bytes[i]) == 0 && close(total[i]) == 0);
    kill_all(count, servers, ids);
    MUST(close(open(STOP, O_WRONLY | O_CREAT, 0644)) == 0);
    for (int i = 0; i < LOADS + 2; i++) {
        int status = -1;
        pid_t pid = waitpid(pids[i], &status, 0);
        if (pid != pids[i] || status != 0) {
            printf("load %d: status %d\n", i, status);
            failed = 1;
        }
    }
    MUST(unlink(STOP) == 0);
    printf("%d ended %d times each, the longest call took %llu us\n", servers, count,
           (unsigned long long)longest / 1000);
    return failed;
}

static void stop(const char *id, bool late)
{
    if (late)
        MUST(end_server(id, 0, END_NOW));
    while (!end_server(id, late ? 0 : MS, END_HANG)) // init waits before the next one starts
        ;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*load)(void);
    } loads[] = {{"files", load_files}, {"write", load_write}, {"read", load_read},
                 {"sleep", load_sleep}, {"spawn", load_spawn}, {"print", load_print}};
    if (argc < 3)
        return 2;
    role = argv[1];
    state = strtoull(argv[2], NULL, 10) * 2 + 1;
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
        if (strcmp(argv[1], loads[i].name) == 0) {
            loads[i].load();
            return 0;
        }
    bool late = strcmp(argv[1], "late") == 0;
    if (late || strcmp(argv[1], "hang") == 0) {
        for (int i = 2; i < argc; i++)
            stop(argv[i], late);
        return 0;
    }
    return run(argv[0], atoi(argv[1]), argc - 3, argv + 3);
}
