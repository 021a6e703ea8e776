// The file system: contents, space, pipes, open files. Each test starts from an empty one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files_pages.h"
#include "handles.h"
#include "names.h"
#include "pages.h"

// Random writes and truncations against a plain copy, with initrd bytes below.
static void test_contents(void **state)
{
    (void)state;
    enum { SIZE = 3 << 20 };
    uint8_t *base = malloc(100000), *copy = calloc(1, SIZE), *buffer = malloc(SIZE);
    for (int i = 0; i < 100000; i++)
        base[i] = (uint8_t)(i * 7 + 1);
    size_t before = files_committed();
    assert_int_equal(try_make("f"), OK);
    struct inode *inode = find("f");
    inode->file.base = base;
    inode->file.base_bytes = inode->size = 100000;
    memcpy(copy, base, 100000);
    size_t size = 100000, written;
    srand(1);
    for (int round = 0; round < 2000; round++) {
        size_t offset = (size_t)rand() % (SIZE - 70000), length = (size_t)rand() % 9000;
        if (rand() % 16 == 0) {
            assert_int_equal(contents_truncate(inode, offset), OK);
            if (offset < size)
                memset(copy + offset, 0, size - offset);
            size = offset;
        } else {
            for (size_t i = 0; i < length; i++)
                buffer[i] = (uint8_t)rand();
            assert_int_equal(contents_write(inode, offset, buffer, length, &written), OK);
            assert_int_equal(written, length);
            memcpy(copy + offset, buffer, length);
            if (length && offset + length > size)
                size = offset + length;
        }
        assert_int_equal(inode->size, size);
        if (round % 50 == 0) {
            assert_int_equal(contents_read(inode, 0, buffer, SIZE), size);
            assert_memory_equal(buffer, copy, size);
        }
    }
    for (int i = 0; i < 100000; i++)
        assert_int_equal(base[i], (uint8_t)(i * 7 + 1)); // the initrd was not written to
    assert_int_equal(names_remove(at("f"), 0), OK);
    assert_int_equal(files_committed(), before);
    free(base), free(copy), free(buffer);
}

static void test_sparse(void **state)
{
    (void)state;
    size_t before = files_committed(), written;
    assert_int_equal(try_make("f"), OK);
    struct inode *inode = find("f");
    assert_int_equal(contents_write(inode, FILE_BYTES_MAX - 1, "x", 1, &written), OK);
    assert_int_equal(inode->size, FILE_BYTES_MAX);
    assert_true(inode->file.pages <= 5);
    char byte = 1;
    assert_int_equal(contents_read(inode, FILE_BYTES_MAX / 2, &byte, 1), 1);
    assert_int_equal(byte, 0);
    assert_int_equal(contents_write(inode, FILE_BYTES_MAX, "x", 1, &written), E_FBIG);
    assert_int_equal(contents_truncate(inode, FILE_BYTES_MAX + 1), E_FBIG);
    assert_int_equal(contents_truncate(inode, 10), OK);
    assert_int_equal(inode->file.pages, 0);
    assert_int_equal(contents_allocate(inode, 0, (uint64_t)1 << 30), E_NOSPACE);
    assert_int_equal(inode->file.pages, 0);
    assert_int_equal(contents_allocate(inode, 0, 100000), OK);
    assert_int_equal(inode->size, 100000);
    assert_int_equal(names_remove(at("f"), 0), OK);
    assert_int_equal(files_committed(), before);
}

// More than two steps of giving back: whatever removes it, all of it comes back.
static void test_large(void **state)
{
    (void)state;
    static char block[65536];
    enum { BYTES = 2 * CONTENTS_STEP * PAGE_BYTES + 300000, WAYS = 4 };
    files_start(BYTES / CHUNK_BYTES * 9 / 8);
    size_t before = files_committed(), written;
    for (int way = 0; way < WAYS; way++) {
        assert_int_equal(try_make("f"), OK);
        struct inode *inode = find("f");
        for (uint64_t at_end = 0; at_end < BYTES; at_end += written)
            assert_int_equal(contents_write(inode, at_end, block, sizeof block, &written), OK);
        if (way == 1)
            assert_int_equal(contents_truncate(inode, 0), OK);
        if (way == 2)
            contents_shrink(inode, 5000);
        if (way == 3)
            contents_shrink(inode, 0);
        assert_true(way == 0 || inode->size <= 5000);
        assert_int_equal(names_remove(at("f"), 0), OK);
        assert_int_equal(files_committed(), before);
        assert_int_equal(inode_count(), 1);
    }
}

