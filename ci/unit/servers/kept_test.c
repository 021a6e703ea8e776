// Kept state (servers/lib/kept.c) under the file system: each request is stopped at every word
// that it changes, undone, and must leave what was there before; what is damaged is noticed.
//
// Built as the servers are, every store announced, with kept variables and the log at the
// addresses of lib/kept.h. A request is stopped by a log that is full: that ends the server,
// which here is a jump.
#define _DEFAULT_SOURCE // mmap flags
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <lib/heap.h>
#include <lib/kept.h>
#include <lib/log.h>
#include <proto/memory.h>
#include <proto/startup.h>

#include "handles.h"
#include "names.h"
#include "objects.h"
#include "pages.h"

enum { CHUNKS = 24, LOG_WORDS = 32768, REQUESTS = 200 };

#define TABLE ((struct chunk *)KEPT_PAGES)
#define ARENA ((uint8_t *)(KEPT_PAGES + (1ul << 30)))

// What the linker script of servers provides: the log is behind the kept variables.
uint64_t kept_section_end[2 * LOG_WORDS] __attribute__((section(".kept_log,\"aw\",@nobits#")));

static struct handles *handles; // of a client, in the kept heap
static uint8_t bytes[70000];
static jmp_buf stop;
static bool may_stop;

_Noreturn void log_die(const char *what, const char *file, int line)
{
    if (may_stop)
        longjmp(stop, 1);
    fprintf(stderr, "%s, %s:%d\n", what, file, line);
    abort();
}

// ---------------------------------------------------------------- the memory server

static struct session memory;

struct session *session_to(enum startup_slot slot)
{
    (void)slot;
    return &memory;
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

static enum status commit(void *address, size_t bytes)
{
    (void)address, (void)bytes;
    return OK;
}

static void decommit(void *address, size_t bytes)
{
    assert_int_equal(memory_decommit(&memory, (uint64_t)address, bytes), OK);
}

static const struct page_source source = {commit, decommit};
static uint64_t now = 1000;

static uint64_t clock_step(void)
{
    return ++now;
}

/// The kept heap's place. A part of the image, so that libc's heap, which begins at random
/// behind the image, cannot lie in it.
static uint8_t heap_place[KEPT_END - KEPT_HEAP]
    __attribute__((section(".kept_heap,\"aw\",@nobits#"), used));

static void map(uint64_t address, size_t bytes)
{
    assert_ptr_equal(mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1,
                          0),
                     (void *)address);
}

static int begin(void **state)
{
    (void)state;
    map(KEPT_PAGES, CHUNK_TABLE(CHUNKS) + PAGE_BYTES);
    map((uint64_t)ARENA, CHUNKS * CHUNK_BYTES);
    kept_words_max = LOG_WORDS;
    const struct startup startup = {0};
    kept_start(&startup);
    inode_clock = clock_step;
    pages_init(&source, ARENA, CHUNKS, TABLE);
    objects_init();
    assert_int_equal(inode_init(), OK);
    assert_int_equal(handles_init(), OK);
    handles = heap_alloc(sizeof *handles);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251 + 1);
    heap_settle();
    kept_begin();
    return handles ? 0 : 1;
}

// ---------------------------------------------------------------- requests

static struct path at(const char *text)
{
    return (struct path){inodes()->root, text, strlen(text)};
}

static void open_file(const char *path, uint32_t flags)
{
    uint32_t handle;
    struct inode *inode;
    struct description *description = description_new(NULL, NULL, flags);
    if (!description)
        return;
    if (names_open(at(path), flags, 0644, &inode) != OK) {
        description_release(description);
        return;
    }
    description->inode = inode;
    if (flags & OPEN_FLAG_TRUNCATE)
        assert_int_equal(contents_truncate(inode, 0), OK);
    if (handle_new(handles, description, &handle) != OK)
        description_release(description);
}

static void close_file(uint32_t handle)
{
    struct description *description = handle_remove(handles, handle);
    if (description)
        description_release(description);
}

static void append(uint32_t handle, size_t size)
{
    struct description *description;
    size_t written;
    if (handle_find(handles, handle, &description) == OK && description->inode)
        (void)description_write(description, -1, bytes, size, &written);
}

static void use_heap(size_t size)
{
    void *a = heap_alloc(size), *b = heap_alloc(size);
    heap_free(a);
    heap_free(b);
}

