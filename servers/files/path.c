// See path.h. Called by names.c. The walk is iterative: a symbolic link's target is put in
// front of what is left of the path. Since nothing else runs meanwhile, a walk that refuses
// `..` in its start directory, and absolute links, cannot leave it.
#include "path.h"

#include <lib/text.h>

#define TEXT_BYTES (2 * PATH_BYTES)

struct walk {
    struct inode *start;
    struct inode *at;
    uint32_t how;
    uint32_t links;
    size_t begin, end; // what is left of `text`
    char text[TEXT_BYTES];
};

static struct walk walk;

bool path_has_nul(const char *path, size_t bytes)
{
    while (bytes > 0 && path[bytes - 1])
        bytes--;
    return bytes > 0;
}

static void skip_slashes(void)
{
    while (walk.begin < walk.end && walk.text[walk.begin] == '/')
        walk.begin++;
}

// Starts at the root where the text is absolute.
static enum status walk_begin(void)
{
    if (walk.text[walk.begin] != '/')
        return OK;
    if (walk.how & PATH_BENEATH)
        return E_BENEATH;
    walk.at = inodes()->root;
    skip_slashes();
    return OK;
}

// Puts a link's target in front of the rest, which starts with a slash or is empty.
static enum status walk_link(const struct inode *link)
{
    size_t rest = walk.end - walk.begin;
    if (++walk.links > SYMLINKS_MAX)
        return E_LOOP;
    if (link->size + rest > TEXT_BYTES)
        return E_NAME;
    memmove(walk.text + link->size, walk.text + walk.begin, rest);
    memcpy(walk.text, link->target, link->size);
    walk.begin = 0;
    walk.end = link->size + rest;
    return walk_begin();
}

static bool is_dotdot(const struct place *place)
{
    return place->bytes == 2 && place->name[0] == '.' && place->name[1] == '.';
}

// Takes one component into `place`, and looks it up in the directory where the walk is.
static enum status walk_component(struct place *place)
{
    const char *name = walk.text + walk.begin;
    size_t bytes = 0;
    while (walk.begin < walk.end && walk.text[walk.begin] != '/') {
        walk.begin++;
        bytes++;
    }
    if (walk.at->type != FILE_TYPE_DIRECTORY)
        return E_NOTDIR;
    if (bytes > NAME_BYTES)
        return E_NAME;
    memcpy(place->name, name, bytes);
    place->bytes = (uint8_t)bytes;
    place->parent = walk.at;
    place->entry = NULL;
    place->inode = NULL;
    if (bytes == 1 && name[0] == '.') {
        place->inode = walk.at;
    } else if (is_dotdot(place)) {
        if ((walk.how & PATH_BENEATH) && walk.at == walk.start)
            return E_BENEATH;
        place->inode = directory_parent(walk.at);
    } else if ((place->entry = directory_find(walk.at, name, bytes))) {
        place->inode = place->entry->inode;
    }
    return OK;
}

enum status path_walk(struct inode *start, const char *path, size_t bytes, uint32_t how,
                      struct place *place)
{
    if (bytes == 0)
        return E_NOENT;
    if (bytes >= PATH_BYTES)
        return E_NAME;
    if (path_has_nul(path, bytes))
        return E_INVAL;
    walk.start = walk.at = start;
    walk.how = how;
    walk.links = 0;
    walk.begin = 0;
    walk.end = bytes;
    memcpy(walk.text, path, bytes);
    enum status status = walk_begin();
    *place = (struct place){.parent = walk.at, .inode = walk.at};
    while (status == OK && walk.begin < walk.end) {
        status = walk_component(place);
        size_t name_end = walk.begin;
        skip_slashes();
        bool last = walk.begin == walk.end;
        place->slash = walk.begin > name_end;
        if (status != OK)
            break;
        if (!place->inode) // `..` of a removed directory is no name to be made
            return last && !is_dotdot(place) ? OK : E_NOENT;
        if (place->inode->type == FILE_TYPE_SYMLINK &&
            (!last || (!(how & PATH_NAME) && (place->slash || (how & PATH_FOLLOW))))) {
            walk.begin = name_end;
            status = walk_link(place->inode);
            *place = (struct place){.parent = walk.at, .inode = walk.at}; // the link was to `/`
        } else {
            walk.at = place->inode;
        }
    }
    bool checked = place->slash && !(how & PATH_NAME);
    if (status == OK && checked && place->inode->type != FILE_TYPE_DIRECTORY)
        return E_NOTDIR;
    return status;
}
