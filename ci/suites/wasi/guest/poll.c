/* poll_oneoff: clocks, files, streams, mistakes. Run with standard input a pipe in which
 * "ready" waits and whose writer stays open, and standard output a pipe. */
#include "raw.h"

enum { MILLISECOND = 1000000 };

static uint64_t now(int clock)
{
    uint64_t time = 0;
    OK(raw_clock_time_get(clock, 1, AT(&time)));
    return time;
}

static __wasi_subscription_t on_clock(int id, uint64_t timeout, int flags)
{
    __wasi_subscription_t wanted = {.userdata = 77, .u.tag = __WASI_EVENTTYPE_CLOCK};
    wanted.u.u.clock.id = id;
    wanted.u.u.clock.timeout = timeout;
    wanted.u.u.clock.flags = flags;
    return wanted;
}

static __wasi_subscription_t on_fd(int type, int fd)
{
    __wasi_subscription_t wanted = {.userdata = 1000 + fd, .u.tag = type};
    wanted.u.u.fd_read.file_descriptor = fd;
    return wanted;
}

/* Polls and gives the number of events. */
static i32 poll_for(const __wasi_subscription_t *in, __wasi_event_t *out, i32 count)
{
    i32 events = -1;
    memset(out, 0xaa, count * sizeof *out);
    OK(raw_poll_oneoff(AT(in), AT(out), count, AT(&events)));
    return events;
}

static void test_clocks(void)
{
    __wasi_event_t out[4];
    const uint64_t wait = 20 * MILLISECOND;
    uint64_t start = now(1);
    __wasi_subscription_t one = on_clock(__WASI_CLOCKID_MONOTONIC, wait, 0);
    CHECK(poll_for(&one, out, 1) == 1);
    CHECK(now(1) - start >= wait && out[0].userdata == 77 && out[0].error == 0);
    CHECK(out[0].type == __WASI_EVENTTYPE_CLOCK);
    for (int clock = 0; clock <= 1; clock++) {
        start = now(clock);
        one = on_clock(clock, start + wait, __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME);
        CHECK(poll_for(&one, out, 1) == 1);
        CHECK(now(clock) >= start + wait);
    }
    one = on_clock(__WASI_CLOCKID_REALTIME, 5, __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME);
    CHECK(poll_for(&one, out, 1) == 1); /* long past */
    /* The earliest of several, alone. */
    __wasi_subscription_t several[3] = {on_clock(1, 1000000000000, 0), on_clock(1, wait, 0),
                                        on_clock(0, UINT64_MAX, 0)};
    several[1].userdata = 5;
    CHECK(poll_for(several, out, 3) == 1 && out[0].userdata == 5);
    /* Zero: at once. */
    one = on_clock(1, 0, 0);
    CHECK(poll_for(&one, out, 1) == 1);
}

static void test_streams(void)
{
    __wasi_event_t out[4];
    __wasi_subscription_t in[2] = {on_fd(__WASI_EVENTTYPE_FD_READ, 0),
                                   on_clock(1, 60000 * (uint64_t)MILLISECOND, 0)};
    CHECK(poll_for(in, out, 2) == 1);
    CHECK(out[0].type == __WASI_EVENTTYPE_FD_READ && out[0].userdata == 1000);
    /* 1: a system whose pipes do not tell how much is in them. */
    CHECK(out[0].error == 0);
    CHECK(out[0].fd_readwrite.nbytes == 5 || out[0].fd_readwrite.nbytes == 1);
    char text[6] = {0};
    i32 n;
    OK(read_bytes(0, text, 5, &n));
    CHECK(n == 5 && strcmp(text, "ready") == 0);
    /* Nothing left: the clock wins. */
    in[1] = on_clock(1, 10 * MILLISECOND, 0);
    uint64_t start = now(1);
    CHECK(poll_for(in, out, 2) == 1 && out[0].type == __WASI_EVENTTYPE_CLOCK);
    CHECK(now(1) - start >= 10 * MILLISECOND);
    /* Reading without waiting. */
    __wasi_fdstat_t stat;
    OK(raw_fd_fdstat_set_flags(0, __WASI_FDFLAGS_NONBLOCK));
    OK(raw_fd_fdstat_get(0, AT(&stat)));
    CHECK(stat.fs_flags == __WASI_FDFLAGS_NONBLOCK);
    EXPECT(AGAIN, read_bytes(0, text, 5, &n));
    OK(raw_fd_fdstat_set_flags(0, 0));
    __wasi_subscription_t writable[2] = {on_fd(__WASI_EVENTTYPE_FD_WRITE, 1),
                                         on_clock(1, 1, 0)};
    CHECK(poll_for(writable, out, 2) >= 1 && out[0].userdata == 1001 && out[0].error == 0);
    EXPECT(SPIPE, raw_fd_seek(0, 0, __WASI_WHENCE_SET, AT(text)));
    EXPECT(SPIPE, raw_fd_tell(1, AT(text)));
    EXPECT(BADF, write_text(0, "x", &n));
    EXPECT(BADF, read_bytes(1, text, 1, &n));
}

