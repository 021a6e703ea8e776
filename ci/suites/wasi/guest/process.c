/* Arguments, environment, clocks, random numbers, preopens, streams. Run with the arguments
 * "one" "two words" "" and the variables A=1 and B=x=y, and /dev/null as standard input. */
#include "raw.h"
#include <unistd.h>

static void test_arguments(void)
{
    i32 count = -1, bytes = -1;
    static char text[256];
    static i32 pointers[8];
    OK(raw_args_sizes_get(AT(&count), AT(&bytes)));
    CHECK(count == 4);
    OK(raw_args_get(AT(pointers), AT(text)));
    static const char *const wanted[] = {"one", "two words", ""};
    i32 total = (i32)strlen((char *)(uintptr_t)pointers[0]) + 1;
    for (int i = 0; i < 3; i++) {
        CHECK(strcmp((char *)(uintptr_t)pointers[i + 1], wanted[i]) == 0);
        total += (i32)strlen(wanted[i]) + 1;
    }
    CHECK(total == bytes && pointers[0] == AT(text) && pointers[4] == 0);
    OK(raw_environ_sizes_get(AT(&count), AT(&bytes)));
    CHECK(count == 2 && bytes == 4 + 6);
    OK(raw_environ_get(AT(pointers), AT(text)));
    CHECK(strcmp((char *)(uintptr_t)pointers[0], "A=1") == 0);
    CHECK(strcmp((char *)(uintptr_t)pointers[1], "B=x=y") == 0);
}

static void test_clocks(void)
{
    for (int clock = 0; clock < 4; clock++) {
        uint64_t resolution = 0, first = 0, second = 0;
        OK(raw_clock_res_get(clock, AT(&resolution)));
        CHECK(resolution > 0 && resolution <= 1000000000);
        OK(raw_clock_time_get(clock, 0, AT(&first)));
        OK(raw_clock_time_get(clock, 1000000, AT(&second)));
        CHECK(clock == 0 || second >= first);
        CHECK(clock != 0 || first > 1600000000000000000); /* after 2020 */
    }
    uint64_t time;
    EXPECT(INVAL, raw_clock_res_get(4, AT(&time)));
    EXPECT(INVAL, raw_clock_time_get(4, 0, AT(&time)));
    EXPECT(INVAL, raw_clock_time_get(-1, 0, AT(&time)));
    OK(raw_sched_yield());
}

static void test_random(void)
{
    static uint8_t bytes[1002];
    unsigned seen[256] = {0}, kinds = 0;
    OK(raw_random_get(AT(bytes + 1), 1000));
    CHECK(bytes[0] == 0 && bytes[1001] == 0);
    for (int i = 1; i <= 1000; i++) {
        kinds += seen[bytes[i]]++ == 0;
    }
    CHECK(kinds > 200); /* 251 to be expected; this few once in 10^60 */
    OK(raw_random_get(0, 0));
}

static void test_preopens(void)
{
    __wasi_prestat_t stat;
    char name[8] = "........";
    OK(raw_fd_prestat_get(ROOT, AT(&stat)));
    CHECK(stat.tag == __WASI_PREOPENTYPE_DIR && stat.u.dir.pr_name_len == 1);
    OK(raw_fd_prestat_dir_name(ROOT, AT(name), 1));
    CHECK(memcmp(name, "/.......", 8) == 0);
    OK(raw_fd_prestat_dir_name(ROOT, AT(name), 8)); /* more room than needed is fine */
    CHECK(memcmp(name, "/.......", 8) == 0);
    EXPECT(NAMETOOLONG, raw_fd_prestat_dir_name(ROOT, AT(name), 0));
    EXPECT(BADF, raw_fd_prestat_get(ROOT + 1, AT(&stat)));
    EXPECT(BADF, raw_fd_prestat_get(0, AT(&stat)));
    __wasi_fdstat_t fdstat;
    OK(raw_fd_fdstat_get(ROOT, AT(&fdstat)));
    CHECK(fdstat.fs_filetype == __WASI_FILETYPE_DIRECTORY && fdstat.fs_flags == 0);
    CHECK(!(fdstat.fs_rights_base & __WASI_RIGHTS_FD_SEEK));
    CHECK(!(fdstat.fs_rights_base & __WASI_RIGHTS_FD_FILESTAT_SET_SIZE));
    i32 fd;
    OK(raw_path_open(ROOT, 0, PATH("."), 0, (i64)fdstat.fs_rights_base,
                     (i64)fdstat.fs_rights_inheriting, 0, AT(&fd)));
    EXPECT(BADF, raw_fd_prestat_get(fd, AT(&stat))); /* opened, not preopened */
    OK(raw_fd_renumber(fd, ROOT)); /* over a preopened one: it takes its place */
    EXPECT(BADF, raw_fd_prestat_get(ROOT, AT(&stat)));
    OK(raw_fd_filestat_get(ROOT, AT(&(__wasi_filestat_t){0})));
    OK(raw_fd_close(ROOT));
    EXPECT(BADF, raw_fd_fdstat_get(ROOT, AT(&fdstat)));
}

static void test_streams(void)
{
    __wasi_fdstat_t stat;
    OK(raw_fd_fdstat_get(0, AT(&stat)));
    CHECK(stat.fs_filetype == __WASI_FILETYPE_CHARACTER_DEVICE);
    CHECK(!isatty(0)); /* /dev/null */
    CHECK(stat.fs_rights_base & __WASI_RIGHTS_FD_READ);
    char byte;
    i32 n = -1;
    OK(read_bytes(0, &byte, 1, &n));
    CHECK(n == 0);
    OK(raw_fd_close(0));
    EXPECT(BADF, read_bytes(0, &byte, 1, &n));
    /* A stream can move to another number. */
    OK(raw_fd_fdstat_get(2, AT(&stat)));
    EXPECT(BADF, raw_fd_renumber(2, 7));
}

static void test_signals(void)
{
    OK(raw_proc_raise(0));
    OK(raw_proc_raise(13)); /* PIPE: ignored */
    OK(raw_proc_raise(16)); /* CHLD: ignored */
    EXPECT(INVAL, raw_proc_raise(31));
    EXPECT(INVAL, raw_proc_raise(255));
}

int main(void)
{
    test_arguments();
    test_clocks();
    test_random();
    test_preopens();
    test_streams();
    test_signals();
    return finish();
}
