/* Streams as the host sees them; the first argument says what to do:
 *   cat        copy standard input to standard output until its end
 *   flood      write 'x' to standard output until it fails; say why on standard error
 *   close      close standard output, then write to it, and to standard error
 *   raise N    raise signal N (WASI's number)
 *   exit N     end with status N
 *   abort      abort()
 *   tty        print which streams are terminals
 */
#include "raw.h"
#include <errno.h>
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
    if (strcmp(what, "tty") == 0) {
        printf("%d%d%d\n", isatty(0), isatty(1), isatty(2));
        return 0;
    }
    return 9;
}
