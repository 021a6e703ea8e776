/* path_open. Called by guests through the table in wasi.c. */
#include "beneath.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What is asked for, checked and in the host's terms. */
struct request {
    uint32_t directory; /* the guest's descriptor that the path starts from */
    uint32_t oflags;    /* WASI_O_ */
    uint32_t fdflags;   /* WASI_FD_ */
    uint64_t base;      /* WASI_RIGHT_ of the new descriptor */
    uint64_t inheriting;
    int host_flags; /* O_ */
};

/* Which way the host must open so that the rights can be used. The host's file may allow more
 * than they do: every call checks the rights first. */
static int access_mode(const struct request *request)
{
    bool reads = request->base & (WASI_RIGHT_FD_READ | WASI_RIGHT_FD_READDIR);
    bool writes = request->oflags & WASI_O_TRUNC ||
                  request->base & (WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ALLOCATE |
                                   WASI_RIGHT_FD_FILESTAT_SET_SIZE);
    return !writes ? O_RDONLY : reads ? O_RDWR : O_WRONLY;
}

static int host_flags(const struct request *request, bool follow)
{
    int flags = access_mode(request);
    flags |= follow ? 0 : O_NOFOLLOW;
    flags |= request->oflags & WASI_O_CREAT ? O_CREAT : 0;
    flags |= request->oflags & WASI_O_DIRECTORY ? O_DIRECTORY : 0;
    flags |= request->oflags & WASI_O_EXCL && request->oflags & WASI_O_CREAT ? O_EXCL : 0;
    flags |= request->oflags & WASI_O_TRUNC ? O_TRUNC : 0;
    flags |= request->fdflags & WASI_FD_APPEND ? O_APPEND : 0;
    flags |= request->fdflags & WASI_FD_NONBLOCK ? O_NONBLOCK : 0;
    flags |= request->fdflags & WASI_FD_DSYNC ? O_DSYNC : 0;
    flags |= request->fdflags & (WASI_FD_SYNC | WASI_FD_RSYNC) ? O_SYNC : 0;
    return flags;
}

/* The rights that opening this way needs of the directory, and that it must let inherit. */
static enum wasi_errno check_rights(struct wasi *wasi, const struct request *request,
                                    struct wasi_fd **directory)
{
    uint64_t needed = WASI_RIGHT_PATH_OPEN;
    needed |= request->oflags & WASI_O_CREAT ? WASI_RIGHT_PATH_CREATE_FILE : 0;
    needed |= request->oflags & WASI_O_TRUNC ? WASI_RIGHT_PATH_FILESTAT_SET_SIZE : 0;
    enum wasi_errno error = wasi_fd_find(wasi, request->directory, needed, directory);
    if (error) {
        return error;
    }
    uint64_t inherited = request->base | request->inheriting;
    if (request->fdflags & (WASI_FD_RSYNC | WASI_FD_SYNC)) {
        inherited |= WASI_RIGHT_FD_SYNC;
    } else if (request->fdflags & WASI_FD_DSYNC &&
               !((*directory)->inheriting & WASI_RIGHT_FD_SYNC)) {
        inherited |= WASI_RIGHT_FD_DATASYNC; /* FD_SYNC would do as well */
    }
    return inherited & ~(*directory)->inheriting ? WASI_NOTCAPABLE : WASI_SUCCESS;
}

/* Opens and enters it in the table as `fd`, which is free. */
static enum wasi_errno open_as(struct wasi *wasi, uint32_t fd, int directory, const char *path,
                               const struct request *request)
{
    int host = beneath_open(directory, path, request->host_flags, 0666);
    if (host < 0) {
        return wasi_errno_beneath(errno);
    }
    struct stat status;
    if (fstat(host, &status) != 0) {
        enum wasi_errno error = wasi_errno_of(errno);
        close(host);
        return error;
    }
    struct wasi_fd *entry =
        wasi_fd_fill(wasi, fd, host, &status, request->base, request->inheriting);
    entry->flags = (uint16_t)request->fdflags;
    return WASI_SUCCESS;
}

/* args: descriptor, lookup flags, path, length, oflags, base and inheriting rights, fdflags,
 * address of the new descriptor. */
enum wasi_errno wasi_path_open(struct wasi *wasi, const uint64_t *args)
{
    struct request request = {
        .directory = (uint32_t)args[0],
        .oflags = (uint32_t)args[4],
        .fdflags = (uint32_t)args[7],
        /* Rights that are not defined apply to nothing. */
        .base = args[5] & WASI_RIGHTS_ALL,
        .inheriting = args[6] & WASI_RIGHTS_ALL,
    };
    bool both = (request.oflags & WASI_O_CREAT) && (request.oflags & WASI_O_DIRECTORY);
    if (both || request.oflags & ~(uint32_t)WASI_O_ALL ||
        request.fdflags & ~(uint32_t)WASI_FD_FLAGS_ALL) {
        return WASI_INVAL;
    }
    struct wasi_fd *directory;
    char path[WASI_PATH_BYTES];
    enum wasi_errno error = check_rights(wasi, &request, &directory);
    if (!error) {
        error = wasi_load_path(wasi, (uint32_t)args[2], (uint32_t)args[3], path);
    }
    if (!error && !wasi_at(wasi, (uint32_t)args[8], sizeof(uint32_t))) {
        error = WASI_FAULT; /* before anything is created */
    }
    uint32_t fd = wasi_fd_free(wasi, 0);
    if (!error && fd == WASI_FD_MAX) {
        error = WASI_MFILE;
    }
    if (error) {
        return error;
    }
    request.host_flags = host_flags(&request, args[1] & WASI_LOOKUP_SYMLINK_FOLLOW);
    error = open_as(wasi, fd, directory->host, path, &request);
    return error ? error : wasi_store_u32(wasi, (uint32_t)args[8], fd);
}
