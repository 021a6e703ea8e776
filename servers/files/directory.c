// Names in directories. All entries hang in one table, by parent and name, and in a list of
// their directory in the order of their cookies, so that reading a directory goes on correctly
// while names come and go. Called by path.c and names.c.
#include "inode.h"

#include <lib/kept.h>
#include <lib/text.h>

#include "objects.h"

#define BUCKETS       8192u
#define COOKIE_DOT    0u // where reading starts, and the cookie after `.`
#define COOKIE_DOTDOT 1u
#define COOKIE_FIRST  2u

static KEPT struct table {
    struct entry *bucket[BUCKETS];
} kept_table;

static struct entry **bucket(uint32_t hash)
{
    return &KEPT_VIEW(kept_table)->bucket[hash % BUCKETS];
}

void directory_init(void)
{
    memset(KEPT_VIEW(kept_table), 0, sizeof kept_table);
}

// FNV-1a over the parent's number and the name.
static uint32_t name_hash(const struct inode *directory, const char *name, size_t bytes)
{
    uint32_t hash = 2166136261u ^ (uint32_t)directory->number;
    hash *= 16777619u;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    return hash ^ hash >> 15;
}

struct entry *directory_find(const struct inode *directory, const char *name, size_t bytes)
{
    uint32_t hash = name_hash(directory, name, bytes);
    struct entry *entry = *bucket(hash);
    while (entry && !(entry->hash == hash && entry->parent == directory &&
                      entry->bytes == bytes && memcmp(entry->name, name, bytes) == 0))
        entry = entry->chain;
    return entry;
}

// Hangs an entry whose name is set into a directory. Cannot fail.
static void entry_link(struct entry *entry, struct inode *directory)
{
    entry->parent = directory;
    entry->hash = name_hash(directory, entry->name, entry->bytes);
    entry->chain = *bucket(entry->hash);
    *bucket(entry->hash) = entry;
    entry->cookie = directory->directory.next_cookie++;
    entry->next = NULL;
    entry->previous = directory->directory.last;
    if (entry->previous)
        entry->previous->next = entry;
    else
        directory->directory.first = entry;
    directory->directory.last = entry;
    directory->size++;
    inode_touch(directory);
    if (entry->inode->type == FILE_TYPE_DIRECTORY) {
        entry->inode->directory.self = entry;
        directory->links++; // its `..`
    }
}

static void entry_unlink(struct entry *entry)
{
    struct inode *directory = entry->parent;
    struct entry **place = bucket(entry->hash);
    while (*place != entry)
        place = &(*place)->chain;
    *place = entry->chain;
    if (entry->previous)
        entry->previous->next = entry->next;
    else
        directory->directory.first = entry->next;
    if (entry->next)
        entry->next->previous = entry->previous;
    else
        directory->directory.last = entry->previous;
    if (directory->directory.hint == entry)
        directory->directory.hint = entry->next;
    directory->size--;
    inode_touch(directory);
    if (entry->inode->type == FILE_TYPE_DIRECTORY) {
        entry->inode->directory.self = NULL;
        directory->links--;
    }
}

static struct entry *entry_new(const char *name, size_t bytes, struct inode *inode)
{
    struct entry *entry = object_new(PAGE_CONTENTS, sizeof *entry + bytes);
    if (!entry)
        return NULL;
    entry->bytes = (uint8_t)bytes;
    memcpy(entry->name, name, bytes);
    entry->inode = inode;
    return entry;
}

enum status directory_add(struct inode *directory, const char *name, size_t bytes,
                          struct inode *inode)
{
    if (inode->links >= LINKS_MAX)
        return E_MLINK;
    struct entry *entry = entry_new(name, bytes, inode);
    if (!entry)
        return E_NOSPACE;
    entry_link(entry, directory);
    inode->links++;
    inode->changed = inode_clock();
    return OK;
}

void directory_remove(struct entry *entry)
{
    struct inode *inode = entry->inode;
    inode_hold(inode);
    entry_unlink(entry);
    inode->links -= inode->type == FILE_TYPE_DIRECTORY ? 2 : 1; // its own `.` goes too
    inode->changed = inode_clock();
    object_free(entry);
    inode_release(inode);
}

enum status directory_move(struct entry *entry, struct inode *to, const char *name,
                           size_t bytes, struct entry *victim)
{
    struct entry *moved = entry_new(name, bytes, entry->inode);
    if (!moved)
        return E_NOSPACE;
    // Past this line it cannot fail.
    if (victim)
        directory_remove(victim);
    entry_unlink(entry);
    object_free(entry);
    entry_link(moved, to);
    moved->inode->changed = inode_clock();
    return OK;
}

struct inode *directory_parent(const struct inode *directory)
{
    if (directory == inodes()->root)
        return inodes()->root;
    return directory->directory.self ? directory->directory.self->parent : NULL;
}

bool directory_is_below(const struct inode *inode, const struct inode *ancestor)
{
    while (inode && inode != ancestor && inode != inodes()->root)
        inode = directory_parent(inode);
    return inode == ancestor;
}

// Appends one record; false: no room for it.
static bool record_put(uint8_t *to, size_t room, size_t *bytes, uint64_t cookie,
                       const struct inode *inode, const char *name, size_t name_bytes)
{
    size_t size = (sizeof(struct directory_entry) + name_bytes + 7) & ~(size_t)7;
    if (room - *bytes < size)
        return false;
    struct directory_entry record = {.cookie = cookie,
                                     .inode = inode->number,
                                     .bytes = (uint16_t)size,
                                     .name_bytes = (uint16_t)name_bytes,
                                     .type = inode->type};
    memset(to + *bytes, 0, size);
    memcpy(to + *bytes, &record, sizeof record);
    memcpy(to + *bytes + sizeof record, name, name_bytes);
    *bytes += size;
    return true;
}

