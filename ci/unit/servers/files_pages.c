#define _DEFAULT_SOURCE // mmap flags, popen
#include "files_pages.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "handles.h"
#include "objects.h"

static size_t committed, allowed;
static uint8_t *base;
static size_t base_bytes;
static struct chunk *table;
static uint64_t now = 1000;

static enum status commit(void *address, size_t bytes)
{
    if (allowed == 0)
        return E_NOMEM;
    allowed--;
    assert(mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0);
    committed += bytes;
    return OK;
}

static void decommit(void *address, size_t bytes)
{
    assert(madvise(address, bytes, MADV_DONTNEED) == 0);
    assert(mprotect(address, bytes, PROT_NONE) == 0);
    committed -= bytes;
}

static uint64_t clock_step(void)
{
    return ++now;
}

static void fake_random(void *to, size_t bytes)
{
    memset(to, 7, bytes);
}

void files_start(uint32_t chunks)
{
    static const struct page_source source = {commit, decommit};
    if (base)
        munmap(base, base_bytes);
    free(table);
    base_bytes = (size_t)chunks * CHUNK_BYTES;
    base = mmap(NULL, base_bytes + CHUNK_BYTES, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert(base != MAP_FAILED);
    uint8_t *aligned =
        (uint8_t *)(((uintptr_t)base + CHUNK_BYTES - 1) & -(uintptr_t)CHUNK_BYTES);
    table = calloc(chunks, sizeof *table);
    committed = 0;
    allowed = SIZE_MAX;
    inode_clock = clock_step;
    description_random = fake_random;
    pages_init(&source, aligned, chunks, table);
    objects_init();
    assert(inode_init() == OK && handles_init() == OK);
}

size_t files_committed(void)
{
    inodes_settle(); // as the server does between requests
    pages_settle();
    return committed;
}

void files_allow(size_t commits)
{
    allowed = commits;
}

int start(void **state)
{
    (void)state;
    files_start(256); // 16 MiB
    return 0;
}

struct path at(const char *text)
{
    return (struct path){inodes()->root, text, strlen(text)};
}

struct path below(const char *directory, const char *text)
{
    struct inode *inode;
    assert_int_equal(names_find(at(directory), 0, &inode), OK);
    return (struct path){inode, text, strlen(text)};
}

enum status try_make(const char *path)
{
    struct inode *inode;
    enum status status = names_open(at(path), OPEN_FLAG_CREATE | OPEN_FLAG_WRITE, 0644, &inode);
    if (status == OK)
        inode_release(inode);
    return status;
}

struct inode *find(const char *path)
{
    struct inode *inode;
    return names_find(at(path), 0, &inode) == OK ? inode : NULL;
}

enum status find_status(const char *path, uint32_t flags)
{
    struct inode *inode;
    return names_find(at(path), flags, &inode);
}

void make_directory(const char *path)
{
    assert_int_equal(names_make_directory(at(path), 0, 0755), OK);
}

void make_symlink(const char *path, const char *target)
{
    assert_int_equal(names_make_symlink(at(path), 0, target, strlen(target)), OK);
}

void write_text(const char *path, const char *text)
{
    size_t written;
    assert_int_equal(try_make(path), OK);
    assert_int_equal(contents_write(find(path), 0, text, strlen(text), &written), OK);
    assert_int_equal(written, strlen(text));
}

void check_text(const char *path, const char *text)
{
    char buffer[256];
    struct inode *inode = find(path);
    assert_non_null(inode);
    assert_int_equal(contents_read(inode, 0, buffer, sizeof buffer), strlen(text));
    assert_memory_equal(buffer, text, strlen(text));
}