static void test_full(void **state)
{
    (void)state;
    static char block[65536];
    size_t before = files_committed(), written;
    assert_int_equal(try_make("f"), OK);
    struct inode *inode = find("f");
    enum status status;
    uint64_t at_end = 0;
    memset(block, 'b', sizeof block);
    while ((status = contents_write(inode, at_end, block, sizeof block, &written)) == OK)
        at_end += written;
    assert_int_equal(status, E_NOSPACE);
    assert_int_equal(inode->size, at_end);
    assert_true(at_end > (uint64_t)15 << 20);
    assert_int_equal(pages_free(PAGE_CONTENTS), 0);
    assert_true(pages_free(PAGE_SERVER) > 0); // files can still be opened
    struct pipe *pipe = pipe_new();           // and commands joined, but not without end
    assert_non_null(pipe);
    pipe_close(pipe, true);
    pipe_close(pipe, false);
    assert_true(pages_free(PAGE_PIPE) < pages_free(PAGE_SERVER));
    char name[32];
    int made = 0;
    do
        snprintf(name, sizeof name, "d%d", made++);
    while ((status = names_make_directory(at(name), 0, 0)) == OK);
    assert_int_equal(status, E_NOSPACE);
    assert_null(find(name));
    struct description *description = description_new(inode, NULL, OPEN_FLAG_READ);
    inode_hold(inode);
    assert_non_null(description);
    char byte;
    assert_int_equal(contents_read(inode, at_end - 1, &byte, 1), 1);
    assert_int_equal(byte, 'b');
    assert_int_equal(names_remove(at("f"), 0), OK);
    description_release(description);
    while (--made > 0) {
        snprintf(name, sizeof name, "d%d", made - 1);
        assert_int_equal(names_remove(at(name), AT_FLAG_DIRECTORY), OK);
    }
    assert_int_equal(files_committed(), before);
    assert_int_equal(try_make("f"), OK);
    assert_int_equal(names_remove(at("f"), 0), OK);
}

// Every allocation may fail: what was there stays, and nothing leaks.
static void test_no_memory(void **state)
{
    (void)state;
    for (size_t commits = 0; commits < 6; commits++) {
        files_start(256);
        write_text("keep", "kept");
        size_t before = files_committed(), written;
        files_allow(commits);
        static char block[200000];
        struct inode *inode;
        if (names_open(at("f"), OPEN_FLAG_CREATE | OPEN_FLAG_WRITE, 0, &inode) == OK) {
            (void)contents_write(inode, 5000000, block, sizeof block, &written);
            inode_release(inode);
            assert_int_equal(names_remove(at("f"), 0), OK);
        }
        struct pipe *pipe = pipe_new();
        if (pipe) {
            pipe_close(pipe, true);
            pipe_close(pipe, false);
        }
        assert_int_equal(files_committed(), before);
        check_text("keep", "kept");
    }
}

