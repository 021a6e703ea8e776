// full ID...: takes all memory, as pages and as files, and keeps it; then ends each server and
// uses all of them. They must start again though nothing is free. 0: they did.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static unsigned long take_pages(void)
{
    unsigned long taken = 0;
    for (size_t size = 1 << 20; size >= 4096;) {
        char *block = mmap(0, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
        if (block == MAP_FAILED) {
            size /= 2;
            continue;
        }
        memset(block, 1, size);
        taken += size;
    }
    return taken;
}

static unsigned long take_files(void)
{
    static char bytes[65536];
    unsigned long taken = 0;
    int file = open("/tmp/full", O_CREAT | O_WRONLY, 0666);
    for (size_t size = sizeof bytes; size >= 512;) {
        ssize_t done = write(file, bytes, size);
        if (done <= 0)
            size /= 2;
        else
            taken += (unsigned long)done;
    }
    return taken;
}

int main(int count, char **ids)
{
    char text[5] = "";
    int kept = open("/tmp/kept", O_CREAT | O_RDWR, 0666);
    if (write(kept, "kept", 4) != 4)
        return 1;
    unsigned long pages = take_pages(), files = take_files();
    fprintf(stderr, "full: %lu KiB of pages, %lu of files\n", pages >> 10, files >> 10);
    for (int i = 1; i < count; i++) {
        const struct timespec nap = {0, 20000000};
        if (kill(atoi(ids[i]), SIGKILL) || nanosleep(&nap, 0) || pread(kept, text, 4, 0) != 4 ||
            strcmp(text, "kept") || kill(getpid(), 0)) {
            fprintf(stderr, "full: %s: %s\n", ids[i], strerror(errno));
            return 2;
        }
    }
    return 0;
}
