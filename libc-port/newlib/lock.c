/* Record locks: fcntl's F_GETLK, F_SETLK and F_SETLKW. `files` keeps them and does not make
 * anybody wait: an F_SETLKW that would have to is refused. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proto/files.h>

#include "glue.h"

/* Where l_start counts from, or -1. */
static off_t origin(int fd, const struct flock *lock)
{
    struct stat info;
    switch (lock->l_whence) {
    case SEEK_SET:
        return 0;
    case SEEK_CUR:
        return lseek(fd, 0, SEEK_CUR);
    case SEEK_END:
        return fstat(fd, &info) < 0 ? -1 : info.st_size;
    default:
        errno = EINVAL;
        return -1;
    }
}

/* Bytes [start, end), end 0: to the end of any file. A negative length lies before the start.
 */
static bool range(int fd, const struct flock *lock, uint64_t *start, uint64_t *end)
{
    off_t base = origin(fd, lock), first;
    if (base < 0) {
        return false;
    }
    if (__builtin_add_overflow(base, lock->l_start, &first) ||
        __builtin_add_overflow(first, lock->l_len, &base)) {
        errno = EOVERFLOW;
        return false;
    }
    if (first < 0 || base < 0) {
        errno = EINVAL;
        return false;
    }
    *start = (uint64_t)(lock->l_len < 0 ? base : first);
    *end = lock->l_len == 0 ? 0 : (uint64_t)(lock->l_len < 0 ? first : base);
    return true;
}

static uint32_t kind_of(const struct flock *lock)
{
    return lock->l_type == F_RDLCK   ? LOCK_KIND_SHARED
           : lock->l_type == F_WRLCK ? LOCK_KIND_EXCLUSIVE
           : lock->l_type == F_UNLCK ? LOCK_KIND_NONE
                                     : 0;
}

static int test(const struct descriptor *d, uint32_t kind, uint64_t start, uint64_t end,
                struct flock *lock)
{
    uint32_t met = 0, owner = 0;
    uint64_t met_start = 0, met_end = 0;
    libc_enter();
    if (libc_leave(files_lock_test(descriptor_session(d), d->handle, kind, start, end, &met,
                                   &owner, &met_start, &met_end))) {
        return -1;
    }
    lock->l_type = F_UNLCK;
    if (met != LOCK_KIND_NONE) {
        *lock = (struct flock){
            .l_type = met == LOCK_KIND_SHARED ? F_RDLCK : F_WRLCK,
            .l_whence = SEEK_SET,
            .l_start = (long)met_start,
            .l_len = met_end == UINT64_MAX ? 0 : (long)(met_end - met_start),
            .l_pid = (short)owner,
        };
    }
    return 0;
}

int record_lock(int fd, int command, struct flock *lock)
{
    struct descriptor *d = descriptor_get(fd);
    uint32_t kind = kind_of(lock);
    uint64_t start, end;
    if (!d || !range(fd, lock, &start, &end)) {
        return -1;
    }
    if (d->service != IO_SERVICE_FILES || kind == 0) {
        errno = EINVAL;
        return -1;
    }
    if (command == F_GETLK) {
        return test(d, kind, start, end, lock);
    }
    libc_enter();
    enum status status = files_lock(descriptor_session(d), d->handle, kind, start, end);
    if (!libc_leave(status)) {
        return 0;
    }
    if (status == E_NOMEM || (status == E_AGAIN && command == F_SETLKW)) {
        errno = ENOLCK;
    } else if (status == E_NOTSUP) {
        errno = EINVAL; /* not a regular file */
    }
    return -1;
}
