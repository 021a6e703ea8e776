/* Open files: reading, writing, position, size, times, flags, rights, renumbering. */
#include "raw.h"

static void test_read_write(void)
{
    int fd = open_at(ROOT, "rw", __WASI_OFLAGS_CREAT, FILE_RW, 0);
    char first[3] = {0}, second[8] = {0};
    i32 n = 0;
    __wasi_ciovec_t out[4] = {{(const uint8_t *)"he", 2},
                              {(const uint8_t *)"", 0},
                              {(const uint8_t *)"llo ", 4},
                              {(const uint8_t *)"world", 5}};
    OK(raw_fd_write(fd, AT(out), 4, AT(&n)));
    CHECK(n == 11);
    int64_t at = 0;
    OK(raw_fd_tell(fd, AT(&at)));
    CHECK(at == 11);
    OK(raw_fd_seek(fd, 0, __WASI_WHENCE_SET, AT(&at)));
    __wasi_iovec_t in[3] = {{(uint8_t *)first, 3}, {NULL, 0}, {(uint8_t *)second, 8}};
    OK(raw_fd_read(fd, AT(in), 3, AT(&n)));
    CHECK(n == 11 && memcmp(first, "hel", 3) == 0 && memcmp(second, "lo world", 8) == 0);
    OK(read_bytes(fd, second, 8, &n));
    CHECK(n == 0);
    OK(raw_fd_read(fd, AT(in), 0, AT(&n)));
    CHECK(n == 0);
    OK(raw_fd_write(fd, AT(out), 0, AT(&n)));
    CHECK(n == 0);
    OK(raw_fd_pwrite(fd, AT(out), 1, 20, AT(&n)));
    CHECK(n == 2);
    OK(raw_fd_pread(fd, AT(in), 3, 9, AT(&n)));
    CHECK(n == 11 && memcmp(first, "ld\0", 3) == 0);
    OK(raw_fd_tell(fd, AT(&at)));
    CHECK(at == 11); /* where the first read ended: neither of the last two moved it */
    EXPECT(INVAL, raw_fd_pread(fd, AT(in), 3, -1, AT(&n)));
    EXPECT(INVAL, raw_fd_pwrite(fd, AT(out), 1, INT64_MAX, AT(&n)));
    OK(raw_fd_sync(fd));
    OK(raw_fd_datasync(fd));
    OK(raw_fd_close(fd));
    EXPECT(BADF, raw_fd_close(fd));
    OK(raw_path_unlink_file(ROOT, PATH("rw")));
}

static void test_large_gather(void)
{
    static uint8_t big[3][5000];
    for (int i = 0; i < 3; i++) {
        memset(big[i], 'a' + i, sizeof big[i]);
    }
    int fd = open_at(ROOT, "big", __WASI_OFLAGS_CREAT, FILE_RW, 0);
    __wasi_ciovec_t out[3] = {{big[0], 5000}, {big[1], 5000}, {big[2], 5000}};
    i32 n = 0;
    int64_t at;
    OK(raw_fd_write(fd, AT(out), 3, AT(&n)));
    CHECK(n == 15000);
    OK(raw_fd_seek(fd, 4999, __WASI_WHENCE_SET, AT(&at)));
    uint8_t two[2];
    OK(read_bytes(fd, two, 2, &n));
    CHECK(n == 2 && two[0] == 'a' && two[1] == 'b');
    /* A list that the read itself overwrites: no more than an error may come of it. */
    static union {
        __wasi_iovec_t list[2];
        uint8_t bytes[16];
    } self;
    self.list[0] = (__wasi_iovec_t){self.bytes, 16};
    self.list[1] = (__wasi_iovec_t){big[0], 16};
    OK(raw_fd_pread(fd, AT(self.list), 2, 0, AT(&n)));
    CHECK(n == 16 && self.bytes[0] == 'a');
    OK(raw_fd_close(fd));
    OK(raw_path_unlink_file(ROOT, PATH("big")));
}

