/* Calls every function but poll_oneoff, proc_exit and proc_raise with random arguments, good
 * and bad ones mixed: the runner must answer each with some errno and go on. The first argument
 * is the seed, the second the number of calls. Ends with 0 if every answer was an errno.
 */
#include "raw.h"
#include <stdlib.h>

static uint32_t state;

static uint32_t next(uint32_t limit)
{
    state = state * 1664525u + 1013904223u; /* Numerical Recipes */
    return (state >> 8) % limit;
}

static uint8_t scratch[65536]; /* room for the longest transfer after the last address */

static i32 address(void)
{
    static const uint32_t wild[] = {0xffffffff, 0xfffffff8, 0x80000000, 0x7fffffff, 0x10000000};
    return next(8) ? AT(scratch + 8192 + next(sizeof scratch - 24576)) : (i32)wild[next(5)];
}

static i32 length(void)
{
    static const uint32_t lengths[] = {0, 1, 2, 8, 24, 100, 4096, 8192, 0xffffffff, 0x20000001};
    return (i32)lengths[next(next(6) ? 8 : 10)];
}

static i64 size(void)
{
    static const i64 sizes[] = {0, 1, 100, 65536, -1, INT64_MAX, INT64_MIN, 1000000007};
    return sizes[next(8)];
}

static i32 fd(void)
{
    static const i32 odd[] = {0, -1, 1023, 1024, 0x7fffffff};
    return next(6) ? ROOT + (i32)next(next(2) ? 3 : 20) : odd[next(5)];
}

/* A path and its length: mostly one of a few names that collide with each other. */
static i32 path_length;
static i32 path(void)
{
    static const char *const names[] = {"a",       "b",      "a/b",  "b/a", "a/b/c", "..",
                                        "../x",    "/",      "a/",   "b/",  ".",     "a/..",
                                        "a/../..", "./b",    "a//b", "",    "c",     "c/",
                                        "link",    "link/a", "up",   "up/x"};
    const char *name = names[next(sizeof names / sizeof *names)];
    path_length = next(50) ? (i32)strlen(name) : length();
    return next(50) ? AT(name) : address();
}

static i64 rights(void)
{
    return next(3) ? ALL_RIGHTS & ~(i64)(next(2) ? __WASI_RIGHTS_FD_WRITE : 0)
                   : (i64)next(1 << 24) * next(1 << 24);
}

/* Buffers for reading and writing, some of them wild. */
static i32 buffers(void)
{
    __wasi_iovec_t *list = (void *)(scratch + 4096);
    for (int i = 0; i < 4; i++) {
        list[i] = (__wasi_iovec_t){(uint8_t *)(uintptr_t)address(), (size_t)length()};
    }
    return next(20) ? AT(list) : address();
}

#define P path(), path_length

static i32 call_fd(uint32_t which)
{
    switch (which) {
    case 0:
        return raw_fd_advise(fd(), size(), size(), (i32)next(8));
    case 1:
        return raw_fd_allocate(fd(), next(1000), next(1000));
    case 2:
        return raw_fd_close(ROOT + 1 + (i32)next(20)); /* the root stays */
    case 3:
        return raw_fd_datasync(fd());
    case 4:
        return raw_fd_fdstat_get(fd(), address());
    case 5:
        return raw_fd_fdstat_set_flags(fd(), (i32)next(40));
    case 6:
        return raw_fd_fdstat_set_rights(ROOT + 1 + (i32)next(20), rights(), rights());
    case 7:
        return raw_fd_filestat_get(fd(), address());
    case 8:
        return raw_fd_filestat_set_size(fd(), size());
    case 9:
        return raw_fd_filestat_set_times(fd(), size(), size(), (i32)next(20));
    case 10:
        return raw_fd_pread(fd(), buffers(), (i32)next(6), size(), address());
    case 11:
        return raw_fd_prestat_get(fd(), address());
    case 12:
        return raw_fd_prestat_dir_name(fd(), address(), length());
    case 13:
        return raw_fd_pwrite(fd(), buffers(), (i32)next(6), next(100000), address());
    case 14:
        return raw_fd_read(fd(), buffers(), (i32)next(6), address());
    case 15:
        return raw_fd_readdir(fd(), address(), length(), next(2) ? 0 : size(), address());
    case 16:
        return raw_fd_renumber(ROOT + 1 + (i32)next(20), ROOT + 1 + (i32)next(20));
    case 17:
        return raw_fd_seek(fd(), size(), (i32)next(4), address());
    case 18:
        return raw_fd_sync(fd());
    case 19:
        return raw_fd_tell(fd(), address());
    default:
        return raw_fd_write(fd(), buffers(), (i32)next(6), address());
    }
}

static i32 call_path(uint32_t which)
{
    i32 flags = (i32)next(4);
    switch (which) {
    case 0:
        return raw_path_create_directory(fd(), P);
    case 1:
        return raw_path_filestat_get(fd(), flags, P, address());
    case 2:
        return raw_path_filestat_set_times(fd(), flags, P, size(), size(), (i32)next(20));
    case 3: {
        i32 old = path(), old_length = path_length;
        return raw_path_link(fd(), flags, old, old_length, fd(), P);
    }
    case 4:
        return raw_path_readlink(fd(), P, address(), length(), address());
    case 5:
        return raw_path_remove_directory(fd(), P);
    case 6: {
        i32 old = path(), old_length = path_length;
        return raw_path_rename(fd(), old, old_length, fd(), P);
    }
    case 7: {
        i32 text = path(), text_length = path_length;
        return raw_path_symlink(text, text_length, fd(), P);
    }
    case 8:
        return raw_path_unlink_file(fd(), P);
    default:
        return raw_path_open(fd(), flags, P, (i32)next(next(5) ? 16 : 40), rights(), rights(),
                             (i32)next(next(5) ? 8 : 40), address());
    }
}

static i32 call_other(uint32_t which)
{
    switch (which) {
    case 0:
        return raw_args_get(address(), address());
    case 1:
        return raw_args_sizes_get(address(), address());
    case 2:
        return raw_environ_get(address(), address());
    case 3:
        return raw_environ_sizes_get(address(), address());
    case 4:
        return raw_clock_res_get((i32)next(6), address());
    case 5:
        return raw_clock_time_get((i32)next(6), size(), address());
    case 6:
        return raw_random_get(address(), length());
    case 7:
        return raw_sock_accept(fd(), 0, address());
    case 8:
        return raw_sock_recv(fd(), buffers(), 1, 0, address(), address());
    case 9:
        return raw_sock_send(fd(), buffers(), 1, 0, address());
    case 10:
        return raw_sock_shutdown(fd(), (i32)next(5));
    default:
        return raw_sched_yield();
    }
}

int main(int argc, char **argv)
{
    state = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
    int calls = argc > 2 ? atoi(argv[2]) : 1000, good = 0;
    for (int i = 0; i < calls; i++) {
        uint32_t kind = next(10);
        i32 error = kind < 4   ? call_fd(next(21))
                    : kind < 9 ? call_path(next(14))
                               : call_other(next(12));
        CHECK(error >= 0 && error <= 76);
        good += error == 0;
    }
    /* Not all were refused. */
    CHECK(good > calls / 50);
    return finish();
}
