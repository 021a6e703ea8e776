/* beneath.h on Linux: openat2(2) with RESOLVE_BENEATH, Linux 5.6 and later. On an older kernel
 * opening fails with ENOSYS: there is no fallback that would confine less. */
#define _GNU_SOURCE
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel gives up with EAGAIN when a rename races with a ".." in the path. */
enum { RACES_TOLERATED = 64 };

int beneath_open(int dir, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY)),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH,
    };
    for (int attempt = 0;; attempt++) {
        long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN || attempt == RACES_TOLERATED) {
            return (int)fd;
        }
    }
}

int beneath_dir(int dir, const char *path)
{
    return beneath_open(dir, path, O_PATH | O_DIRECTORY, 0);
}
