/* Bad addresses, lengths, numbers and descriptors, in every function: each is answered with an
 * errno, and memory that was not the target stays as it is. */
#include "raw.h"

static const i32 bad[] = {-1, -4, -8, 0x7fffffff, (i32)0x80000000};
enum { BAD = sizeof bad / sizeof *bad };

static i32 fd; /* of a file with something in it */

static void test_strings_and_results(void)
{
    char good[64];
    for (int i = 0; i < BAD; i++) {
        i32 at = bad[i];
        EXPECT(FAULT, raw_args_get(at, AT(good)));
        EXPECT(FAULT, raw_args_get(AT(good), at));
        EXPECT(FAULT, raw_args_sizes_get(at, AT(good)));
        EXPECT(FAULT, raw_args_sizes_get(AT(good), at));
        EXPECT(FAULT, raw_environ_get(at, AT(good)));
        EXPECT(FAULT, raw_environ_get(AT(good), at));
        EXPECT(FAULT, raw_environ_sizes_get(at, AT(good)));
        EXPECT(FAULT, raw_environ_sizes_get(AT(good), at));
        EXPECT(FAULT, raw_clock_res_get(0, at));
        EXPECT(FAULT, raw_clock_time_get(0, 0, at));
        EXPECT(FAULT, raw_random_get(at, 16));
        EXPECT(FAULT, raw_fd_fdstat_get(fd, at));
        EXPECT(FAULT, raw_fd_filestat_get(fd, at));
        EXPECT(FAULT, raw_fd_prestat_get(ROOT, at));
        EXPECT(FAULT, raw_fd_prestat_dir_name(ROOT, at, 100));
        EXPECT(FAULT, raw_fd_seek(fd, 0, 0, at));
        EXPECT(FAULT, raw_fd_tell(fd, at));
        EXPECT(FAULT, raw_fd_readdir(ROOT, at, 100, 0, AT(good)));
        EXPECT(FAULT, raw_fd_readdir(ROOT, AT(good), 10, 0, at));
        EXPECT(FAULT, raw_path_create_directory(ROOT, at, 3));
        EXPECT(FAULT, raw_path_filestat_get(ROOT, 0, at, 3, AT(good)));
        EXPECT(FAULT, raw_path_filestat_get(ROOT, 0, PATH("file"), at));
        EXPECT(FAULT, raw_path_filestat_set_times(ROOT, 0, at, 3, 0, 0, 0));
        EXPECT(FAULT, raw_path_link(ROOT, 0, at, 3, ROOT, PATH("x")));
        EXPECT(FAULT, raw_path_link(ROOT, 0, PATH("file"), ROOT, at, 3));
        EXPECT(FAULT, raw_path_open(ROOT, 0, at, 3, 0, 0, 0, 0, AT(good)));
        EXPECT(FAULT, raw_path_open(ROOT, 0, PATH("new"), __WASI_OFLAGS_CREAT, 0, 0, 0, at));
        EXPECT(FAULT, raw_path_readlink(ROOT, at, 3, AT(good), 10, AT(good)));
        EXPECT(FAULT, raw_path_readlink(ROOT, PATH("link"), at, 10, AT(good)));
        EXPECT(FAULT, raw_path_readlink(ROOT, PATH("link"), AT(good), 10, at));
        EXPECT(FAULT, raw_path_remove_directory(ROOT, at, 3));
        EXPECT(FAULT, raw_path_rename(ROOT, at, 3, ROOT, PATH("x")));
        EXPECT(FAULT, raw_path_rename(ROOT, PATH("file"), ROOT, at, 3));
        EXPECT(FAULT, raw_path_symlink(at, 3, ROOT, PATH("x")));
        EXPECT(FAULT, raw_path_symlink(PATH("x"), ROOT, at, 3));
        EXPECT(FAULT, raw_path_unlink_file(ROOT, at, 3));
        EXPECT(FAULT, raw_poll_oneoff(at, AT(good), 1, AT(good)));
        EXPECT(FAULT, raw_poll_oneoff(AT(good), at, 1, AT(good)));
    }
    /* A length that reaches beyond memory, from an address that is good. */
    EXPECT(FAULT, raw_path_open(ROOT, 0, AT(good), -1, 0, 0, 0, 0, AT(good)));
    EXPECT(FAULT, raw_random_get(AT(good), -1));
    EXPECT(FAULT, raw_fd_readdir(ROOT, AT(good), -1, 0, AT(good)));
    EXPECT(FAULT, raw_poll_oneoff(AT(good), AT(good), -1, AT(good)));
    /* The failing creations created nothing. */
    EXPECT(NOENT, raw_path_filestat_get(ROOT, 0, PATH("new"), AT(good)));
    EXPECT(NOENT, raw_path_filestat_get(ROOT, 0, PATH("x"), AT(good)));
}

