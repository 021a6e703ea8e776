// Inodes and names: what the file system consists of in memory. One name space, one instance.
//
//      entry (a name in a directory) --> inode --> contents (a tree of pages, or initrd bytes)
//                                             `--> entries, for a directory
//                                             `--> target, for a symbolic link
//
// An inode lives while it has links, or open descriptions refer to it (`opens`).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/kept.h>
#include <pith/abi.h>
#include <proto/files.h>
#include <proto/io.h>

#define FILE_BYTES_MAX ((uint64_t)1 << 39) // what a tree of three levels above the pages spans
#define CONTENTS_STEP  4096u               // pages that one step may give back
#define LINKS_MAX      65000u
#define MODE_BITS      07777u

/// What a character device is; the values are `inode.device`.
enum device { DEVICE_CONSOLE = 1, DEVICE_NULL, DEVICE_ZERO, DEVICE_RANDOM };

struct entry;
struct record_lock;

struct inode {
    uint64_t number;
    uint32_t type; ///< enum file_type
    uint32_t mode;
    uint32_t links; ///< names, and for a directory its own `.` and its children's `..`
    uint32_t opens; ///< open descriptions, and users of the moment
    struct inode *next_dying;
    uint64_t size;
    uint64_t accessed, modified, changed; ///< nanoseconds since 1970
    union {
        struct {
            void *root;          ///< height 0: a page of contents; else a node of 512 pointers
            const uint8_t *base; ///< initrd bytes, where no page of our own lies over them
            uint64_t base_bytes;
            uint64_t pages; ///< nodes included
            uint32_t height;
            struct record_lock *locks; ///< see locks.h
        } file;
        struct {
            struct entry *first, *last; ///< in the order of their cookies
            struct entry *hint;         ///< where the last read_directory stopped, or null
            struct entry *self;         ///< its name in its parent; null: the root, or removed
            uint64_t next_cookie;
        } directory;
        char *target; ///< of a symbolic link, `size` bytes
        enum device device;
    };
};

struct entry {
    struct entry *chain; ///< in its bucket of the table of names
    struct entry *next, *previous;
    struct inode *parent;
    struct inode *inode;
    uint64_t cookie;
    uint32_t hash;
    uint8_t bytes;
    char name[];
};

/// The clock, nanoseconds since 1970; set by main.c.
extern uint64_t (*inode_clock)(void);

/// What is kept besides the inodes themselves.
struct inode_state {
    struct inode *root;
    struct inode *dying; ///< without names and users, contents still to be given back
    uint64_t next_number;
    uint64_t count;
    uint64_t initrd, initrd_bytes; ///< where the initrd is mapped
};
extern struct inode_state kept_inodes;

static inline struct inode_state *inodes(void)
{
    return KEPT_VIEW(kept_inodes);
}

/// Make an empty file system: a root directory. E_NOSPACE.
enum status inode_init(void);
/// Whether inodes are dying. The second, between requests, gives back what they had.
bool inodes_unsettled(void);
void inodes_settle(void);
/// How many inodes there are.
uint64_t inode_count(void);
/// A new inode without links, with one open (inode_release drops it); null: no space.
struct inode *inode_new(enum file_type type, uint32_t mode);
/// The same for a symbolic link to `target` (at most PATH_BYTES).
struct inode *inode_new_symlink(const char *target, size_t bytes);
void inode_hold(struct inode *inode);
/// Drop one open; the inode and its contents go when it was the last and no links are left.
void inode_release(struct inode *inode);
void inode_status(const struct inode *inode, struct file_status *status);
/// Set `modified` and `changed` to now.
void inode_touch(struct inode *inode);

/// Set the permission bits.
void inode_set_mode(struct inode *inode, uint32_t mode);

/// Set the times whose bit is in `set` (0: accessed, 1: modified).
void inode_set_times(struct inode *inode, uint32_t set, uint64_t accessed, uint64_t modified);

// ---- contents.c: regular files

/// Up to `length` bytes at `offset` into `to`; the result is how many (0 at the end).
size_t contents_read(const struct inode *inode, uint64_t offset, void *to, size_t length);
/// Writes at `offset`, grows the file; `*written` may be less than `length` where space ends.
/// E_NOSPACE (nothing written), E_FBIG.
enum status contents_write(struct inode *inode, uint64_t offset, const void *from,
                           size_t length, size_t *written);
/// Cut, or grow with a hole. Needs no space. E_FBIG.
enum status contents_truncate(struct inode *inode, uint64_t size);
/// The same for less than `size` now, in steps, each of which commits (lib/kept.h).
void contents_shrink(struct inode *inode, uint64_t size);
/// Whether the tree of pages is in order.
bool contents_valid(const struct inode *inode);
/// Give every page in the range a place of its own. E_NOSPACE, E_FBIG.
enum status contents_allocate(struct inode *inode, uint64_t offset, uint64_t length);

// ---- directory.c: names

/// Forget all names.
void directory_init(void);
/// After a restart: whether the tree of names from the root on is in order, with all its
/// inodes.
bool directory_valid(void);
/// The entry `name` of a directory, or null. `.` and `..` are not entries.
struct entry *directory_find(const struct inode *directory, const char *name, size_t bytes);
/// Add a name (1 to 255 bytes, not there yet); links and times follow. E_NOSPACE, E_MLINK.
enum status directory_add(struct inode *directory, const char *name, size_t bytes,
                          struct inode *inode);
/// Remove a name; the inode goes with its last link if nobody has it open.
void directory_remove(struct entry *entry);
/// Put `entry` under another directory and name, in place of `victim` if that is not null.
/// Cannot half-fail: E_NOSPACE leaves all as it was.
enum status directory_move(struct entry *entry, struct inode *to, const char *name,
                           size_t bytes, struct entry *victim);
/// True if `inode` is `ancestor` or lies below it.
bool directory_is_below(const struct inode *inode, const struct inode *ancestor);
/// The parent, of the root itself; null for a removed directory.
struct inode *directory_parent(const struct inode *directory);
/// Fill `to` with struct directory_entry from `cookie` on; the result is the bytes written.
/// E_RANGE: not even one fits.
enum status directory_read(struct inode *directory, uint64_t cookie, void *to, size_t room,
                           size_t *bytes);
/// The absolute path, without a NUL. E_NOENT: it was removed. E_RANGE.
enum status directory_path(const struct inode *directory, char *to, size_t room, size_t *bytes);