/// One of many small requests, the same for the same number.
static void request(uint32_t number)
{
    static const char *const names[] = {"a", "b", "d/a", "d/b", "d/e", "d", "e"};
    uint32_t pick = number * 2654435761u;
    const char *one = names[pick % 7], *other = names[pick / 7 % 7];
    switch (number % 12) {
    case 0:
        (void)names_make_directory(at("d"), 0, 0755);
        break;
    case 1:
        open_file(one, OPEN_FLAG_WRITE | OPEN_FLAG_CREATE);
        break;
    case 2:
        append(pick % 4 + 1, pick % 9000 + 1);
        break;
    case 3:
        (void)names_rename(at(one), at(other), 0);
        break;
    case 4:
        append(pick % 4 + 1, sizeof bytes);
        break;
    case 5:
        (void)names_link(at(one), at(other), 0);
        break;
    case 6:
        close_file(pick % 5 + 1);
        break;
    case 7:
        (void)names_remove(at(one), 0);
        break;
    case 8:
        (void)names_make_symlink(at(one), 0, "somewhere/else", 14);
        break;
    case 9:
        (void)names_remove(at(other), AT_FLAG_DIRECTORY);
        break;
    case 10:
        open_file(other, OPEN_FLAG_WRITE | OPEN_FLAG_CREATE | OPEN_FLAG_TRUNCATE);
        break;
    default:
        use_heap(pick % 5000 + 1);
        break;
    }
}

// ---------------------------------------------------------------- what is the same

enum { PARTS = 4, HEAP_BYTES = 1 << 20 };

static struct part {
    uint8_t *bytes, *before;
    size_t size;
} parts[PARTS];

/// The kept variables end where their mapping does.
static size_t section_size(void)
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
    return last - KEPT_AT;
}

static void remember(void)
{
    kept_commit();
    if (!parts[0].bytes) {
        parts[0] = (struct part){.bytes = (uint8_t *)KEPT_AT, .size = section_size()};
        parts[1] = (struct part){.bytes = (uint8_t *)TABLE, .size = CHUNK_TABLE(CHUNKS)};
        parts[2] = (struct part){.bytes = (uint8_t *)KEPT_HEAP, .size = HEAP_BYTES};
        parts[3] = (struct part){.bytes = ARENA, .size = CHUNKS * CHUNK_BYTES};
        for (int i = 0; i < PARTS; i++)
            parts[i].before = malloc(parts[i].size);
    }
    for (int i = 0; i < PARTS; i++)
        kept_copy(parts[i].before, parts[i].bytes, parts[i].size);
}

/// Pages that were free may hold anything.
static bool is_same(void)
{
    for (int i = 0; i < 3; i++)
        if (memcmp(parts[i].bytes, parts[i].before, parts[i].size))
            return false;
    for (uint32_t i = 0; i < CHUNKS * CHUNK_PAGES; i++)
        if (TABLE[i / CHUNK_PAGES].used >> i % CHUNK_PAGES & 1 &&
            memcmp(ARENA + i * PAGE_BYTES, parts[3].before + i * PAGE_BYTES, PAGE_BYTES))
            return false;
    return true;
}

static bool is_valid(void)
{
    return heap_check() && pages_resume(&source, ARENA, TABLE) && directory_valid() &&
           handles_valid(handles);
}

/// Between requests, as the servers' loop does it.
static void settle(void)
{
    kept_commit();
    inodes_settle();
    pages_settle();
    heap_settle();
}

/// As the next instance begins: what it takes as zeroed pages must be.
static void restart(void)
{
    static const uint8_t zeroes[PAGE_BYTES];
    void *taken[CHUNK_PAGES];
    assert_true(pages_resume(&source, ARENA, TABLE));
    kept_commit();
    for (uint32_t i = 0; i < CHUNK_PAGES; i++) {
        taken[i] = pages_take(PAGE_SERVER, true);
        assert_true(!taken[i] || memcmp(taken[i], zeroes, PAGE_BYTES) == 0);
    }
    kept_undo();
    assert_true(pages_resume(&source, ARENA, TABLE));
    remember();
}

