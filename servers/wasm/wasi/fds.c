/* The guest's descriptors: numbers, kinds, rights.
 *
 * Always: an open entry's rights fit its kind; entry->host is open and belongs to this entry
 * alone. The host's descriptors 0 to 2 stay occupied for ever, so that no file of the guest's
 * lands on a number that the runner itself writes to.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What can be done with a stream: pipe, terminal, socket. */
#define STREAM_RIGHTS                                                                          \
    (WASI_RIGHT_FD_DATASYNC | WASI_RIGHT_FD_READ | WASI_RIGHT_FD_FDSTAT_SET_FLAGS |            \
     WASI_RIGHT_FD_SYNC | WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_FILESTAT_GET |                   \
     WASI_RIGHT_FD_FILESTAT_SET_TIMES | WASI_RIGHT_POLL_FD_READWRITE)
/* What can be done with a file, or a device that is not a terminal. */
#define FILE_RIGHTS                                                                            \
    (STREAM_RIGHTS | WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL | WASI_RIGHT_FD_ADVISE |          \
     WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_FD_FILESTAT_SET_SIZE)
/* What needs a directory. */
#define PATH_RIGHTS                                                                            \
    (WASI_RIGHT_PATH_CREATE_DIRECTORY | WASI_RIGHT_PATH_CREATE_FILE |                          \
     WASI_RIGHT_PATH_LINK_SOURCE | WASI_RIGHT_PATH_LINK_TARGET | WASI_RIGHT_PATH_OPEN |        \
     WASI_RIGHT_FD_READDIR | WASI_RIGHT_PATH_READLINK | WASI_RIGHT_PATH_RENAME_SOURCE |        \
     WASI_RIGHT_PATH_RENAME_TARGET | WASI_RIGHT_PATH_FILESTAT_GET |                            \
     WASI_RIGHT_PATH_FILESTAT_SET_SIZE | WASI_RIGHT_PATH_FILESTAT_SET_TIMES |                  \
     WASI_RIGHT_PATH_SYMLINK | WASI_RIGHT_PATH_REMOVE_DIRECTORY | WASI_RIGHT_PATH_UNLINK_FILE)
#define DIRECTORY_RIGHTS                                                                       \
    (PATH_RIGHTS | WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_DATASYNC |                   \
     WASI_RIGHT_FD_SYNC | WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_FD_FILESTAT_SET_TIMES)

static uint64_t rights_of_kind(uint8_t type, int host)
{
    switch (type) {
    case WASI_TYPE_DIRECTORY:
        return DIRECTORY_RIGHTS;
    case WASI_TYPE_REGULAR_FILE:
    case WASI_TYPE_BLOCK_DEVICE:
        return FILE_RIGHTS;
    case WASI_TYPE_CHARACTER_DEVICE:
        /* wasi-libc's isatty() takes the missing rights to seek and tell as the answer. */
        return isatty(host) ? STREAM_RIGHTS : FILE_RIGHTS;
    default:
        return STREAM_RIGHTS;
    }
}

uint32_t wasi_fd_free(const struct wasi *wasi, uint32_t from)
{
    while (from < WASI_FD_MAX && wasi->fds[from].open) {
        from++;
    }
    return from;
}

struct wasi_fd *wasi_fd_fill(struct wasi *wasi, uint32_t fd, int host,
                             const struct stat *status, uint64_t base, uint64_t inheriting)
{
    uint8_t type = wasi_type_of(status->st_mode);
    wasi->fds[fd] = (struct wasi_fd){
        .open = true,
        .type = type,
        .host = host,
        .base = base & rights_of_kind(type, host),
        .inheriting = type == WASI_TYPE_DIRECTORY ? inheriting : 0,
    };
    return &wasi->fds[fd];
}

/* What a call gets that needs `missing` of a descriptor that lacks it. POSIX has an answer for
 * most: programs that were written for it compare errno with that. */
static enum wasi_errno refusal(const struct wasi_fd *entry, uint64_t missing)
{
    bool directory = entry->type == WASI_TYPE_DIRECTORY;
    if (directory && (missing & ~(uint64_t)DIRECTORY_RIGHTS)) {
        return WASI_ISDIR;
    }
    if (!directory && (missing & PATH_RIGHTS)) {
        return WASI_NOTDIR;
    }
    if (missing & (WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE)) {
        return WASI_BADF;
    }
    bool seekable = rights_of_kind(entry->type, entry->host) & WASI_RIGHT_FD_SEEK;
    if ((missing & (WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL)) && !directory && !seekable) {
        return WASI_SPIPE;
    }
    return WASI_NOTCAPABLE;
}