static void test_seek(void)
{
    make_file(ROOT, "seek", "0123456789");
    int fd = open_at(ROOT, "seek", 0, FILE_RW, 0);
    int64_t at = 0;
    OK(raw_fd_seek(fd, -3, __WASI_WHENCE_END, AT(&at)));
    CHECK(at == 7);
    OK(raw_fd_seek(fd, -2, __WASI_WHENCE_CUR, AT(&at)));
    CHECK(at == 5);
    OK(raw_fd_seek(fd, 1000, __WASI_WHENCE_CUR, AT(&at)));
    CHECK(at == 1005);
    EXPECT(INVAL, raw_fd_seek(fd, -2000, __WASI_WHENCE_CUR, AT(&at)));
    EXPECT(INVAL, raw_fd_seek(fd, 0, 3, AT(&at)));
    EXPECT(FAULT, raw_fd_seek(fd, 0, __WASI_WHENCE_SET, -1));
    OK(raw_fd_tell(fd, AT(&at)));
    CHECK(at == 1005); /* the faulting call moved nothing */
    OK(raw_fd_close(fd));
    OK(raw_path_unlink_file(ROOT, PATH("seek")));
}

static void test_size_and_times(void)
{
    int fd = open_at(ROOT, "size", __WASI_OFLAGS_CREAT, FILE_RW, 0);
    __wasi_filestat_t status;
    OK(raw_fd_filestat_set_size(fd, 100));
    OK(raw_fd_filestat_get(fd, AT(&status)));
    CHECK(status.size == 100 && status.filetype == __WASI_FILETYPE_REGULAR_FILE);
    CHECK(status.nlink == 1 && status.ino != 0);
    EXPECT(INVAL, raw_fd_filestat_set_size(fd, -1));
    OK(raw_fd_allocate(fd, 90, 30));
    OK(raw_fd_filestat_get(fd, AT(&status)));
    CHECK(status.size == 120);
    OK(raw_fd_allocate(fd, 0, 10));
    OK(raw_fd_filestat_get(fd, AT(&status)));
    CHECK(status.size == 120);
    EXPECT(INVAL, raw_fd_allocate(fd, 0, 0));
    EXPECT(FBIG, raw_fd_allocate(fd, INT64_MAX, 2));
    for (int advice = 0; advice <= 5; advice++) {
        OK(raw_fd_advise(fd, 10, 50, advice));
    }
    EXPECT(INVAL, raw_fd_advise(fd, 0, 0, 6));
    EXPECT(INVAL, raw_fd_advise(fd, INT64_MAX, INT64_MAX, 0));
    uint64_t old_atim = status.atim, moment = 1234567890123456789;
    OK(raw_fd_filestat_set_times(fd, 5, (i64)moment, __WASI_FSTFLAGS_MTIM));
    OK(raw_fd_filestat_get(fd, AT(&status)));
    CHECK(status.mtim == moment && status.atim == old_atim);
    OK(raw_fd_filestat_set_times(fd, 5000000000, 0, __WASI_FSTFLAGS_ATIM));
    OK(raw_fd_filestat_get(fd, AT(&status)));
    CHECK(status.mtim == moment && status.atim == 5000000000);
    OK(raw_fd_filestat_set_times(fd, 0, 0,
                                 __WASI_FSTFLAGS_MTIM_NOW | __WASI_FSTFLAGS_ATIM_NOW));
    OK(raw_fd_filestat_get(fd, AT(&status)));
    CHECK(status.mtim > moment && status.atim > moment);
    EXPECT(INVAL, raw_fd_filestat_set_times(fd, 0, 0,
                                            __WASI_FSTFLAGS_MTIM | __WASI_FSTFLAGS_MTIM_NOW));
    EXPECT(INVAL, raw_fd_filestat_set_times(fd, 0, 0,
                                            __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_ATIM_NOW));
    EXPECT(INVAL, raw_fd_filestat_set_times(fd, 0, 0, 16));
    OK(raw_fd_close(fd));
    OK(raw_path_unlink_file(ROOT, PATH("size")));
}

