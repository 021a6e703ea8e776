/* The heap and mappings, and that memory comes back. */
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

static void test_heap(void)
{
    enum { COUNT = 1000 };
    static unsigned char *blocks[COUNT];
    uint32_t seed = 1;
    bool intact = true;
    for (int round = 0; round < 20000; round++) {
        seed = seed * 1664525 + 1013904223;
        int i = (int)(seed >> 16) % COUNT;
        size_t size = (seed >> 8) % 2000 + 1;
        if (blocks[i]) {
            intact &= blocks[i][0] == (unsigned char)i;
            blocks[i] = realloc(blocks[i], size);
        } else {
            blocks[i] = malloc(size);
        }
        if (!blocks[i]) {
            intact = false;
            break;
        }
        memset(blocks[i], i, size);
    }
    for (int i = 0; i < COUNT; i++) {
        free(blocks[i]);
    }
    CHECK(intact);
    void *aligned = NULL;
    CHECK(posix_memalign(&aligned, 4096, 100) == 0 && (uintptr_t)aligned % 4096 == 0);
    free(aligned);
    CHECK(posix_memalign(&aligned, 3, 100) == EINVAL);
    volatile size_t huge = (size_t)1 << 40;
    CHECK(!malloc(huge) && errno == ENOMEM);
    CHECK(!calloc(huge, huge) && errno == ENOMEM);
}

/* 8 MiB are taken and given back. */
static void test_return(void)
{
    enum { SIZE = 8 << 20 };
    char *warm = malloc(SIZE);
    memset(warm, 1, SIZE);
    free(warm);
    malloc_trim(0);
    long before = sysconf(_SC_AVPHYS_PAGES);
    char *block = malloc(SIZE);
    CHECK(block && before - sysconf(_SC_AVPHYS_PAGES) >= SIZE / 4096);
    free(block);
    malloc_trim(0);
    CHECK(before - sysconf(_SC_AVPHYS_PAGES) <= 64);
    char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(map != MAP_FAILED);
    memset(map, 1, SIZE);
    CHECK(munmap(map, SIZE) == 0 && before - sysconf(_SC_AVPHYS_PAGES) <= 64);
}

static void test_map(void)
{
    char *map = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    CHECK(map != MAP_FAILED && map[9999] == 0);
    map[0] = 1;
    CHECK(mprotect(map, 4096, PROT_READ) == 0 && map[0] == 1);
    CHECK(munmap(map, 10000) == 0);
    char *wide =
        mmap(NULL, (size_t)8 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
    CHECK(wide != MAP_FAILED);
    CHECK(mprotect(wide + (4ul << 30), 65536, PROT_READ | PROT_WRITE) == 0);
    wide[(4ul << 30) + 65535] = 7;
    CHECK(munmap(wide, (size_t)8 << 30) == 0);
    CHECK_ERROR(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANON, -1, 0), EINVAL);
    CHECK_ERROR(mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANON, -1, 0),
                EACCES);
    CHECK_ERROR(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 99, 0), EBADF);
    int fd = open("m", O_RDWR | O_CREAT, 0600);
    CHECK(write(fd, "contents", 8) == 8);
    CHECK_ERROR(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), ENOTSUP);
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(map != MAP_FAILED && memcmp(map, "contents", 9) == 0);
    map[0] = 'C';
    char byte;
    CHECK(pread(fd, &byte, 1, 0) == 1 && byte == 'c'); /* private */
    CHECK(munmap(map, 4096) == 0 && close(fd) == 0 && unlink("m") == 0);
}

/* Code that was written, then sealed: it runs, and nothing makes it writable again. */
static void test_code(void)
{
    static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    CHECK(map != MAP_FAILED);
    memcpy(map, code, sizeof code);
    CHECK(mprotect(map, 4096, PROT_READ | PROT_EXEC) == 0);
    int (*function)(void);
    memcpy(&function, &map, sizeof map);
    CHECK(function() == 42);
    CHECK_ERROR(mprotect(map, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), EACCES);
    CHECK_ERROR(mprotect(map, 4096, PROT_READ | PROT_WRITE), EACCES);
    CHECK(mprotect(map, 4096, PROT_NONE) == 0 && mprotect(map, 4096, PROT_READ) == 0);
    CHECK_ERROR(mprotect(map, 4096, PROT_WRITE), EACCES);
    CHECK(mprotect(map, 4096, PROT_READ | PROT_EXEC) == 0 && function() == 42);
    CHECK(munmap(map, 4096) == 0);
}

void test_memory(void)
{
    test_heap();
    test_return();
    test_map();
    test_code();
}