enum wasi_errno wasi_fd_find(struct wasi *wasi, uint32_t fd, uint64_t rights,
                             struct wasi_fd **found)
{
    if (fd >= WASI_FD_MAX || !wasi->fds[fd].open) {
        return WASI_BADF;
    }
    struct wasi_fd *entry = &wasi->fds[fd];
    uint64_t missing = rights & ~entry->base;
    if (missing) {
        return refusal(entry, missing);
    }
    *found = entry;
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_close_entry(struct wasi_fd *entry)
{
    int result = 0;
    if (entry->host > STDERR_FILENO) {
        result = close(entry->host);
    } else if (entry->host != STDERR_FILENO) { /* the runner's own messages go there */
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        result = null < 0 ? -1 : dup2(null, entry->host);
        if (null >= 0) {
            close(null);
        }
    }
    enum wasi_errno error = wasi_errno_if(result < 0 ? -1 : 0);
    free(entry->preopen);
    wasi_listing_free(entry->listing);
    *entry = (struct wasi_fd){.open = false};
    return error;
}

void wasi_fd_adopt_streams(struct wasi *wasi)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        struct stat status;
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fstat(fd, &status) != 0) {
            /* Ours was closed: so is the guest's. open takes the lowest free number. */
            int null = open("/dev/null", O_RDWR);
            if (null > fd) {
                close(null);
            }
            continue;
        }
        int mode = flags & O_ACCMODE;
        uint64_t rights = WASI_RIGHTS_ALL;
        rights &= mode == O_RDONLY ? ~(uint64_t)WASI_RIGHT_FD_WRITE : ~(uint64_t)0;
        rights &= mode == O_WRONLY ? ~(uint64_t)WASI_RIGHT_FD_READ : ~(uint64_t)0;
        struct wasi_fd *entry = wasi_fd_fill(wasi, (uint32_t)fd, fd, &status, rights, 0);
        entry->flags = (uint16_t)((flags & O_APPEND ? WASI_FD_APPEND : 0) |
                                  (flags & O_NONBLOCK ? WASI_FD_NONBLOCK : 0));
    }
}

enum wasi_errno wasi_fd_close(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error = wasi_fd_find(wasi, (uint32_t)args[0], 0, &entry);
    return error ? error : wasi_fd_close_entry(entry);
}

enum wasi_errno wasi_fd_renumber(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *from, *to;
    enum wasi_errno error = wasi_fd_find(wasi, (uint32_t)args[0], 0, &from);
    if (!error) {
        error = wasi_fd_find(wasi, (uint32_t)args[1], 0, &to);
    }
    if (error || from == to) {
        return error;
    }
    wasi_fd_close_entry(to); /* as dup2: an error of this close is lost */
    *to = *from;
    *from = (struct wasi_fd){.open = false};
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_fdstat_get(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error = wasi_fd_find(wasi, (uint32_t)args[0], 0, &entry);
    if (error) {
        return error;
    }
    struct wasi_fdstat out;
    memset(&out, 0, sizeof out); /* padding too: it goes to the guest */
    out.filetype = entry->type;
    out.flags = entry->flags;
    out.rights_base = entry->base;
    out.rights_inheriting = entry->inheriting;
    return wasi_store(wasi, (uint32_t)args[1], &out, sizeof out);
}

enum wasi_errno wasi_fd_fdstat_set_flags(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error =
        wasi_fd_find(wasi, (uint32_t)args[0], WASI_RIGHT_FD_FDSTAT_SET_FLAGS, &entry);
    if (error) {
        return error;
    }
    uint32_t flags = (uint32_t)args[1];
    if (flags & ~(uint32_t)WASI_FD_FLAGS_ALL) {
        return WASI_INVAL;
    }
    uint32_t changed = flags ^ entry->flags;
    if (changed & (WASI_FD_DSYNC | WASI_FD_RSYNC | WASI_FD_SYNC)) {
        return WASI_NOTSUP; /* F_SETFL cannot change them either */
    }
    if (changed & WASI_FD_APPEND) {
        int host = fcntl(entry->host, F_GETFL);
        if (host < 0 || fcntl(entry->host, F_SETFL, host ^ O_APPEND) != 0) {
            return wasi_errno_of(errno);
        }
    }
    entry->flags = (uint16_t)flags;
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_fdstat_set_rights(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error = wasi_fd_find(wasi, (uint32_t)args[0], 0, &entry);
    if (error) {
        return error;
    }
    if ((args[1] & ~entry->base) || (args[2] & ~entry->inheriting)) {
        return WASI_NOTCAPABLE;
    }
    entry->base = args[1];
    entry->inheriting = args[2];
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_prestat_get(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error = wasi_fd_find(wasi, (uint32_t)args[0], 0, &entry);
    if (error) {
        return error;
    }
    if (!entry->preopen) {
        return WASI_BADF; /* wasi-libc counts preopens up to the first BADF */
    }
    struct wasi_prestat out;
    memset(&out, 0, sizeof out);
    out.type = WASI_PREOPEN_DIR;
    out.name_length = (uint32_t)strlen(entry->preopen);
    return wasi_store(wasi, (uint32_t)args[1], &out, sizeof out);
}

enum wasi_errno wasi_fd_prestat_dir_name(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error = wasi_fd_find(wasi, (uint32_t)args[0], 0, &entry);
    if (error) {
        return error;
    }
    if (!entry->preopen) {
        return WASI_BADF;
    }
    size_t length = strlen(entry->preopen);
    if ((uint32_t)args[2] < length) {
        return WASI_NAMETOOLONG;
    }
    return wasi_store(wasi, (uint32_t)args[1], entry->preopen, length);
}