static void test_flags(void)
{
    int fd = open_at(ROOT, "flags", __WASI_OFLAGS_CREAT, FILE_RW, __WASI_FDFLAGS_APPEND);
    __wasi_fdstat_t stat;
    __wasi_filestat_t status;
    i32 n;
    int64_t at;
    OK(raw_fd_fdstat_get(fd, AT(&stat)));
    CHECK(stat.fs_flags == __WASI_FDFLAGS_APPEND);
    CHECK(stat.fs_filetype == __WASI_FILETYPE_REGULAR_FILE);
    CHECK(stat.fs_rights_base == (uint64_t)FILE_RW && stat.fs_rights_inheriting == 0);
    OK(write_text(fd, "12345", &n));
    OK(raw_fd_seek(fd, 0, __WASI_WHENCE_SET, AT(&at)));
    OK(write_text(fd, "67890", &n));
    OK(raw_fd_filestat_get(fd, AT(&status)));
    CHECK(status.size == 10);
    OK(raw_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_NONBLOCK));
    OK(raw_fd_fdstat_get(fd, AT(&stat)));
    CHECK(stat.fs_flags == __WASI_FDFLAGS_NONBLOCK);
    OK(raw_fd_seek(fd, 0, __WASI_WHENCE_SET, AT(&at)));
    OK(write_text(fd, "xx", &n));
    OK(raw_fd_filestat_get(fd, AT(&status)));
    CHECK(n == 2 && status.size == 10);
    EXPECT(NOTSUP, raw_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_SYNC));
    EXPECT(INVAL, raw_fd_fdstat_set_flags(fd, 32));
    OK(raw_fd_close(fd));
    fd = open_at(ROOT, "flags", 0, FILE_RW,
                 __WASI_FDFLAGS_SYNC | __WASI_FDFLAGS_DSYNC | __WASI_FDFLAGS_RSYNC);
    OK(raw_fd_fdstat_get(fd, AT(&stat)));
    CHECK(stat.fs_flags == (__WASI_FDFLAGS_SYNC | __WASI_FDFLAGS_DSYNC | __WASI_FDFLAGS_RSYNC));
    OK(write_text(fd, "synced", &n));
    OK(raw_fd_close(fd));
    EXPECT(INVAL, raw_path_open(ROOT, 0, PATH("flags"), 0, 0, 0, 32, AT(&n)));
    OK(raw_path_unlink_file(ROOT, PATH("flags")));
}