// The first entry whose cookie is not below `cookie`; the hint makes reading in turn cheap.
static struct entry *entry_from(const struct inode *directory, uint64_t cookie)
{
    struct entry *entry = directory->directory.hint;
    if (!entry || entry->cookie < cookie ||
        (entry->previous && entry->previous->cookie >= cookie))
        entry = directory->directory.first;
    while (entry && entry->cookie < cookie)
        entry = entry->next;
    return entry;
}

enum status directory_read(struct inode *directory, uint64_t cookie, void *to, size_t room,
                           size_t *bytes)
{
    struct inode *parent = directory_parent(directory);
    *bytes = 0;
    if (!parent)
        return OK; // removed: it has not even `.` any more
    bool fits = true;
    if (cookie == COOKIE_DOT && (fits = record_put(to, room, bytes, 1, directory, ".", 1)))
        cookie = COOKIE_DOTDOT;
    if (cookie == COOKIE_DOTDOT && (fits = record_put(to, room, bytes, 2, parent, "..", 2)))
        cookie = COOKIE_FIRST;
    if (fits) {
        struct entry *entry = entry_from(directory, cookie);
        while (entry && (fits = record_put(to, room, bytes, entry->cookie + 1, entry->inode,
                                           entry->name, entry->bytes)))
            entry = entry->next;
        directory->directory.hint = entry;
    }
    directory->accessed = inode_clock();
    return fits || *bytes ? OK : E_RANGE;
}

enum status directory_path(const struct inode *directory, char *to, size_t room, size_t *bytes)
{
    size_t at = room; // built from its end
    if (directory == inodes()->root && room > 0)
        to[--at] = '/';
    while (directory != inodes()->root) {
        const struct entry *self = directory->directory.self;
        if (!self)
            return E_NOENT;
        if (at < self->bytes + 1u)
            return E_RANGE;
        at -= self->bytes;
        memcpy(to + at, self->name, self->bytes);
        to[--at] = '/';
        directory = self->parent;
    }
    *bytes = room - at;
    memmove(to, to + at, *bytes);
    return OK;
}

// ---------------------------------------------------------------- after a restart

static bool inode_valid(const struct inode *inode)
{
    if (!object_valid(inode, sizeof *inode) || inode->number > inodes()->next_number)
        return false;
    switch (inode->type) {
    case FILE_TYPE_REGULAR:
        return contents_valid(inode);
    case FILE_TYPE_SYMLINK:
        return inode->size > OBJECT_BYTES_MAX ? inode->size <= PATH_BYTES
                                              : object_valid(inode->target, inode->size);
    case FILE_TYPE_CHARACTER:
        return inode->device >= DEVICE_CONSOLE && inode->device <= DEVICE_RANDOM;
    default:
        return inode->type == FILE_TYPE_DIRECTORY;
    }
}

// An entry whose pointers were not followed yet.
static bool entry_valid(const struct entry *entry, const struct entry *before,
                        const struct inode *directory)
{
    return object_valid(entry, sizeof *entry) &&
           object_valid(entry, sizeof *entry + entry->bytes) && entry->previous == before &&
           entry->parent == directory && (!before || entry->cookie > before->cookie) &&
           inode_valid(entry->inode) && entry->inode->links >= 1 &&
           directory_find(directory, entry->name, entry->bytes) == entry &&
           (entry->inode->type != FILE_TYPE_DIRECTORY || entry->inode->directory.self == entry);
}

// The names of one directory, *names of them in all so far.
static bool names_valid(const struct inode *directory, uint64_t *names)
{
    uint64_t count = 0;
    const struct entry *before = NULL;
    for (const struct entry *entry = directory->directory.first; entry; entry = entry->next) {
        if (!entry_valid(entry, before, directory) || ++count > directory->size)
            return false;
        before = entry;
    }
    const struct entry *hint = directory->directory.hint;
    *names += count;
    return count == directory->size && directory->directory.last == before &&
           (!hint || (object_valid(hint, sizeof *hint) && hint->parent == directory));
}

static bool table_valid(void)
{
    for (uint32_t i = 0; i < BUCKETS; i++)
        for (const struct entry *entry = *bucket(i); entry; entry = entry->chain)
            if (!object_valid(entry, sizeof *entry) || entry->hash % BUCKETS != i ||
                (entry->chain && !object_valid(entry->chain, sizeof *entry)))
                return false;
    return true;
}

// Where a walk through the whole tree goes on behind this entry: into it, to its neighbour, or
// to its parent's. Null: nowhere.
static const struct entry *walk_next(const struct entry *entry)
{
    if (entry->inode->type == FILE_TYPE_DIRECTORY && entry->inode->directory.first)
        return entry->inode->directory.first;
    while (entry && !entry->next)
        entry = entry->parent->directory.self;
    return entry ? entry->next : NULL;
}

bool directory_valid(void)
{
    const struct inode *root = inodes()->root;
    uint64_t names = 0, seen = 0;
    if (!object_valid(root, sizeof *root) || root->type != FILE_TYPE_DIRECTORY ||
        !table_valid() || !names_valid(root, &names))
        return false;
    for (const struct entry *entry = root->directory.first; entry; entry = walk_next(entry))
        if (++seen > names ||
            (entry->inode->type == FILE_TYPE_DIRECTORY && !names_valid(entry->inode, &names)))
            return false;
    return seen == names;
}
