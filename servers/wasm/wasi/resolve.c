/* From a guest's path to a directory handle and one name in it. Called by paths.c.
 *
 * Everything before the last component is resolved by beneath_dir in one go, so the system
 * itself refuses to leave the base. The last component is then looked at by calls that do not
 * follow links; a link is followed here, one step at a time, by resolving
 *
 *     PARENT/TEXT-OF-THE-LINK
 *
 * from the base again. A path that races with a rename or a new link is resolved to one or the
 * other, never to anything outside.
 */
#include "beneath.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as Linux */

void wasi_place_leave(struct wasi_place *place)
{
    if (place->dir != place->base) {
        close(place->dir);
        place->dir = place->base;
    }
}

/* Takes the directory that `path` leads to from the base as the place's. */
static enum wasi_errno enter(struct wasi_place *place, const char *path)
{
    int dir = beneath_dir(place->base, path);
    if (dir < 0) {
        return wasi_errno_beneath(errno);
    }
    place->dir = dir;
    return WASI_SUCCESS;
}

/* Resolves place->path, which is not empty, from place->base; place->dir is the base. */
static enum wasi_errno split(struct wasi_place *place)
{
    char *path = place->path;
    if (path[0] == '/') {
        return WASI_NOTCAPABLE;
    }
    size_t length = strlen(path);
    while (path[length - 1] == '/') {
        path[--length] = '\0';
        place->slash = true;
    }
    char *last = strrchr(path, '/');
    place->name = last ? last + 1 : path;
    place->dots = strcmp(place->name, ".") == 0 ? 1 : strcmp(place->name, "..") == 0 ? 2 : 0;
    if (place->dots) {
        place->name = ".";
        return enter(place, path);
    }
    if (!last) {
        return WASI_SUCCESS;
    }
    *last = '\0';
    enum wasi_errno error = enter(place, path);
    *last = '/';
    return error;
}

enum wasi_errno wasi_place_find(struct wasi *wasi, uint32_t fd, uint64_t rights,
                                uint32_t address, uint32_t length, struct wasi_place *place)
{
    struct wasi_fd *entry;
    enum wasi_errno error = wasi_fd_find(wasi, fd, rights, &entry);
    if (error) {
        return error;
    }
    place->base = entry->host;
    place->dir = entry->host;
    place->slash = false;
    error = wasi_load_path(wasi, address, length, place->path);
    return error ? error : split(place);
}

/* The place, which is a symbolic link, becomes what the link's text says. */
static enum wasi_errno follow_once(struct wasi_place *place)
{
    char text[WASI_PATH_BYTES];
    ssize_t length = readlinkat(place->dir, place->name, text, sizeof text);
    if (length < 0) {
        return wasi_errno_of(errno);
    }
    if (length == 0) {
        return WASI_NOENT;
    }
    if (text[0] == '/') {
        return WASI_NOTCAPABLE;
    }
    size_t parent = (size_t)(place->name - place->path);
    if (parent + (size_t)length >= WASI_PATH_BYTES) {
        return WASI_NAMETOOLONG;
    }
    memcpy(place->path + parent, text, (size_t)length);
    place->path[parent + (size_t)length] = '\0';
    wasi_place_leave(place);
    return split(place);
}

/* The place, which must be a directory or a link to one, becomes "." of that directory. */
static enum wasi_errno enter_self(struct wasi_place *place)
{
    wasi_place_leave(place);
    place->name = ".";
    place->dots = 1;
    return enter(place, place->path);
}

enum wasi_errno wasi_place_stat(struct wasi_place *place, bool follow, struct stat *status)
{
    enum wasi_errno error = WASI_SUCCESS;
    for (int links = 0; !error; links++) {
        if (place->slash && !place->dots) {
            error = enter_self(place);
        }
        if (!error) {
            error =
                wasi_errno_if(fstatat(place->dir, place->name, status, AT_SYMLINK_NOFOLLOW));
        }
        if (!error && !(follow && S_ISLNK(status->st_mode))) {
            return WASI_SUCCESS;
        }
        if (!error) {
            error = links == LINKS_MAX ? WASI_LOOP : follow_once(place);
        }
    }
    wasi_place_leave(place);
    return error;
}
