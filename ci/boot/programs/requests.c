// requests SEED: every request of every server's interface (table.h, made from
// servers/proto/*.idl by ci/boot/test_messages.py), each in a child of its own: every word at
// its boundaries, wrong counts of words and capabilities, capabilities of wrong kinds, labels
// beside it, windows that are none, and random ones. After each child every server must answer.
// Prints who died, and who waited for an answer that did not come; SEED repeats a run.
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pith/syscall.h>
#include <proto/console.h>
#include <proto/files.h>
#include <proto/memory.h>
#include <proto/process.h>
#include <proto/timer.h>

enum { WORDS_MAX = 8 }; // of one request

struct request {
    const char *name; // interface.request
    uint32_t label, slot;
    uint32_t words, caps;
    uint64_t limits[WORDS_MAX]; // of each word: the largest value that its type has, or the
                                // data's length
};

#include "table.h"

extern char **environ;

enum { PATIENCE_MS = 5000, RANDOM_CALLS = 1000, REGION_BYTES = 65536, KINDS = 5, NEVER = 77 };

static uint64_t state;
static uint32_t file, kinds[KINDS], granted;
static uint64_t region; // addresses of ours, of REGION_BYTES

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 8;
}

// Names in a folder of ours, two of them, noise where nothing is, text without an end. What a
// wrong length cuts off of them is nobody's either.
static void fill_window(uint8_t *window)
{
    static const char *const names[] = {"/requests/a",
                                        "/requests/a/b",
                                        "/requests/../requests/c",
                                        "debug",
                                        "//",
                                        "/none/x",
                                        ""};
    if (!window)
        return;
    memset(window, next() % 2 ? 0 : 'x', 8192);
    uint64_t how = next() % 4;
    if (how == 0)
        memcpy(window, "/requests/a\0\0\0\0\0/requests/c", 27);
    else if (how < 3)
        strcpy((char *)window, names[next() % (sizeof names / sizeof *names)]);
    else
        memcpy(window, "/none/", 6);
}

static uint64_t boundary(uint64_t limit, uint32_t i)
{
    const uint64_t values[] = {0,         1,         2,         7,         4095,
                               4096,      limit - 1, limit,     limit + 1, 1ul << 31,
                               1ul << 32, 1ul << 47, 1ul << 63, ~0ul,      (1ul << 63) - 1,
                               -4096ul,   65536,     65537,     file,      255};
    return values[i % (sizeof values / sizeof *values)];
}

static void send(const struct request *r, uint32_t label, const uint64_t words[WORDS_MAX],
                 uint32_t word_count, uint32_t cap_count)
{
    struct message m = {.tag = tag_make(label, word_count, cap_count)};
    memcpy(m.words, words, sizeof m.words); // the rest in the buffer
    for (int i = 6; i < 64; i++)
        ipc_buffer()->words[i] = i < WORDS_MAX ? words[i] : next();
    for (int i = 0; i < 3; i++) {
        ipc_buffer()->caps[i] = kinds[next() % KINDS];
        ipc_buffer()->slots[i] = next() % 2 ? 200 + (uint32_t)next() % 40 : 0;
    }
    fill_window(session_to((enum startup_slot)r->slot)->window);
    if (sys_call(r->slot, &m) == OK && label == r->label && tag_label(m.tag) == OK)
        granted++;
}

// Values that go together often enough: a file, a range, the length of a name, small flags.
static void usual(const struct request *r, uint64_t words[WORDS_MAX])
{
    for (uint32_t i = 0; i < WORDS_MAX; i++) {
        const uint64_t values[] = {0,    0,  1, 2, 3, file, file, region, REGION_BYTES,
                                   4096, 11, 5};
        words[i] = next() % 8 ? values[next() % (sizeof values / sizeof *values)]
                              : boundary(r->limits[i], (uint32_t)next() % 20);
        if (i == 0 && next() % 2)
            words[i] = next() % 2 ? file : region;
    }
}

static void send_all(const struct request *r)
{
    uint64_t words[WORDS_MAX];
    for (uint32_t word = 0; word < r->words; word++)
        for (uint32_t i = 0; i < 20; i++) {
            usual(r, words);
            words[word] = boundary(r->limits[word], i);
            send(r, r->label, words, r->words, r->caps);
        }
    for (uint32_t count = 0; count < 128; count += count < 8 ? 1 : 8) {
        usual(r, words);
        send(r, r->label, words, count, r->caps);
    }
    for (uint32_t caps = 0; caps < 20; caps++) {
        usual(r, words);
        send(r, r->label, words, r->words, caps % 4);
    }
    for (uint32_t i = 0; i < RANDOM_CALLS; i++) {
        usual(r, words);
        uint32_t count = next() % 8 ? r->words : next() % 7;
        send(r, r->label, words, count, next() % 8 ? r->caps : next() % 4);
    }
    // Numbers that no interface has, and windows that are none; then the request as it should
    // be.
    for (uint32_t i = 0; i < 40; i++) {
        usual(r, words);
        send(r, i < 20 ? (r->label & 0xff00) + 100 + i : (uint32_t)next() | 0x10000, words,
             next() % 7, next() % 4);
        send(r, (r->label & 0xff00) | REQUEST_ATTACH, words, next() % 2, next() % 4);
    }
    usual(r, words);
    send(r, r->label, words, r->words, r->caps);
}

