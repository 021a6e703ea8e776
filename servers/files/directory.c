// Names in directories. All entries hang in one table, by parent and name, and in a list of
// their directory in the order of their cookies, so that reading a directory goes on correctly
// while names come and go. Called by path.c and names.c.
#include "inode.h"

#include <lib/text.h>

#include "objects.h"

#define BUCKETS       8192u
#define COOKIE_DOT    0u // where reading starts, and the cookie after `.`
#define COOKIE_DOTDOT 1u
#define COOKIE_FIRST  2u

static struct entry *table[BUCKETS];

void directory_init(void)
{
    memset(table, 0, sizeof table);
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
    struct entry *entry = table[hash % BUCKETS];
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
    entry->chain = table[entry->hash % BUCKETS];
    table[entry->hash % BUCKETS] = entry;
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
    struct entry **place = &table[entry->hash % BUCKETS];
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
    if (directory == inode_root)
        return inode_root;
    return directory->directory.self ? directory->directory.self->parent : NULL;
}

bool directory_is_below(const struct inode *inode, const struct inode *ancestor)
{
    while (inode && inode != ancestor && inode != inode_root)
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
    if (directory == inode_root && room > 0)
        to[--at] = '/';
    while (directory != inode_root) {
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
