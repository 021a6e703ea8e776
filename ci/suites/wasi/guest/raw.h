/* The 46 functions as WebAssembly sees them, so that a test can pass any address and length;
 * and the checks that all tests here share. Numbers and layouts come from wasi-libc's
 * <wasi/api.h>, not from our own headers: the two are compared by running.
 *
 * A test program prints one line for each check that failed and ends with their number.
 */
#ifndef RAW_H
#define RAW_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wasi/api.h>

typedef int32_t i32;
typedef int64_t i64;

#define RAW(name, ...)                                                                         \
    __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))               \
    i32 raw_##name(__VA_ARGS__)

RAW(args_get, i32, i32);
RAW(args_sizes_get, i32, i32);
RAW(environ_get, i32, i32);
RAW(environ_sizes_get, i32, i32);
RAW(clock_res_get, i32, i32);
RAW(clock_time_get, i32, i64, i32);
RAW(fd_advise, i32, i64, i64, i32);
RAW(fd_allocate, i32, i64, i64);
RAW(fd_close, i32);
RAW(fd_datasync, i32);
RAW(fd_fdstat_get, i32, i32);
RAW(fd_fdstat_set_flags, i32, i32);
RAW(fd_fdstat_set_rights, i32, i64, i64);
RAW(fd_filestat_get, i32, i32);
RAW(fd_filestat_set_size, i32, i64);
RAW(fd_filestat_set_times, i32, i64, i64, i32);
RAW(fd_pread, i32, i32, i32, i64, i32);
RAW(fd_prestat_get, i32, i32);
RAW(fd_prestat_dir_name, i32, i32, i32);
RAW(fd_pwrite, i32, i32, i32, i64, i32);
RAW(fd_read, i32, i32, i32, i32);
RAW(fd_readdir, i32, i32, i32, i64, i32);
RAW(fd_renumber, i32, i32);
RAW(fd_seek, i32, i64, i32, i32);
RAW(fd_sync, i32);
RAW(fd_tell, i32, i32);
RAW(fd_write, i32, i32, i32, i32);
RAW(path_create_directory, i32, i32, i32);
RAW(path_filestat_get, i32, i32, i32, i32, i32);
RAW(path_filestat_set_times, i32, i32, i32, i32, i64, i64, i32);
RAW(path_link, i32, i32, i32, i32, i32, i32, i32);
RAW(path_open, i32, i32, i32, i32, i32, i64, i64, i32, i32);
RAW(path_readlink, i32, i32, i32, i32, i32, i32);
RAW(path_remove_directory, i32, i32, i32);
RAW(path_rename, i32, i32, i32, i32, i32, i32);
RAW(path_symlink, i32, i32, i32, i32, i32);
RAW(path_unlink_file, i32, i32, i32);
RAW(poll_oneoff, i32, i32, i32, i32);
RAW(proc_raise, i32);
RAW(random_get, i32, i32);
RAW(sched_yield, void);
RAW(sock_accept, i32, i32, i32);
RAW(sock_recv, i32, i32, i32, i32, i32, i32);
RAW(sock_send, i32, i32, i32, i32, i32);
RAW(sock_shutdown, i32, i32);

static int failures;

static inline void check_failed(const char *file, int line, const char *what, long long got)
{
    failures++;
    printf("%s:%d: %s: got %lld\n", file, line, what, got);
}

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            check_failed(__FILE__, __LINE__, #condition, 0);                                   \
        }                                                                                      \
    } while (0)
/* `call` answers the errno `expected` (without its prefix __WASI_ERRNO_). */
#define EXPECT(expected, call)                                                                 \
    do {                                                                                       \
        long long got_ = (call);                                                               \
        if (got_ != __WASI_ERRNO_##expected) {                                                 \
            check_failed(__FILE__, __LINE__, #call " wants " #expected, got_);                 \
        }                                                                                      \
    } while (0)
#define OK(call) EXPECT(SUCCESS, call)

#define AT(pointer) ((i32)(uintptr_t)(pointer))
#define PATH(text)  AT(text), (i32)strlen(text)

enum { ROOT = 3 }; /* the first preopened directory; the tests are given one, as "/" */

#define ALL_RIGHTS ((i64)((1 << 30) - 1))
#define FILE_RW                                                                                \
    ((i64)(__WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK |            \
           __WASI_RIGHTS_FD_TELL | __WASI_RIGHTS_FD_FILESTAT_GET |                             \
           __WASI_RIGHTS_FD_FILESTAT_SET_SIZE | __WASI_RIGHTS_FD_FILESTAT_SET_TIMES |          \
           __WASI_RIGHTS_FD_FDSTAT_SET_FLAGS | __WASI_RIGHTS_FD_SYNC |                         \
           __WASI_RIGHTS_FD_DATASYNC | __WASI_RIGHTS_FD_ADVISE | __WASI_RIGHTS_FD_ALLOCATE |   \
           __WASI_RIGHTS_POLL_FD_READWRITE))

/* Opens without following a link at the end; -1 and the errno in *error if it cannot. */
static int open_error;
static inline int open_at(int dir, const char *path, int oflags, i64 rights, int fdflags)
{
    i32 fd = -1;
    open_error =
        raw_path_open(dir, 0, PATH(path), oflags, rights, ALL_RIGHTS, fdflags, AT(&fd));
    return open_error ? -1 : fd;
}

/* The errno of opening, which must fail; a descriptor that came nevertheless is closed. */
static inline int refusal_of(int dir, const char *path, int oflags, i64 rights)
{
    int fd = open_at(dir, path, oflags, rights, 0);
    if (fd >= 0) {
        raw_fd_close(fd);
    }
    return open_error;
}

static inline void make_file(int dir, const char *path, const char *text)
{
    int fd = open_at(dir, path, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_TRUNC, FILE_RW, 0);
    __wasi_ciovec_t piece = {.buf = (const uint8_t *)text, .buf_len = strlen(text)};
    i32 written = 0;
    OK(raw_fd_write(fd, AT(&piece), 1, AT(&written)));
    CHECK((size_t)written == strlen(text));
    OK(raw_fd_close(fd));
}

static inline i32 write_text(int fd, const char *text, i32 *written)
{
    __wasi_ciovec_t piece = {.buf = (const uint8_t *)text, .buf_len = strlen(text)};
    return raw_fd_write(fd, AT(&piece), 1, AT(written));
}

static inline i32 read_bytes(int fd, void *to, size_t size, i32 *got)
{
    __wasi_iovec_t piece = {.buf = to, .buf_len = size};
    return raw_fd_read(fd, AT(&piece), 1, AT(got));
}

static inline int finish(void)
{
    printf("%d failed\n", failures);
    return failures != 0;
}

#endif