static void test_stopped_at_every_word(void **state)
{
    (void)state;
    volatile uint32_t stops = 0;
    for (volatile uint32_t number = 1; number <= REQUESTS; number++) {
        volatile bool done = false;
        remember();
        for (volatile uint32_t words = 0; !done; words += 1 + words / 16) {
            kept_words_max = words;
            may_stop = true;
            if (setjmp(stop) == 0) {
                request(number);
                done = true;
            }
            may_stop = false;
            kept_words_max = LOG_WORDS;
            if (done)
                break;
            kept_undo();
            stops++;
            if (!is_same())
                fail_msg("request %u, stopped at word %u", number, words);
            restart();
        }
        settle();
        assert_true(is_valid());
    }
    assert_true(stops > REQUESTS);
}

// ---------------------------------------------------------------- damage

/// One word is not what it should be: that is noticed.
static void damage(void *word, size_t size, uint64_t value)
{
    uint8_t before[8];
    memcpy(before, word, size);
    assert_true(is_valid());
    memcpy(word, &value, size);
    bool valid = is_valid();
    memcpy(word, before, size);
    assert_false(valid);
    assert_true(is_valid());
}

#define DAMAGE(lvalue, value) damage(&(lvalue), sizeof(lvalue), (uint64_t)(value))

static void test_damage_is_noticed(void **state)
{
    (void)state;
    static const char *const names[] = {"f", "g", "h"};
    uint32_t handle;
    struct description *description = NULL;
    for (handle = 1; handle <= 3; handle++)
        close_file(handle);
    for (int i = 0; i < 3; i++)
        open_file(names[i], OPEN_FLAG_WRITE | OPEN_FLAG_CREATE);
    for (handle = 1; handle <= 3; handle++)
        append(handle, sizeof bytes);
    assert_int_equal(names_make_symlink(at("s"), 0, "x", 1), OK);
    settle();
    assert_int_equal(handle_find(handles, 1, &description), OK);
    struct inode *root = inodes()->root, *file = description->inode;
    struct entry *entry = directory_find(root, "g", 1);
    struct inode *link = directory_find(root, "s", 1)->inode;
    DAMAGE(inodes()->root, 0);
    DAMAGE(inodes()->root, 8);
    DAMAGE(inodes()->root, (uint64_t)root + 8);
    DAMAGE(root->type, FILE_TYPE_REGULAR);
    DAMAGE(root->size, root->size + 1);
    DAMAGE(root->directory.last, 0);
    DAMAGE(root->directory.hint, 16);
    DAMAGE(entry->parent, file);
    DAMAGE(entry->inode, 4096);
    DAMAGE(entry->next, 0);
    DAMAGE(entry->next, 4096);
    DAMAGE(entry->previous, 0);
    DAMAGE(entry->hash, 5);
    DAMAGE(entry->chain, 4096);
    DAMAGE(entry->name[0], 'z');
    DAMAGE(entry->cookie, 0);
    DAMAGE(entry->inode->type, 99);
    DAMAGE(entry->inode->links, 0);
    DAMAGE(entry->inode->number, UINT64_MAX);
    DAMAGE(link->target, 64);
    DAMAGE(file->size, FILE_BYTES_MAX + 1);
    DAMAGE(file->file.height, 7);
    DAMAGE(file->file.pages, file->file.pages + 1);
    DAMAGE(file->file.root, 4096);
    DAMAGE(((void **)file->file.root)[0], 4096);
    DAMAGE(file->file.base_bytes, 1);
    DAMAGE(file->file.locks, 4096);
    DAMAGE(description->references, 0);
    DAMAGE(description->inode, 4096);
    DAMAGE(description->pipe, 4096);
    DAMAGE(handles->blocks[0], 4096);
    DAMAGE(handles->blocks[0][0], 4096);
    DAMAGE(TABLE[0].used, 0);
    DAMAGE(TABLE[0].used, TABLE[0].used ^ 1);
    for (uint32_t i = 0; i < CHUNKS; i++) // a page more than were taken
        if (TABLE[i].used && __builtin_popcount(TABLE[i].used) + 1u < CHUNK_PAGES)
            DAMAGE(TABLE[i].used, TABLE[i].used | (TABLE[i].used + 1));
    void *gone = heap_alloc(60), *object = heap_alloc(60);
    heap_free(gone);
    settle();
    DAMAGE(((uint64_t *)((uint64_t)object & ~16383ul))[2], 0);  // the slab's free objects
    DAMAGE(((uint64_t *)((uint64_t)handles & ~16383ul))[3], 5); // the size of a slab
    DAMAGE(((uint32_t *)((uint64_t)handles & ~16383ul))[8], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stopped_at_every_word),
        cmocka_unit_test(test_damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
