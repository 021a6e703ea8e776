/* Descriptors: copies, flags, pipes, poll, terminals. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#include "test.h"

static void test_copies(void)
{
    char buffer[4] = "";
    int fd = open("d", O_RDWR | O_CREAT, 0600), copy = dup(fd);
    CHECK(fd >= 0 && copy > fd && write(fd, "abcd", 4) == 4);
    CHECK(lseek(copy, 1, SEEK_SET) == 1 && read(fd, buffer, 1) == 1 && buffer[0] == 'b');
    CHECK(dup2(fd, 50) == 50 && lseek(50, 0, SEEK_CUR) == 2 && dup2(50, 50) == 50);
    CHECK(fcntl(fd, F_DUPFD, 60) == 60 && close(60) == 0 && close(50) == 0);
    CHECK_ERROR(dup2(99, 3), EBADF);
    CHECK_ERROR(dup2(fd, 100000), EBADF);
    CHECK_ERROR(dup3(fd, fd, 0), EINVAL);
    CHECK(fcntl(copy, F_GETFD) == 0 && fcntl(copy, F_SETFD, FD_CLOEXEC) == 0);
    CHECK(fcntl(copy, F_GETFD) == FD_CLOEXEC && fcntl(fd, F_GETFD) == 0);
    CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR && fcntl(fd, F_SETFL, O_APPEND) == 0);
    CHECK(fcntl(copy, F_GETFL) & O_APPEND); /* shared with the description */
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && write(copy, "e", 1) == 1);
    CHECK(lseek(fd, 0, SEEK_END) == 5);
    CHECK_ERROR(fcntl(fd, 99), EINVAL);
    CHECK_ERROR(ioctl(fd, TIOCGWINSZ, buffer), ENOTTY);
    int left = 0;
    CHECK(lseek(fd, 2, SEEK_SET) == 2 && ioctl(fd, FIONREAD, &left) == 0 && left == 3);
    CHECK(close(fd) == 0 && close(copy) == 0 && unlink("d") == 0);
}

static struct flock lock_of(short type, long start, long length)
{
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

/* Locks of one process never meet each other; child_main's "lock" is the other one. */
static void test_locks(void)
{
    struct flock lock = lock_of(F_WRLCK, 10, 10);
    int fd = open("k", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0);
    lock = lock_of(F_RDLCK, 0, 0);
    CHECK(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK);
    CHECK(lock_in_child("k", F_RDLCK, 0, 10) == 0);
    CHECK(lock_in_child("k", F_RDLCK, 0, 11) == EAGAIN);
    CHECK(lock_in_child("k", F_WRLCK, 19, 0) == EAGAIN);
    lock = lock_of(F_UNLCK, 12, 4); /* leaves 10, 11 and 16 to 19 */
    CHECK(fcntl(fd, F_SETLK, &lock) == 0 && lock_in_child("k", F_WRLCK, 12, 4) == 0);
    CHECK(lock_in_child("k", F_WRLCK, 11, 2) == EAGAIN);
    CHECK(lock_in_child("k", F_WRLCK, 15, 2) == EAGAIN);
    lock = lock_of(F_RDLCK, 10, 10);
    CHECK(fcntl(fd, F_SETLKW, &lock) == 0 && lock_in_child("k", F_RDLCK, 0, 0) == 0);
    CHECK(lock_in_child("k", F_WRLCK, 0, 0) == EAGAIN);
    lock = lock_of(F_WRLCK, -1, 5);
    CHECK_ERROR(fcntl(fd, F_SETLK, &lock), EINVAL);
    int other = open("k", O_RDONLY);
    lock = lock_of(F_WRLCK, 0, 1);
    CHECK_ERROR(fcntl(other, F_SETLK, &lock), EBADF);
    CHECK(close(other) == 0 && lock_in_child("k", F_WRLCK, 0, 0) == 0); /* any close */
    CHECK(close(fd) == 0 && unlink("k") == 0);
}

static void test_pipes(void)
{
    int ends[2];
    char buffer[16] = "";
    CHECK(pipe(ends) == 0 && write(ends[1], "hello", 5) == 5);
    CHECK(read(ends[0], buffer, sizeof buffer) == 5 && memcmp(buffer, "hello", 5) == 0);
    CHECK_ERROR(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
    CHECK_ERROR(write(ends[0], "x", 1), EBADF);
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK_ERROR(read(ends[0], buffer, 1), EAGAIN);
    CHECK(write(ends[1], "z", 1) == 1 && close(ends[1]) == 0);
    CHECK(read(ends[0], buffer, 4) == 1 && read(ends[0], buffer, 4) == 0);
    CHECK(close(ends[0]) == 0);
    CHECK(signal(SIGPIPE, SIG_IGN) == SIG_DFL && pipe2(ends, O_CLOEXEC) == 0);
    CHECK(fcntl(ends[1], F_GETFD) == FD_CLOEXEC && close(ends[0]) == 0);
    CHECK_ERROR(write(ends[1], "x", 1), EPIPE);
    CHECK(close(ends[1]) == 0 && signal(SIGPIPE, SIG_DFL) == SIG_IGN);
}

static void test_poll(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    struct pollfd fds[3] = {
        {.fd = ends[0], .events = POLLIN}, {.fd = ends[1], .events = POLLOUT}, {.fd = -1}};
    CHECK(poll(fds, 3, -1) == 1 && fds[0].revents == 0 && fds[1].revents == POLLOUT);
    CHECK(poll(fds, 1, 0) == 0 && poll(fds, 1, 20) == 0);
    CHECK(write(ends[1], "x", 1) == 1 && poll(fds, 2, -1) == 2);
    CHECK(fds[0].revents == POLLIN);
    fd_set reading, writing;
    FD_ZERO(&reading);
    FD_ZERO(&writing);
    FD_SET(ends[0], &reading);
    FD_SET(ends[1], &writing);
    CHECK(select(ends[1] + 1, &reading, &writing, NULL, NULL) == 2);
    CHECK(FD_ISSET(ends[0], &reading) && FD_ISSET(ends[1], &writing));
    char byte;
    CHECK(read(ends[0], &byte, 1) == 1 && close(ends[1]) == 0);
    CHECK(poll(fds, 1, -1) == 1 && (fds[0].revents & POLLHUP));
    fds[0].fd = 77;
    CHECK(poll(fds, 1, -1) == 1 && fds[0].revents == POLLNVAL && close(ends[0]) == 0);
}

static void test_devices(void)
{
    char byte;
    int fd = open("/dev/null", O_RDWR);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1 && read(fd, &byte, 1) == 0 && !isatty(fd));
    struct termios settings;
    CHECK_ERROR(tcgetattr(fd, &settings), ENOTTY);
    CHECK(close(fd) == 0);
    fd = open("/dev/console", O_RDWR);
    CHECK(fd >= 0 && isatty(fd) && tcgetattr(fd, &settings) == 0);
    struct termios before = settings, now;
    settings.c_lflag ^= ECHO;
    CHECK(tcsetattr(fd, TCSANOW, &settings) == 0 && tcgetattr(fd, &now) == 0);
    CHECK((now.c_lflag & ECHO) == (settings.c_lflag & ECHO));
    CHECK(tcsetattr(fd, TCSANOW, &before) == 0);
    struct winsize size = {0};
    CHECK(ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 80 && size.ws_row >= 24);
    CHECK(close(fd) == 0);
}

void test_descriptors(void)
{
    test_copies();
    test_locks();
    test_pipes();
    test_poll();
    test_devices();
}