static void test_rights(void)
{
    int fd = open_at(ROOT, "rights", __WASI_OFLAGS_CREAT, FILE_RW, 0);
    char byte;
    i32 n;
    int64_t at;
    i64 less = FILE_RW &
               ~(i64)(__WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK);
    EXPECT(NOTCAPABLE, raw_fd_fdstat_set_rights(fd, ALL_RIGHTS, 0));
    EXPECT(NOTCAPABLE, raw_fd_fdstat_set_rights(fd, FILE_RW, 1));
    OK(raw_fd_fdstat_set_rights(fd, less, 0));
    EXPECT(NOTCAPABLE, raw_fd_fdstat_set_rights(fd, FILE_RW, 0));
    EXPECT(BADF, read_bytes(fd, &byte, 1, &n));
    EXPECT(BADF, write_text(fd, "x", &n));
    EXPECT(NOTCAPABLE, raw_fd_seek(fd, 1, __WASI_WHENCE_SET, AT(&at)));
    OK(raw_fd_seek(fd, 0, __WASI_WHENCE_CUR, AT(&at))); /* that is to tell */
    OK(raw_fd_fdstat_set_rights(fd, 0, 0));
    EXPECT(NOTCAPABLE, raw_fd_tell(fd, AT(&at)));
    EXPECT(NOTCAPABLE, raw_fd_sync(fd));
    EXPECT(NOTCAPABLE, raw_fd_datasync(fd));
    EXPECT(NOTCAPABLE, raw_fd_advise(fd, 0, 0, 0));
    EXPECT(NOTCAPABLE, raw_fd_allocate(fd, 0, 1));
    EXPECT(NOTCAPABLE, raw_fd_filestat_set_size(fd, 0));
    EXPECT(NOTCAPABLE, raw_fd_filestat_set_times(fd, 0, 0, 0));
    EXPECT(NOTCAPABLE, raw_fd_fdstat_set_flags(fd, 0));
    __wasi_filestat_t status;
    EXPECT(NOTCAPABLE, raw_fd_filestat_get(fd, AT(&status)));
    OK(raw_fd_close(fd));
    /* SEEK includes TELL. */
    fd = open_at(ROOT, "rights", 0, __WASI_RIGHTS_FD_SEEK, 0);
    OK(raw_fd_tell(fd, AT(&at)));
    OK(raw_fd_close(fd));
    /* Without the right of the directory, nothing opened through it has it. */
    int dir = open_at(ROOT, ".", __WASI_OFLAGS_DIRECTORY, ALL_RIGHTS & ~(i64)FILE_RW, 0);
    OK(raw_fd_fdstat_set_rights(dir, __WASI_RIGHTS_PATH_OPEN, __WASI_RIGHTS_FD_READ));
    EXPECT(NOTCAPABLE, refusal_of(dir, "rights", 0, FILE_RW));
    EXPECT(NOTCAPABLE,
           raw_path_open(dir, 0, PATH("rights"), __WASI_OFLAGS_TRUNC, 0, 0, 0, AT(&n)));
    EXPECT(NOTCAPABLE,
           raw_path_open(dir, 0, PATH("new"), __WASI_OFLAGS_CREAT, 0, 0, 0, AT(&n)));
    EXPECT(NOTCAPABLE,
           raw_path_open(dir, 0, PATH("rights"), 0, 0, 0, __WASI_FDFLAGS_SYNC, AT(&n)));
    EXPECT(NOTCAPABLE, raw_path_create_directory(dir, PATH("new")));
    EXPECT(NOTCAPABLE, raw_path_unlink_file(dir, PATH("rights")));
    EXPECT(NOTCAPABLE, raw_path_filestat_get(dir, 0, PATH("rights"), AT(&status)));
    OK(raw_path_open(dir, 0, PATH("rights"), 0, __WASI_RIGHTS_FD_READ, 0, 0, AT(&fd)));
    OK(raw_fd_close(fd));
    OK(raw_fd_close(dir));
    OK(raw_path_unlink_file(ROOT, PATH("rights")));
}

static void test_renumber(void)
{
    make_file(ROOT, "from", "from");
    make_file(ROOT, "to", "to");
    int from = open_at(ROOT, "from", 0, FILE_RW, 0), to = open_at(ROOT, "to", 0, FILE_RW, 0);
    char text[5] = {0};
    i32 n;
    OK(raw_fd_renumber(from, from));
    OK(raw_fd_renumber(from, to));
    EXPECT(BADF, raw_fd_close(from));
    OK(read_bytes(to, text, 4, &n));
    CHECK(n == 4 && memcmp(text, "from", 4) == 0);
    EXPECT(BADF, raw_fd_renumber(to, from));
    EXPECT(BADF, raw_fd_renumber(from, to));
    EXPECT(BADF, raw_fd_renumber(to, 1000000));
    EXPECT(BADF, raw_fd_renumber(to, -1));
    OK(raw_fd_close(to));
    OK(raw_path_unlink_file(ROOT, PATH("from")));
    OK(raw_path_unlink_file(ROOT, PATH("to")));
}

static void test_many(void)
{
    static int fds[2000];
    int count = 0;
    while (count < 2000 && (fds[count] = open_at(ROOT, ".", 0, 0, 0)) >= 0) {
        count++;
    }
    EXPECT(MFILE, open_error);
    CHECK(count > 200 && count < 2000);
    for (int i = 0; i < count; i++) {
        OK(raw_fd_close(fds[i]));
    }
    int fd = open_at(ROOT, ".", 0, 0, 0);
    CHECK(fd == fds[0]);
    OK(raw_fd_close(fd));
}

int main(void)
{
    test_read_write();
    test_large_gather();
    test_seek();
    test_size_and_times();
    test_flags();
    test_rights();
    test_renumber();
    test_many();
    return finish();
}