// A file for each child: what others did to theirs does not matter.
static const char *own_file(uint32_t number)
{
    static char name[32];
    snprintf(name, sizeof name, "/requests/file%u", (unsigned)number);
    return name;
}

// Capabilities to send: nothing, what a client has, an endpoint, a small share, a share that is
// mapped nowhere any more.
static bool prepare(const char *name)
{
    struct session *files = session_to(STARTUP_SLOT_FILES);
    struct session *memory = session_to(STARTUP_SLOT_MEMORY);
    uint32_t service, id;
    uint64_t at;
    if (files_open(files, 0, OPEN_FLAG_READ | OPEN_FLAG_WRITE | OPEN_FLAG_CREATE, 0600, name,
                   (uint32_t)strlen(name), &file, &service) != OK)
        return false;
    for (uint32_t slot = STARTUP_SLOT_PROCESS; slot <= STARTUP_SLOT_CONSOLE; slot++)
        if (session_window(session_to((enum startup_slot)slot), slot) != OK)
            return false;
    kinds[1] = STARTUP_SLOT_TIMER;
    return memory_object_create(memory, KIND_ENDPOINT, 0, &id, &kinds[2]) == OK &&
           memory_share(memory, 4096, &at, &kinds[3]) == OK &&
           memory_share(memory, 8192, &at, &kinds[4]) == OK &&
           memory_release(memory, at, 8192) == OK &&
           memory_reserve(memory, REGION_BYTES, 12, &region) == OK;
}

// Every server answers an ordinary question.
static bool alive(void)
{
    uint64_t a, b, c, d, e;
    uint32_t columns, rows;
    struct file_system_status status;
    static struct process_info info;
    return memory_info(session_to(STARTUP_SLOT_MEMORY), &a, &b, &c, &d, &e) == OK &&
           process_info(session_to(STARTUP_SLOT_PROCESS), 0, &info) == OK &&
           files_file_system(session_to(STARTUP_SLOT_FILES), &status) == OK &&
           console_size(session_to(STARTUP_SLOT_CONSOLE), &columns, &rows) == OK &&
           timer_real_time(session_to(STARTUP_SLOT_TIMER), &a) == OK;
}

static bool ended(pid_t pid, int *status)
{
    for (int ms = 0; ms < PATIENCE_MS; ms += 5) {
        if (waitpid(pid, status, WNOHANG) == pid)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return false;
}

static void try_request(char *self, char *seed, const struct request *r)
{
    char number[12];
    snprintf(number, sizeof number, "%d", (int)(r - requests));
    char *arguments[] = {self, seed, number, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    posix_spawn_file_actions_init(&actions); // what it writes must not be taken for ours
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
    if (posix_spawn(&pid, self, &actions, NULL, arguments, environ)) {
        printf("cannot start %s\n", r->name);
    } else if (!ended(pid, &status)) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        printf("waits %s\n", r->name);
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == NEVER) {
        printf("refuses %s\n", r->name);
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        printf("dies %s\n", r->name);
    }
    posix_spawn_file_actions_destroy(&actions);
    unlink(own_file((uint32_t)(r - requests)));
    if (!alive())
        printf("a server does not answer after %s\n", r->name);
}

int main(int argc, char **argv)
{
    const uint32_t count = sizeof requests / sizeof *requests;
    if (argc < 2)
        return 2;
    if (argc > 2) {
        uint32_t number = (uint32_t)atoi(argv[2]);
        state = (strtoull(argv[1], NULL, 10) * 1000 + number) * 0x9e3779b97f4a7c15 + 1;
        if (number >= count || !prepare(own_file(number)))
            return 3;
        send_all(&requests[number]);
        return granted ? 0 : NEVER;
    }
    mkdir("/requests", 0777);
    for (uint32_t i = 0; i < count; i++)
        try_request(argv[0], argv[1], &requests[i]);
    printf("requests: %u tried with seed %s\n", (unsigned)count, argv[1]);
    return 0;
}