static void test_buffers(void)
{
    uint8_t byte = 'x';
    i32 n;
    int64_t position;
    OK(raw_fd_seek(fd, 0, __WASI_WHENCE_SET, AT(&position)));
    for (int i = 0; i < BAD; i++) {
        __wasi_ciovec_t out[2] = {{&byte, 1}, {(uint8_t *)(uintptr_t)bad[i], 1}};
        __wasi_ciovec_t huge[1] = {{&byte, (size_t)bad[i]}};
        EXPECT(FAULT, raw_fd_read(fd, bad[i], 1, AT(&n)));
        EXPECT(FAULT, raw_fd_write(fd, bad[i], 1, AT(&n)));
        EXPECT(FAULT, raw_fd_pread(fd, bad[i], 1, 0, AT(&n)));
        EXPECT(FAULT, raw_fd_pwrite(fd, bad[i], 1, 0, AT(&n)));
        EXPECT(FAULT, raw_fd_read(fd, AT(out), 1, bad[i]));
        EXPECT(FAULT, raw_fd_write(fd, AT(out), 1, bad[i]));
        EXPECT(FAULT, raw_fd_pread(fd, AT(out), 1, 0, bad[i]));
        EXPECT(FAULT, raw_fd_pwrite(fd, AT(out), 1, 0, bad[i]));
        if (bad[i] != -1) { /* address 0xffffffff with one byte is outside; so are the others */
            EXPECT(FAULT, raw_fd_read(fd, AT(out), 2, AT(&n)));
        }
        EXPECT(FAULT, raw_fd_write(fd, AT(out), 2, AT(&n)));
        EXPECT(FAULT, raw_fd_pread(fd, AT(out), 2, 0, AT(&n)));
        EXPECT(FAULT, raw_fd_pwrite(fd, AT(out), 2, 0, AT(&n)));
        EXPECT(FAULT, raw_fd_read(fd, AT(huge), 1, AT(&n)));
        EXPECT(FAULT, raw_fd_write(fd, AT(huge), 1, AT(&n)));
        /* A count whose size in bytes overflows 32 bits. */
        EXPECT(FAULT, raw_fd_read(fd, AT(out), 0x20000001, AT(&n)));
        EXPECT(FAULT, raw_fd_write(fd, AT(out), (i32)0x80000002, AT(&n)));
    }
    /* The same where the bytes that the overflow leaves are good, at the end of memory. */
    i32 last = (i32)(__builtin_wasm_memory_size(0) * 65536 - 8);
    memset((void *)(uintptr_t)last, 0, 8);
    OK(raw_fd_read(fd, last, 1, AT(&n)));
    EXPECT(FAULT, raw_fd_read(fd, last, 0x20000001, AT(&n)));
    EXPECT(FAULT, raw_fd_write(fd, last, 0x20000001, AT(&n)));
    EXPECT(FAULT, raw_fd_read(fd, last, 2, AT(&n)));
    /* Lengths that are each good, and add up to more than 32 bits. */
    enum { PIECES = 70000 };
    static __wasi_ciovec_t many[PIECES];
    for (int i = 0; i < PIECES; i++) {
        many[i] = (__wasi_ciovec_t){(const uint8_t *)many, 65536};
    }
    EXPECT(INVAL, raw_fd_write(fd, AT(many), PIECES, AT(&n)));
    EXPECT(INVAL, raw_fd_read(fd, AT(many), PIECES, AT(&n)));
    OK(raw_fd_tell(fd, AT(&position)));
    CHECK(position == 0); /* nothing was moved by all these */
    __wasi_filestat_t status;
    OK(raw_fd_filestat_get(fd, AT(&status)));
    CHECK(status.size == 4);
}

