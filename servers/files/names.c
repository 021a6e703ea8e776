// See names.h. Called by requests.c, and by initrd.c at start-up.
#include "names.h"

#include <lib/text.h>

static uint32_t how_of(uint32_t flags)
{
    return flags & AT_FLAG_BENEATH ? PATH_BENEATH : 0;
}

static enum status walk_path(struct path path, uint32_t how, struct place *place)
{
    return path_walk(path.directory, path.text, path.bytes, how, place);
}

enum status names_find(struct path path, uint32_t flags, struct inode **inode)
{
    struct place place;
    uint32_t how = how_of(flags) | (flags & AT_FLAG_NOFOLLOW ? 0 : PATH_FOLLOW);
    enum status status = walk_path(path, how, &place);
    if (status == OK && !place.inode)
        status = E_NOENT;
    *inode = place.inode;
    return status;
}

// Gives a new inode its name and drops the caller's hold on it, unless `keep`.
static enum status add_new(struct place *place, struct inode *inode, bool keep)
{
    if (!inode)
        return E_NOSPACE;
    enum status status = directory_add(place->parent, place->name, place->bytes, inode);
    if (status != OK || !keep)
        inode_release(inode);
    return status;
}

// Whether a name can be made at a place: nothing is there, and its directory was not removed.
static enum status check_free(const struct place *place)
{
    if (place->inode)
        return E_EXIST;
    return directory_parent(place->parent) ? OK : E_NOENT;
}

static enum status open_new(struct place *place, uint32_t flags, uint32_t mode,
                            struct inode **inode)
{
    if (!(flags & OPEN_FLAG_CREATE))
        return E_NOENT;
    if (flags & OPEN_FLAG_DIRECTORY)
        return E_INVAL;
    if (place->slash)
        return E_ISDIR;
    enum status status = check_free(place);
    if (status != OK)
        return status;
    *inode = inode_new(FILE_TYPE_REGULAR, mode);
    return add_new(place, *inode, true);
}

enum status names_open(struct path path, uint32_t flags, uint32_t mode, struct inode **inode)
{
    struct place place;
    uint32_t exclusive = OPEN_FLAG_CREATE | OPEN_FLAG_EXCLUSIVE;
    bool follow = !(flags & OPEN_FLAG_NOFOLLOW) && (flags & exclusive) != exclusive;
    uint32_t how = (flags & OPEN_FLAG_BENEATH ? PATH_BENEATH : 0) | (follow ? PATH_FOLLOW : 0);
    enum status status = walk_path(path, how, &place);
    if (status != OK)
        return status;
    if (!place.inode)
        return open_new(&place, flags, mode, inode);
    if ((flags & exclusive) == exclusive)
        return E_EXIST;
    if (place.inode->type == FILE_TYPE_DIRECTORY) {
        if (flags & (OPEN_FLAG_WRITE | OPEN_FLAG_TRUNCATE | OPEN_FLAG_CREATE))
            return E_ISDIR;
    } else if (flags & OPEN_FLAG_DIRECTORY) {
        return E_NOTDIR;
    } else if (place.inode->type == FILE_TYPE_SYMLINK) {
        return E_LOOP;
    }
    inode_hold(place.inode);
    *inode = place.inode;
    return OK;
}

enum status names_make_directory(struct path path, uint32_t flags, uint32_t mode)
{
    struct place place;
    enum status status = walk_path(path, how_of(flags) | PATH_NAME, &place);
    if (status == OK)
        status = check_free(&place);
    if (status != OK)
        return status;
    return add_new(&place, inode_new(FILE_TYPE_DIRECTORY, mode), false);
}

static bool directory_empty(const struct inode *directory)
{
    return !directory->directory.first;
}

