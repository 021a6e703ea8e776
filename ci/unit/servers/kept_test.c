// Kept state (servers/lib/kept.c) under the file system: each request is stopped at every word
// that it changes, undone, and must leave what was there before; what is damaged is noticed.
//
// A request is stopped by a log that is full: that ends the server.
#define _DEFAULT_SOURCE // mmap flags
#include "kept_host.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <lib/heap.h>
#include <proto/memory.h>

#include "handles.h"
#include "names.h"
#include "objects.h"
#include "pages.h"

enum { CHUNKS = 24, REQUESTS = 200 };

#define TABLE ((struct chunk *)KEPT_PAGES)
#define ARENA ((uint8_t *)(KEPT_PAGES + (1ul << 30)))

static struct handles *handles; // of a client, in the kept heap
static uint8_t bytes[70000];

static enum status commit(void *address, size_t bytes)
{
    (void)address, (void)bytes;
    return OK;
}

static void decommit(void *address, size_t bytes)
{
    assert_int_equal(memory_decommit(NULL, (uint64_t)address, bytes), OK);
}

static const struct page_source source = {commit, decommit};
static uint64_t now = 1000;

static uint64_t clock_step(void)
{
    return ++now;
}

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
    host_begin();
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

enum { PARTS = 4 };

static struct part {
    uint8_t *bytes, *before;
    size_t size;
} parts[PARTS];

static void remember(void)
{
    kept_commit();
    if (!parts[0].bytes) {
        parts[0] =
            (struct part){.bytes = (uint8_t *)KEPT_AT, .size = host_section_end() - KEPT_AT};
        parts[1] = (struct part){.bytes = (uint8_t *)TABLE, .size = CHUNK_TABLE(CHUNKS)};
        parts[2] = (struct part){.bytes = (uint8_t *)KEPT_HEAP, .size = HOST_HEAP_BYTES};
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

static uint32_t number; // of the request

static void request_now(void)
{
    request(number);
}

static void test_stopped_at_every_word(void **state)
{
    (void)state;
    uint32_t stops = 0;
    for (number = 1; number <= REQUESTS; number++) {
        remember();
        for (uint32_t words = 0;; words += 1 + words / 16) {
            kept_words_max = words;
            bool done = host_lives(request_now);
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

static void begin_again(void)
{
    CHECK(is_valid());
}

#define BAD(lvalue, value) DAMAGE(begin_again, lvalue, value)

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
    kept_commit(); // handle_find changed this stack, which is above KEPT_PAGES here
    assert_true(host_believes(begin_again));
    BAD(inodes()->root, 0);
    BAD(inodes()->root, 8);
    BAD(inodes()->root, (uint64_t)root + 8);
    BAD(root->type, FILE_TYPE_REGULAR);
    BAD(root->size, root->size + 1);
    BAD(root->directory.last, 0);
    BAD(root->directory.hint, 16);
    BAD(entry->parent, file);
    BAD(entry->inode, 4096);
    BAD(entry->next, 0);
    BAD(entry->next, 4096);
    BAD(entry->previous, 0);
    BAD(entry->hash, 5);
    BAD(entry->chain, 4096);
    BAD(entry->name[0], 'z');
    BAD(entry->cookie, 0);
    BAD(entry->inode->type, 99);
    BAD(entry->inode->links, 0);
    BAD(entry->inode->number, UINT64_MAX);
    BAD(link->target, 64);
    BAD(file->size, FILE_BYTES_MAX + 1);
    BAD(file->file.height, 7);
    BAD(file->file.pages, file->file.pages + 1);
    BAD(file->file.root, 4096);
    BAD(((void **)file->file.root)[0], 4096);
    BAD(file->file.base_bytes, 1);
    BAD(file->file.locks, 4096);
    BAD(description->references, 0);
    BAD(description->inode, 4096);
    BAD(description->pipe, 4096);
    BAD(handles->blocks[0], 4096);
    BAD(handles->blocks[0][0], 4096);
    BAD(TABLE[0].used, 0);
    BAD(TABLE[0].used, TABLE[0].used ^ 1);
    for (uint32_t i = 0; i < CHUNKS; i++) // a page more than were taken
        if (TABLE[i].used && __builtin_popcount(TABLE[i].used) + 1u < CHUNK_PAGES)
            BAD(TABLE[i].used, TABLE[i].used | (TABLE[i].used + 1));
    void *gone = heap_alloc(60), *object = heap_alloc(60);
    heap_free(gone);
    settle();
    BAD(((uint64_t *)((uint64_t)object & ~16383ul))[2], 0);  // the slab's free objects
    BAD(((uint64_t *)((uint64_t)handles & ~16383ul))[3], 5); // the size of a slab
    BAD(((uint32_t *)((uint64_t)handles & ~16383ul))[8], 5);
    assert_true(host_believes(begin_again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stopped_at_every_word),
        cmocka_unit_test(test_damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
