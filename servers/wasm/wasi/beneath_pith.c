/* beneath.h on Pith: the files server confines the path (its flag BENEATH). */
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>

int beneath_open(int dir, const char *path, int flags, mode_t mode)
{
    int fd = openat(dir, path, flags | O_CLOEXEC | O_NOCTTY | O_RESOLVE_BENEATH, mode);
    if (fd < 0 && errno == ENOTCAPABLE) {
        errno = EXDEV;
    }
    return fd;
}

int beneath_dir(int dir, const char *path)
{
    return beneath_open(dir, path, O_RDONLY | O_DIRECTORY, 0);
}