static void test_pipe(void **state)
{
    (void)state;
    size_t before = files_committed(), bytes;
    struct pipe *pipe = pipe_new();
    static uint8_t out[PIPE_BYTES], in[PIPE_BYTES];
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)(i * 13 + i / 256);
    assert_int_equal(pipe_events(pipe, false), 0);
    assert_int_equal(pipe_events(pipe, true), IO_EVENT_WRITABLE);
    for (int round = 0; round < 50; round++) { // positions wrap
        assert_int_equal(pipe_write(pipe, out, 5000, &bytes), OK);
        assert_int_equal(bytes, 5000);
        assert_int_equal(pipe_peek(pipe, in, round % 2 ? 4999 : 5000), round % 2 ? 4999 : 5000);
        assert_memory_equal(in, out, 4999);
        pipe_take(pipe, round % 2 ? 4999 : 5000);
        if (round % 2)
            pipe_take(pipe, 1);
    }
    assert_int_equal(pipe_write(pipe, out, PIPE_BYTES, &bytes), OK);
    assert_int_equal(bytes, PIPE_BYTES);
    assert_int_equal(pipe_write(pipe, out, 1, &bytes), E_AGAIN);
    pipe_take(pipe, 100);
    assert_int_equal(pipe_write(pipe, out, PIPE_ATOMIC, &bytes),
                     E_AGAIN); // whole or not at all
    assert_int_equal(pipe_write(pipe, out, PIPE_ATOMIC + 1, &bytes), OK);
    assert_int_equal(bytes, 100);
    assert_int_equal(pipe->count, PIPE_BYTES);
    pipe_close(pipe, false);
    assert_int_equal(pipe_write(pipe, out, 1, &bytes), E_PIPE);
    assert_int_equal(pipe_events(pipe, true), IO_EVENT_WRITABLE | IO_EVENT_HANGUP);
    pipe_close(pipe, true);
    assert_int_equal(files_committed(), before);
}

static void test_descriptions(void **state)
{
    (void)state;
    struct handles handles = {0};
    struct inode *inode;
    uint32_t handle, second;
    size_t bytes;
    char buffer[16];
    uint64_t position;
    size_t before = files_committed();
    assert_int_equal(names_open(at("f"), OPEN_FLAG_CREATE | OPEN_FLAG_WRITE, 0600, &inode), OK);
    struct description *d =
        description_new(inode, NULL, OPEN_FLAG_READ | OPEN_FLAG_WRITE | OPEN_FLAG_APPEND);
    assert_int_equal(handle_new(&handles, d, &handle), OK);
    assert_int_equal(handle, 1);
    description_hold(d);
    assert_int_equal(handle_new(&handles, d, &second), OK);
    assert_int_equal(description_write(d, -1, "hello", 5, &bytes), OK);
    assert_int_equal(description_seek(d, 1, 0, &position), OK);
    assert_int_equal(description_read(d, -1, buffer, 2, &bytes), OK);
    assert_memory_equal(buffer, "el", 2);
    assert_int_equal(description_write(d, -1, "!", 1, &bytes),
                     OK); // appended, position behind it
    assert_int_equal(d->position, 6);
    assert_int_equal(description_write(d, 0, "J", 1, &bytes), OK); // at an offset: not appended
    assert_int_equal(d->position, 6);
    assert_int_equal(description_seek(d, -7, 1, &position), E_INVAL);
    assert_int_equal(description_seek(d, INT64_MAX, 2, &position), E_OVERFLOW);
    assert_int_equal(description_seek(d, -1, 2, &position), OK);
    assert_int_equal(position, 5);
    assert_int_equal(description_read(d, -2, buffer, 1, &bytes), E_INVAL);
    check_text("f", "Jello!");
    struct description *found;
    assert_int_equal(handle_find(&handles, 3, &found), E_BADF);
    assert_int_equal(handle_find(&handles, UINT32_MAX, &found), E_BADF);
    assert_int_equal(handle_directory(&handles, 1, &inode), E_NOTDIR);
    assert_int_equal(handle_directory(&handles, 0, &inode), OK);
    assert_ptr_equal(inode, inodes()->root);
    enum status status;
    uint32_t count = 2, last;
    for (;; count++) {
        description_hold(d);
        if ((status = handle_new(&handles, d, &last)) != OK)
            break;
    }
    description_release(d);
    assert_int_equal(status, E_MFILE);
    assert_int_equal(count, HANDLES_MAX);
    assert_int_equal(names_remove(at("f"), 0), OK);
    handles_end(&handles, description_release);
    assert_int_equal(files_committed(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_contents, start),
        cmocka_unit_test_setup(test_sparse, start),
        cmocka_unit_test_setup(test_large, start),
        cmocka_unit_test_setup(test_full, start),
        cmocka_unit_test_setup(test_no_memory, start),
        cmocka_unit_test_setup(test_pipe, start),
        cmocka_unit_test_setup(test_descriptions, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
