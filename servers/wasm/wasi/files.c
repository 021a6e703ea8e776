/* Open files other than reading and writing: position, size, times, status, syncing. Called by
 * guests through the table in wasi.c. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { NANOSECONDS = 1000000000 };

uint8_t wasi_type_of(mode_t mode)
{
    if (S_ISREG(mode)) {
        return WASI_TYPE_REGULAR_FILE;
    }
    if (S_ISDIR(mode)) {
        return WASI_TYPE_DIRECTORY;
    }
    if (S_ISLNK(mode)) {
        return WASI_TYPE_SYMBOLIC_LINK;
    }
    if (S_ISCHR(mode)) {
        return WASI_TYPE_CHARACTER_DEVICE;
    }
    if (S_ISBLK(mode)) {
        return WASI_TYPE_BLOCK_DEVICE;
    }
    return S_ISSOCK(mode) ? WASI_TYPE_SOCKET_STREAM : WASI_TYPE_UNKNOWN;
}

/* WASI has no times before 1970. */
static uint64_t timestamp(struct timespec time)
{
    return time.tv_sec < 0 ? 0 : (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
}

enum wasi_errno wasi_store_filestat(const struct wasi *wasi, uint32_t address,
                                    const struct stat *status)
{
    struct wasi_filestat out;
    memset(&out, 0, sizeof out); /* padding too: it goes to the guest */
    out.dev = (uint64_t)status->st_dev;
    out.ino = (uint64_t)status->st_ino;
    out.filetype = wasi_type_of(status->st_mode);
    out.nlink = (uint64_t)status->st_nlink;
    out.size = (uint64_t)status->st_size;
    out.atim = timestamp(status->st_atim);
    out.mtim = timestamp(status->st_mtim);
    out.ctim = timestamp(status->st_ctim);
    return wasi_store(wasi, address, &out, sizeof out);
}

static bool fill_time(struct timespec *time, uint64_t value, bool set, bool now)
{
    if (set && now) {
        return false;
    }
    if (set) {
        *time = (struct timespec){.tv_sec = (time_t)(value / NANOSECONDS),
                                  .tv_nsec = (long)(value % NANOSECONDS)};
    } else {
        *time = (struct timespec){.tv_nsec = now ? UTIME_NOW : UTIME_OMIT};
    }
    return true;
}

enum wasi_errno wasi_times(uint64_t atim, uint64_t mtim, uint32_t flags,
                           struct timespec times[static 2])
{
    bool good = !(flags & ~(uint32_t)WASI_FST_ALL) &&
                fill_time(&times[0], atim, flags & WASI_FST_ATIM, flags & WASI_FST_ATIM_NOW) &&
                fill_time(&times[1], mtim, flags & WASI_FST_MTIM, flags & WASI_FST_MTIM_NOW);
    return good ? WASI_SUCCESS : WASI_INVAL;
}

enum wasi_errno wasi_fd_filestat_get(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error =
        wasi_fd_find(wasi, (uint32_t)args[0], WASI_RIGHT_FD_FILESTAT_GET, &entry);
    if (error) {
        return error;
    }
    struct stat status;
    if (fstat(entry->host, &status) != 0) {
        return wasi_errno_of(errno);
    }
    return wasi_store_filestat(wasi, (uint32_t)args[1], &status);
}

enum wasi_errno wasi_fd_filestat_set_size(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error =
        wasi_fd_find(wasi, (uint32_t)args[0], WASI_RIGHT_FD_FILESTAT_SET_SIZE, &entry);
    if (error) {
        return error;
    }
    if (args[1] > INT64_MAX) {
        return WASI_INVAL;
    }
    return wasi_errno_if(ftruncate(entry->host, (off_t)args[1]));
}

enum wasi_errno wasi_fd_filestat_set_times(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error =
        wasi_fd_find(wasi, (uint32_t)args[0], WASI_RIGHT_FD_FILESTAT_SET_TIMES, &entry);
    struct timespec times[2];
    if (!error) {
        error = wasi_times(args[1], args[2], (uint32_t)args[3], times);
    }
    return error ? error : wasi_errno_if(futimens(entry->host, times));
}

/* Moves the position and stores it. `rights` is what this move needs. */
static enum wasi_errno seek(struct wasi *wasi, uint32_t fd, uint64_t rights, int64_t offset,
                            int whence, uint32_t result)
{
    struct wasi_fd *entry;
    enum wasi_errno error = wasi_fd_find(wasi, fd, rights, &entry);
    if (error) {
        return error;
    }
    if (!wasi_at(wasi, result, sizeof(uint64_t))) {
        return WASI_FAULT; /* before anything moved */
    }
    off_t position = lseek(entry->host, (off_t)offset, whence);
    if (position < 0) {
        return wasi_errno_of(errno);
    }
    return wasi_store_u64(wasi, result, (uint64_t)position);
}

/* The right to seek includes the right to tell. */
static uint64_t tell_right(const struct wasi *wasi, uint32_t fd)
{
    bool may_seek = fd < WASI_FD_MAX && (wasi->fds[fd].base & WASI_RIGHT_FD_SEEK);
    return may_seek ? WASI_RIGHT_FD_SEEK : WASI_RIGHT_FD_TELL;
}

enum wasi_errno wasi_fd_seek(struct wasi *wasi, const uint64_t *args)
{
    static const int host_whence[] = {[WASI_WHENCE_SET] = SEEK_SET,
                                      [WASI_WHENCE_CUR] = SEEK_CUR,
                                      [WASI_WHENCE_END] = SEEK_END};
    uint32_t fd = (uint32_t)args[0];
    int64_t offset = (int64_t)args[1];
    uint32_t whence = (uint32_t)args[2];
    if (whence > WASI_WHENCE_END) {
        return WASI_INVAL;
    }
    bool tells = whence == WASI_WHENCE_CUR && offset == 0;
    uint64_t rights = tells ? tell_right(wasi, fd) : WASI_RIGHT_FD_SEEK;
    return seek(wasi, fd, rights, offset, host_whence[whence], (uint32_t)args[3]);
}

enum wasi_errno wasi_fd_tell(struct wasi *wasi, const uint64_t *args)
{
    uint32_t fd = (uint32_t)args[0];
    return seek(wasi, fd, tell_right(wasi, fd), 0, SEEK_CUR, (uint32_t)args[1]);
}

enum wasi_errno wasi_fd_sync(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error = wasi_fd_find(wasi, (uint32_t)args[0], WASI_RIGHT_FD_SYNC, &entry);
    return error ? error : wasi_errno_if(fsync(entry->host));
}

enum wasi_errno wasi_fd_datasync(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error =
        wasi_fd_find(wasi, (uint32_t)args[0], WASI_RIGHT_FD_DATASYNC, &entry);
    return error ? error : wasi_errno_if(fdatasync(entry->host));
}

/* True if [offset, offset + length) are offsets that a file can have. */
static bool range_fits(uint64_t offset, uint64_t length)
{
    return offset <= INT64_MAX && length <= INT64_MAX - offset;
}

enum wasi_errno wasi_fd_advise(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error = wasi_fd_find(wasi, (uint32_t)args[0], WASI_RIGHT_FD_ADVISE, &entry);
    if (error) {
        return error;
    }
    static const int host_advice[] = {
        POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
        POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE,
    };
    uint32_t advice = (uint32_t)args[3];
    if (advice >= sizeof host_advice / sizeof host_advice[0] || !range_fits(args[1], args[2])) {
        return WASI_INVAL;
    }
    int result =
        posix_fadvise(entry->host, (off_t)args[1], (off_t)args[2], host_advice[advice]);
    return result ? wasi_errno_of(result) : WASI_SUCCESS;
}

enum wasi_errno wasi_fd_allocate(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error =
        wasi_fd_find(wasi, (uint32_t)args[0], WASI_RIGHT_FD_ALLOCATE, &entry);
    if (error) {
        return error;
    }
    if (args[2] == 0) {
        return WASI_INVAL;
    }
    if (!range_fits(args[1], args[2])) {
        return WASI_FBIG;
    }
    int result = posix_fallocate(entry->host, (off_t)args[1], (off_t)args[2]);
    return result ? wasi_errno_of(result) : WASI_SUCCESS;
}
