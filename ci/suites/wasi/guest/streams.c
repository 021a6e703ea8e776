/* Streams as the host sees them; the first argument says what to do:
 *   cat        copy standard input to standard output until its end
 *   flood      write 'x' to standard output until it fails; say why on standard error
 *   close      close standard output, then write to it, and to standard error
 *   raise N    raise signal N (WASI's number)
 *   exit N     end with status N
 *   abort      abort()
 *   wait pipe|fifo   read standard input or /fifo: first not waiting, then waiting
 *   steal      close all streams, write "mine" to /file, abort()
 *   hold FILE  write "ready", then keep standard output open until FILE is there (two minutes)
 *   tty        print which streams are terminals
 */
#include "raw.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int cat(void)
{
    char buffer[4096];
    ssize_t got;
    while ((got = read(0, buffer, sizeof buffer)) > 0) {
        for (ssize_t done = 0, wrote; done < got; done += wrote) {
            wrote = write(1, buffer + done, (size_t)(got - done));
            if (wrote < 0) {
                return 2;
            }
        }
    }
    return got < 0 ? 3 : 0;
}

static int flood(void)
{
    char block[1000];
    memset(block, 'x', sizeof block);
    while (write(1, block, sizeof block) > 0) {
    }
    fprintf(stderr, "%s\n", errno == EPIPE ? "EPIPE" : strerror(errno));
    return errno == EPIPE ? 0 : 1;
}

static int wait_for_input(const char *what)
{
    char text[5] = {0};
    int fd = strcmp(what, "fifo") == 0 ? open("/fifo", O_RDONLY | O_NONBLOCK) : 0;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ssize_t got = read(fd, text, 4);
    /* A pipe without data but with a writer is EAGAIN; one without a writer is at its end. */
    if (got > 0 || (got < 0 && errno != EAGAIN) || fcntl(fd, F_SETFL, 0) != 0) {
        return 1;
    }
    write(1, "none", 4);
    while ((got = read(fd, text, 4)) == 0 && fd != 0) {
        usleep(1000); /* until the fifo has a writer */
    }
    write(1, text, 4);
    return got == 4 ? 0 : 2;
}

static void steal(void)
{
    close(0);
    close(1);
    close(2);
    int fds[4];
    for (int i = 0; i < 4; i++) {
        fds[i] = open("/file", O_CREAT | O_WRONLY | O_APPEND, 0666);
    }
    write(fds[3], "mine", 4);
    abort();
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "cat") == 0) {
        return cat();
    }
    if (strcmp(what, "flood") == 0) {
        return flood();
    }
    if (strcmp(what, "close") == 0) {
        close(1);
        int failed = write(1, "lost", 4) < 0 && errno == EBADF;
        fprintf(stderr, "%s", failed ? "closed" : "still open");
        return 0;
    }
    if (strcmp(what, "raise") == 0) {
        return raw_proc_raise(atoi(argv[2]));
    }
    if (strcmp(what, "exit") == 0) {
        exit(atoi(argv[2]));
    }
    if (strcmp(what, "abort") == 0) {
        abort();
    }
    if (strcmp(what, "wait") == 0) {
        return wait_for_input(argv[2]);
    }
    if (strcmp(what, "steal") == 0) {
        steal();
    }
    if (strcmp(what, "hold") == 0) {
        write(1, "ready", 5);
        for (int tenths = 0; access(argv[2], F_OK) != 0 && tenths < 1200; tenths++) {
            usleep(100000);
        }
        return 0;
    }
    if (strcmp(what, "tty") == 0) {
        printf("%d%d%d\n", isatty(0), isatty(1), isatty(2));
        return 0;
    }
    return 9;
}