static void test_files(void)
{
    __wasi_event_t out[3];
    make_file(ROOT, "polled", "12345678");
    int fd = open_at(ROOT, "polled", 0, FILE_RW, 0);
    int64_t at;
    OK(raw_fd_seek(fd, 3, __WASI_WHENCE_SET, AT(&at)));
    __wasi_subscription_t in[3] = {on_fd(__WASI_EVENTTYPE_FD_READ, fd),
                                   on_fd(__WASI_EVENTTYPE_FD_WRITE, fd),
                                   on_clock(1, 1000000000000, 0)};
    CHECK(poll_for(in, out, 3) == 2);
    CHECK(out[0].fd_readwrite.nbytes == 5 && out[1].type == __WASI_EVENTTYPE_FD_WRITE);
    /* Without the right: an event that says so, at once. */
    OK(raw_fd_fdstat_set_rights(fd, __WASI_RIGHTS_FD_READ, 0));
    CHECK(poll_for(in, out, 3) == 2);
    CHECK(out[0].error == __WASI_ERRNO_NOTCAPABLE && out[1].error == __WASI_ERRNO_NOTCAPABLE);
    OK(raw_fd_close(fd));
    CHECK(poll_for(in, out, 3) == 2);
    CHECK(out[0].error == __WASI_ERRNO_BADF && out[0].userdata == 1000 + (uint64_t)fd);
    OK(raw_path_unlink_file(ROOT, PATH("polled")));
}

static void test_mistakes(void)
{
    __wasi_event_t out[2];
    i32 events;
    __wasi_subscription_t in = on_clock(2, 1, 0);
    EXPECT(INVAL, raw_poll_oneoff(AT(&in), AT(out), 0, AT(&events)));
    CHECK(poll_for(&in, out, 1) == 1 && out[0].error == __WASI_ERRNO_NOTSUP);
    in = on_clock(9, 1, 0);
    CHECK(poll_for(&in, out, 1) == 1 && out[0].error == __WASI_ERRNO_INVAL);
    in = on_fd(__WASI_EVENTTYPE_FD_READ, -1);
    CHECK(poll_for(&in, out, 1) == 1 && out[0].error == __WASI_ERRNO_BADF);
    in.u.tag = 3;
    EXPECT(INVAL, raw_poll_oneoff(AT(&in), AT(out), 1, AT(&events)));
}

/* A second on the clock, and one with a stream beside it that stays silent. */
static void test_long_waits(void)
{
    __wasi_event_t out[2];
    __wasi_subscription_t in[2] = {on_clock(1, 1000 * (uint64_t)MILLISECOND, 0),
                                   on_fd(__WASI_EVENTTYPE_FD_READ, 0)};
    CHECK(poll_for(in, out, 1) == 1);
    CHECK(poll_for(in, out, 2) == 1 && out[0].type == __WASI_EVENTTYPE_CLOCK);
}

int main(int argc, char **argv)
{
    (void)argv;
    test_clocks();
    test_streams();
    test_files();
    test_mistakes();
    if (argc > 1) {
        test_long_waits();
    }
    make_file(ROOT, "all-polled", ""); /* whoever holds standard input may let go */
    return finish();
}
