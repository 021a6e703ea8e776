// See kept_host.h.
#define _DEFAULT_SOURCE // mmap flags
#include "kept_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <lib/ipc.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/start.h>
#include <proto/memory.h>
#include <proto/startup.h>

// The log is behind the kept variables.
uint64_t kept_section_end[2 * LOG_WORDS] __attribute__((section(".kept_log,\"aw\",@nobits#")));

// The kept heap's place. A part of the image, so that libc's heap, which begins at random
// behind the image, cannot lie in it.
static uint8_t heap_place[KEPT_END - KEPT_HEAP]
    __attribute__((section(".kept_heap,\"aw\",@nobits#"), used));

uint64_t host_region, host_region_bytes;
bool host_released;
uint32_t host_signalled;
bool host_full[SLOT_LIMIT];
static struct startup startup = {.tsc_hz = 1000000000};
const struct startup *startup_block = &startup;
static jmp_buf stop;
static bool may_stop;

_Noreturn void log_die(const char *what, const char *file, int line)
{
    if (may_stop)
        longjmp(stop, 1);
    fprintf(stderr, "%s, %s:%d\n", what, file, line);
    abort();
}

bool host_lives(void (*part)(void))
{
    volatile bool lives = false;
    may_stop = true;
    if (setjmp(stop) == 0) {
        part();
        lives = true;
    }
    may_stop = false;
    return lives;
}

// ---------------------------------------------------------------- the kernel and memory

struct ipc_buffer *ipc_buffer(void)
{
    static struct ipc_buffer buffer;
    return &buffer;
}

enum status sys_signal(uint32_t ep)
{
    host_signalled = ep;
    return OK;
}

enum status sys_cap_delete(uint32_t cspace, uint32_t slot)
{
    (void)cspace;
    if (slot < SLOT_LIMIT)
        host_full[slot] = false;
    return OK;
}

struct session *session_to(enum startup_slot slot)
{
    static struct session sessions[STARTUP_SLOT_ENDPOINT];
    return &sessions[slot];
}

enum status memory_reserve_at(struct session *s, uint64_t address, uint64_t length)
{
    (void)s, (void)address, (void)length;
    return OK;
}

enum status memory_commit(struct session *s, uint64_t address, uint64_t length, uint32_t how)
{
    (void)s, (void)address, (void)length, (void)how;
    return OK;
}

enum status memory_decommit(struct session *s, uint64_t address, uint64_t length)
{
    (void)s;
    return madvise((void *)address, length, MADV_DONTNEED) == 0 ? OK : E_INVAL;
}

enum status memory_region_next(struct session *s, uint64_t from, uint64_t *address,
                               uint64_t *length, uint32_t *kind)
{
    (void)s;
    *address = host_region;
    *length = host_region_bytes;
    *kind = 0;
    return host_region_bytes && from <= host_region ? OK : E_NOENT;
}

enum status memory_release(struct session *s, uint64_t address, uint64_t length)
{
    (void)s;
    host_released |= address == host_region && length == host_region_bytes;
    return OK;
}

// ---------------------------------------------------------------- instances

void host_begin(void)
{
    kept_words_max = LOG_WORDS;
    startup.former_ip = 0;
    kept_start(&startup);
    slots_start(FIRST_SLOT, SLOT_LIMIT);
}

uint64_t host_section_end(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    unsigned long start, end, last = KEPT_AT;
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start == last)
            last = end;
    fclose(maps);
    assert_true(last > KEPT_AT);
    return last;
}

static void (*look_now)(void);

static void look(void)
{
    kept_start(&startup);
    slots_resume(SLOT_LIMIT);
    look_now();
}

bool host_believes(void (*look_at_it)(void))
{
    size_t section = host_section_end() - KEPT_AT;
    uint8_t *before = malloc(section + HOST_HEAP_BYTES);
    kept_copy(before, (void *)KEPT_AT, section);
    kept_copy(before + section, heap_place, HOST_HEAP_BYTES);
    startup.former_ip = 1;
    look_now = look_at_it;
    bool lives = host_lives(look);
    kept_copy((void *)KEPT_AT, before, section);
    kept_copy(heap_place, before + section, HOST_HEAP_BYTES);
    free(before);
    return lives;
}
