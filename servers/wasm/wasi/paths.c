/* The path_ functions. Called by guests through the table in wasi.c.
 *
 * All but path_open find the parent directory beneath the guest's handle and act on one name
 * in it, without following a link there (resolve.c). So a path that ends in '/' is judged here:
 * the name reaches the system without the slash.
 */
#include "beneath.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The status of the entry itself, never of what a link points to. */
static enum wasi_errno look(const struct wasi_place *place, struct stat *status)
{
    return wasi_errno_if(fstatat(place->dir, place->name, status, AT_SYMLINK_NOFOLLOW));
}

enum wasi_errno wasi_path_create_directory(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_place place;
    enum wasi_errno error =
        wasi_place_find(wasi, (uint32_t)args[0], WASI_RIGHT_PATH_CREATE_DIRECTORY,
                        (uint32_t)args[1], (uint32_t)args[2], &place);
    if (error) {
        return error;
    }
    error = place.dots ? WASI_EXIST : wasi_errno_if(mkdirat(place.dir, place.name, 0777));
    wasi_place_leave(&place);
    return error;
}

enum wasi_errno wasi_path_remove_directory(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_place place;
    enum wasi_errno error =
        wasi_place_find(wasi, (uint32_t)args[0], WASI_RIGHT_PATH_REMOVE_DIRECTORY,
                        (uint32_t)args[1], (uint32_t)args[2], &place);
    if (error) {
        return error;
    }
    if (place.dots) { /* as rmdir(2) */
        error = place.dots == 1 ? WASI_INVAL : WASI_NOTEMPTY;
    } else if (unlinkat(place.dir, place.name, AT_REMOVEDIR) != 0) {
        /* POSIX lets a directory with entries be EEXIST; WASI does not. */
        error = errno == EEXIST ? WASI_NOTEMPTY : wasi_errno_of(errno);
    }
    wasi_place_leave(&place);
    return error;
}

static enum wasi_errno unlink_at(const struct wasi_place *place)
{
    struct stat status;
    if (place->dots) {
        return WASI_ISDIR;
    }
    if (place->slash) {
        enum wasi_errno error = look(place, &status);
        return error ? error : S_ISDIR(status.st_mode) ? WASI_ISDIR : WASI_NOTDIR;
    }
    if (unlinkat(place->dir, place->name, 0) == 0) {
        return WASI_SUCCESS;
    }
    enum wasi_errno error = wasi_errno_of(errno);
    /* POSIX lets a directory be EPERM; WASI does not. */
    bool directory = error == WASI_PERM && !look(place, &status) && S_ISDIR(status.st_mode);
    return directory ? WASI_ISDIR : error;
}

enum wasi_errno wasi_path_unlink_file(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_place place;
    enum wasi_errno error =
        wasi_place_find(wasi, (uint32_t)args[0], WASI_RIGHT_PATH_UNLINK_FILE, (uint32_t)args[1],
                        (uint32_t)args[2], &place);
    if (error) {
        return error;
    }
    error = unlink_at(&place);
    wasi_place_leave(&place);
    return error;
}

enum wasi_errno wasi_path_filestat_get(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_place place;
    enum wasi_errno error =
        wasi_place_find(wasi, (uint32_t)args[0], WASI_RIGHT_PATH_FILESTAT_GET,
                        (uint32_t)args[2], (uint32_t)args[3], &place);
    struct stat status;
    if (!error) {
        error = wasi_place_stat(&place, args[1] & WASI_LOOKUP_SYMLINK_FOLLOW, &status);
    }
    if (error) {
        return error;
    }
    wasi_place_leave(&place);
    return wasi_store_filestat(wasi, (uint32_t)args[4], &status);
}

enum wasi_errno wasi_path_filestat_set_times(struct wasi *wasi, const uint64_t *args)
{
    struct timespec times[2];
    struct wasi_place place;
    struct stat status;
    enum wasi_errno error =
        wasi_place_find(wasi, (uint32_t)args[0], WASI_RIGHT_PATH_FILESTAT_SET_TIMES,
                        (uint32_t)args[2], (uint32_t)args[3], &place);
    if (!error) {
        error = wasi_place_stat(&place, args[1] & WASI_LOOKUP_SYMLINK_FOLLOW, &status);
    }
    if (error) {
        return error;
    }
    error = wasi_times(args[4], args[5], (uint32_t)args[6], times);
    if (!error) {
        error = wasi_errno_if(utimensat(place.dir, place.name, times, AT_SYMLINK_NOFOLLOW));
    }
    wasi_place_leave(&place);
    return error;
}