static void test_descriptors(void)
{
    static const i32 wrong[] = {-1, 50, 1023, 1024, 0x7fffffff, (i32)0x80000000};
    char good[64];
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        i32 no = wrong[i];
        EXPECT(BADF, raw_fd_advise(no, 0, 0, 0));
        EXPECT(BADF, raw_fd_allocate(no, 0, 1));
        EXPECT(BADF, raw_fd_close(no));
        EXPECT(BADF, raw_fd_datasync(no));
        EXPECT(BADF, raw_fd_fdstat_get(no, AT(good)));
        EXPECT(BADF, raw_fd_fdstat_set_flags(no, 0));
        EXPECT(BADF, raw_fd_fdstat_set_rights(no, 0, 0));
        EXPECT(BADF, raw_fd_filestat_get(no, AT(good)));
        EXPECT(BADF, raw_fd_filestat_set_size(no, 0));
        EXPECT(BADF, raw_fd_filestat_set_times(no, 0, 0, 0));
        EXPECT(BADF, raw_fd_pread(no, AT(good), 0, 0, AT(good)));
        EXPECT(BADF, raw_fd_prestat_get(no, AT(good)));
        EXPECT(BADF, raw_fd_prestat_dir_name(no, AT(good), 1));
        EXPECT(BADF, raw_fd_pwrite(no, AT(good), 0, 0, AT(good)));
        EXPECT(BADF, raw_fd_read(no, AT(good), 0, AT(good)));
        EXPECT(BADF, raw_fd_readdir(no, AT(good), 0, 0, AT(good)));
        EXPECT(BADF, raw_fd_renumber(no, 1));
        EXPECT(BADF, raw_fd_seek(no, 0, 0, AT(good)));
        EXPECT(BADF, raw_fd_sync(no));
        EXPECT(BADF, raw_fd_tell(no, AT(good)));
        EXPECT(BADF, raw_fd_write(no, AT(good), 0, AT(good)));
        EXPECT(BADF, raw_path_create_directory(no, PATH("x")));
        EXPECT(BADF, raw_path_filestat_get(no, 0, PATH("x"), AT(good)));
        EXPECT(BADF, raw_path_filestat_set_times(no, 0, PATH("x"), 0, 0, 0));
        EXPECT(BADF, raw_path_link(no, 0, PATH("file"), ROOT, PATH("x")));
        EXPECT(BADF, raw_path_link(ROOT, 0, PATH("file"), no, PATH("x")));
        EXPECT(BADF, raw_path_open(no, 0, PATH("x"), 0, 0, 0, 0, AT(good)));
        EXPECT(BADF, raw_path_readlink(no, PATH("x"), AT(good), 1, AT(good)));
        EXPECT(BADF, raw_path_remove_directory(no, PATH("x")));
        EXPECT(BADF, raw_path_rename(no, PATH("file"), ROOT, PATH("x")));
        EXPECT(BADF, raw_path_rename(ROOT, PATH("file"), no, PATH("x")));
        EXPECT(BADF, raw_path_symlink(PATH("x"), no, PATH("x")));
        EXPECT(BADF, raw_path_unlink_file(no, PATH("x")));
        EXPECT(BADF, raw_sock_accept(no, 0, AT(good)));
        EXPECT(BADF, raw_sock_recv(no, AT(good), 0, 0, AT(good), AT(good)));
        EXPECT(BADF, raw_sock_send(no, AT(good), 0, 0, AT(good)));
        EXPECT(BADF, raw_sock_shutdown(no, 3));
    }
    EXPECT(NOTSOCK, raw_sock_accept(fd, 0, AT(good)));
    EXPECT(NOTSOCK, raw_sock_recv(fd, AT(good), 0, 0, AT(good), AT(good)));
    EXPECT(NOTSOCK, raw_sock_send(fd, AT(good), 0, 0, AT(good)));
    EXPECT(NOTSOCK, raw_sock_shutdown(fd, 3));
    EXPECT(BADF, raw_fd_prestat_get(fd, AT(good)));
    EXPECT(BADF, raw_fd_prestat_dir_name(fd, AT(good), 1));
}

int main(void)
{
    make_file(ROOT, "file", "text");
    OK(raw_path_symlink(PATH("file"), ROOT, PATH("link")));
    fd = open_at(ROOT, "file", 0, FILE_RW, 0);
    test_strings_and_results();
    test_buffers();
    test_descriptors();
    OK(raw_fd_close(fd));
    OK(raw_path_unlink_file(ROOT, PATH("file")));
    OK(raw_path_unlink_file(ROOT, PATH("link")));
    return finish();
}