enum status names_remove(struct path path, uint32_t flags)
{
    struct place place;
    enum status status = walk_path(path, how_of(flags) | PATH_NAME, &place);
    if (status != OK)
        return status;
    if (!place.inode)
        return E_NOENT;
    bool is_directory = place.inode->type == FILE_TYPE_DIRECTORY;
    if (!(flags & AT_FLAG_DIRECTORY)) {
        if (is_directory)
            return E_ISDIR;
        if (place.slash)
            return E_NOTDIR;
    } else {
        if (!is_directory)
            return E_NOTDIR;
        if (!place.entry) // the root, `.` or `..`
            return place.bytes == 0 ? E_BUSY : place.bytes == 1 ? E_INVAL : E_NOTEMPTY;
        if (!directory_empty(place.inode))
            return E_NOTEMPTY;
    }
    directory_remove(place.entry);
    return OK;
}

// What POSIX demands of rename's two ends, both found.
static enum status check_rename(const struct place *from, const struct place *to)
{
    bool is_directory = from->inode->type == FILE_TYPE_DIRECTORY;
    if (!from->entry || (to->inode && !to->entry))
        return from->bytes && to->bytes ? E_INVAL : E_BUSY;
    if ((from->slash || to->slash) && !is_directory)
        return E_NOTDIR;
    if (is_directory && directory_is_below(to->parent, from->inode))
        return E_INVAL;
    if (!to->inode)
        return check_free(to);
    if (to->inode->type != FILE_TYPE_DIRECTORY)
        return is_directory ? E_NOTDIR : OK;
    if (!is_directory)
        return E_ISDIR;
    return directory_empty(to->inode) ? OK : E_NOTEMPTY;
}

enum status names_rename(struct path from_path, struct path to_path, uint32_t flags)
{
    struct place from, to;
    enum status status = walk_path(from_path, how_of(flags) | PATH_NAME, &from);
    if (status == OK && !from.inode)
        status = E_NOENT;
    if (status == OK)
        status = walk_path(to_path, how_of(flags) | PATH_NAME, &to);
    if (status != OK)
        return status;
    if (from.entry && from.inode == to.inode && !from.slash && !to.slash)
        return OK; // two names of one file, or the same name
    status = check_rename(&from, &to);
    if (status != OK)
        return status;
    return directory_move(from.entry, to.parent, to.name, to.bytes, to.entry);
}

enum status names_link(struct path from_path, struct path to_path, uint32_t flags)
{
    struct place to;
    struct inode *inode;
    enum status status = names_find(from_path, flags, &inode);
    if (status == OK && inode->type == FILE_TYPE_DIRECTORY)
        status = E_RIGHTS;
    if (status == OK)
        status = walk_path(to_path, how_of(flags) | PATH_NAME, &to);
    if (status == OK)
        status = check_free(&to);
    if (status == OK && to.slash)
        status = E_NOENT;
    if (status != OK)
        return status;
    return directory_add(to.parent, to.name, to.bytes, inode);
}

enum status names_make_symlink(struct path path, uint32_t flags, const char *target,
                               size_t bytes)
{
    struct place place;
    if (bytes == 0)
        return E_NOENT;
    if (bytes >= PATH_BYTES)
        return E_NAME;
    if (path_has_nul(target, bytes))
        return E_INVAL;
    enum status status = walk_path(path, how_of(flags) | PATH_NAME, &place);
    if (status == OK)
        status = check_free(&place);
    if (status == OK && place.slash)
        status = E_NOENT;
    if (status != OK)
        return status;
    return add_new(&place, inode_new_symlink(target, bytes), false);
}

enum status names_make_device(const char *text, enum device device)
{
    struct place place;
    struct path path = {.directory = inodes()->root, .text = text, .bytes = strlen(text)};
    enum status status = walk_path(path, PATH_NAME, &place);
    if (status == OK)
        status = check_free(&place);
    if (status != OK)
        return status;
    struct inode *inode = inode_new(FILE_TYPE_CHARACTER, 0666);
    if (inode)
        inode->device = device;
    return add_new(&place, inode, false);
}