enum wasi_errno wasi_path_readlink(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_place place;
    enum wasi_errno error = wasi_place_find(wasi, (uint32_t)args[0], WASI_RIGHT_PATH_READLINK,
                                            (uint32_t)args[1], (uint32_t)args[2], &place);
    if (error) {
        return error;
    }
    uint32_t room = (uint32_t)args[4];
    char *buffer = wasi_at(wasi, (uint32_t)args[3], room);
    struct stat status;
    ssize_t length = 0;
    if (!buffer) {
        error = WASI_FAULT;
    } else if (place.slash || place.dots) {
        error = wasi_place_stat(&place, false, &status); /* leaves the place if it fails */
        if (error) {
            return error;
        }
        error = WASI_INVAL; /* a directory is not a link */
    } else {
        length = readlinkat(place.dir, place.name, buffer, room);
        error = length < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
    }
    wasi_place_leave(&place);
    return error ? error : wasi_store_u32(wasi, (uint32_t)args[5], (uint32_t)length);
}

/* What making a new entry under a name with a slash at its end comes to: it never works. */
static enum wasi_errno refuse_slash(const struct wasi_place *place)
{
    struct stat status;
    enum wasi_errno error = look(place, &status);
    return error ? error : S_ISDIR(status.st_mode) ? WASI_EXIST : WASI_NOTDIR;
}

/* args: address and length of the link's text, descriptor, address and length of its path. */
enum wasi_errno wasi_path_symlink(struct wasi *wasi, const uint64_t *args)
{
    char text[WASI_PATH_BYTES];
    enum wasi_errno error = wasi_load_path(wasi, (uint32_t)args[0], (uint32_t)args[1], text);
    if (!error && text[0] == '/') {
        error = WASI_NOTCAPABLE; /* no guest could follow it */
    }
    struct wasi_place place;
    if (!error) {
        error = wasi_place_find(wasi, (uint32_t)args[2], WASI_RIGHT_PATH_SYMLINK,
                                (uint32_t)args[3], (uint32_t)args[4], &place);
    }
    if (error) {
        return error;
    }
    if (place.dots) {
        error = WASI_EXIST;
    } else if (place.slash) {
        error = refuse_slash(&place);
    } else {
        error = wasi_errno_if(symlinkat(text, place.dir, place.name));
    }
    wasi_place_leave(&place);
    return error;
}

static enum wasi_errno rename_to(const struct wasi_place *from, const struct wasi_place *to)
{
    if (from->dots || to->dots) {
        return WASI_BUSY;
    }
    if (from->slash || to->slash) {
        struct stat status;
        enum wasi_errno error = look(from, &status);
        if (error || !S_ISDIR(status.st_mode)) {
            return error ? error : WASI_NOTDIR;
        }
    }
    if (renameat(from->dir, from->name, to->dir, to->name) == 0) {
        return WASI_SUCCESS;
    }
    return errno == EEXIST ? WASI_NOTEMPTY : wasi_errno_of(errno);
}

/* args: descriptor, path, length; descriptor, path, length of the new name. */
enum wasi_errno wasi_path_rename(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_place from, to;
    enum wasi_errno error =
        wasi_place_find(wasi, (uint32_t)args[0], WASI_RIGHT_PATH_RENAME_SOURCE,
                        (uint32_t)args[1], (uint32_t)args[2], &from);
    if (error) {
        return error;
    }
    error = wasi_place_find(wasi, (uint32_t)args[3], WASI_RIGHT_PATH_RENAME_TARGET,
                            (uint32_t)args[4], (uint32_t)args[5], &to);
    if (!error) {
        error = rename_to(&from, &to);
        wasi_place_leave(&to);
    }
    wasi_place_leave(&from);
    return error;
}

static enum wasi_errno link_to(const struct wasi_place *from, const struct stat *status,
                               const struct wasi_place *to)
{
    if (S_ISDIR(status->st_mode)) {
        return WASI_PERM;
    }
    if (to->dots) {
        return WASI_EXIST;
    }
    if (to->slash) {
        return refuse_slash(to);
    }
    return wasi_errno_if(linkat(from->dir, from->name, to->dir, to->name, 0));
}

/* args: descriptor, lookup flags, path, length; descriptor, path, length of the new name. */
enum wasi_errno wasi_path_link(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_place from, to;
    struct stat status;
    enum wasi_errno error =
        wasi_place_find(wasi, (uint32_t)args[0], WASI_RIGHT_PATH_LINK_SOURCE, (uint32_t)args[2],
                        (uint32_t)args[3], &from);
    if (!error) {
        error = wasi_place_stat(&from, args[1] & WASI_LOOKUP_SYMLINK_FOLLOW, &status);
    }
    if (error) {
        return error;
    }
    error = wasi_place_find(wasi, (uint32_t)args[4], WASI_RIGHT_PATH_LINK_TARGET,
                            (uint32_t)args[5], (uint32_t)args[6], &to);
    if (!error) {
        error = link_to(&from, &status, &to);
        wasi_place_leave(&to);
    }
    wasi_place_leave(&from);
    return error;
}
