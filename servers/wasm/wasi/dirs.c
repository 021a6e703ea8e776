/* fd_readdir. Called by guests through the table in wasi.c.
 *
 * A directory is listed once, when a guest reads from cookie 0, and kept as the bytes that the
 * guest will get:
 *
 *   bytes   | dirent "." | dirent ".." | dirent NAME | dirent NAME | ...
 *   starts  ^0           ^1            ^2            ^3
 *
 * A cookie is an index into `starts`. So cookies stay exact, whatever is created or removed
 * while the guest goes through the list, and need nothing of the host's telldir.
 */
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct wasi_listing {
    uint8_t *bytes;
    size_t used, room;
    size_t *starts;
    size_t count, count_room;
};

void wasi_listing_free(struct wasi_listing *listing)
{
    if (listing) {
        free(listing->bytes);
        free(listing->starts);
        free(listing);
    }
}

/* Makes room for `extra` more elements of `size` bytes after `used`. */
static bool grow(void **array, size_t *room, size_t used, size_t extra, size_t size)
{
    if (used + extra <= *room) {
        return true;
    }
    size_t wanted = 2 * (used + extra);
    void *larger = realloc(*array, wanted * size);
    if (!larger) {
        return false;
    }
    *array = larger;
    *room = wanted;
    return true;
}

static enum wasi_errno add(struct wasi_listing *listing, const char *name, uint64_t ino,
                           uint8_t type)
{
    size_t length = strlen(name);
    if (!grow((void **)&listing->bytes, &listing->room, listing->used,
              sizeof(struct wasi_dirent) + length, 1) ||
        !grow((void **)&listing->starts, &listing->count_room, listing->count, 1,
              sizeof *listing->starts)) {
        return WASI_NOMEM;
    }
    listing->starts[listing->count++] = listing->used;
    struct wasi_dirent entry;
    memset(&entry, 0, sizeof entry); /* padding too: it goes to the guest */
    entry.next = listing->count;
    entry.ino = ino;
    entry.name_length = (uint32_t)length;
    entry.type = type;
    memcpy(listing->bytes + listing->used, &entry, sizeof entry);
    memcpy(listing->bytes + listing->used + sizeof entry, name, length);
    listing->used += sizeof entry + length;
    return WASI_SUCCESS;
}

static uint8_t type_of_entry(int host, const struct dirent *entry)
{
    struct stat status;
    if (entry->d_type != DT_UNKNOWN) {
        return wasi_type_of((mode_t)DTTOIF(entry->d_type));
    }
    bool known = fstatat(host, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    return known ? wasi_type_of(status.st_mode) : WASI_TYPE_UNKNOWN;
}

/* "." and ".." come first. What ".." is called outside is not the guest's to know: both get the
 * directory's own number. */
static enum wasi_errno fill(struct wasi_listing *listing, int host, DIR *stream)
{
    struct stat status;
    if (fstat(host, &status) != 0) {
        return wasi_errno_of(errno);
    }
    enum wasi_errno error = add(listing, ".", (uint64_t)status.st_ino, WASI_TYPE_DIRECTORY);
    if (!error) {
        error = add(listing, "..", (uint64_t)status.st_ino, WASI_TYPE_DIRECTORY);
    }
    while (!error) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry) {
            return errno ? wasi_errno_of(errno) : WASI_SUCCESS;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            error =
                add(listing, entry->d_name, (uint64_t)entry->d_ino, type_of_entry(host, entry));
        }
    }
    return error;
}

/* Lists the directory anew. The stream gets a descriptor of its own: closing it closes that. */
static enum wasi_errno list(struct wasi_fd *entry)
{
    int own = openat(entry->host, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) {
        return wasi_errno_of(errno);
    }
    DIR *stream = fdopendir(own);
    if (!stream) {
        enum wasi_errno error = wasi_errno_of(errno);
        close(own);
        return error;
    }
    struct wasi_listing *listing = calloc(1, sizeof *listing);
    enum wasi_errno error = listing ? fill(listing, entry->host, stream) : WASI_NOMEM;
    closedir(stream);
    if (error) {
        wasi_listing_free(listing);
        return error;
    }
    wasi_listing_free(entry->listing);
    entry->listing = listing;
    return WASI_SUCCESS;
}

/* args: descriptor, buffer, its length, cookie, address of the number of bytes stored. The last
 * entry may be cut off at the buffer's end; a buffer that is not filled says: no more. */
enum wasi_errno wasi_fd_readdir(struct wasi *wasi, const uint64_t *args)
{
    struct wasi_fd *entry;
    enum wasi_errno error =
        wasi_fd_find(wasi, (uint32_t)args[0], WASI_RIGHT_FD_READDIR, &entry);
    if (error) {
        return error;
    }
    uint32_t room = (uint32_t)args[2];
    uint64_t cookie = args[3];
    if (!wasi_at(wasi, (uint32_t)args[1], room) ||
        !wasi_at(wasi, (uint32_t)args[4], sizeof(uint32_t))) {
        return WASI_FAULT;
    }
    if (cookie == 0 || !entry->listing) {
        error = list(entry);
        if (error) {
            return error;
        }
    }
    const struct wasi_listing *listing = entry->listing;
    size_t size = 0;
    if (cookie < listing->count) {
        size = listing->used - listing->starts[cookie];
        size = size < room ? size : room;
        wasi_store(wasi, (uint32_t)args[1], listing->bytes + listing->starts[cookie], size);
    }
    return wasi_store_u32(wasi, (uint32_t)args[4], (uint32_t)size);
}
