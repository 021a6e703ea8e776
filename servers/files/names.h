// The calls on paths, as POSIX.1-2017 and Linux where that is silent. Flags are at_flag of
// servers/proto/files.idl, `directory` is where relative paths start. Every error leaves the
// file system as it was.
#pragma once

#include "path.h"

/// A path with its length, relative to a directory.
struct path {
    struct inode *directory;
    const char *text;
    size_t bytes;
};

/// Find what is there. E_NOENT, E_NOTDIR, E_LOOP, E_NAME, E_BENEATH.
enum status names_find(struct path path, uint32_t flags, struct inode **inode);
/// Find or create by open_flag. The inode comes with one more open. E_EXIST, E_ISDIR, E_NOTDIR,
/// E_LOOP, ...
enum status names_open(struct path path, uint32_t flags, uint32_t mode, struct inode **inode);
enum status names_make_directory(struct path path, uint32_t flags, uint32_t mode);
enum status names_remove(struct path path, uint32_t flags);
enum status names_rename(struct path from, struct path to, uint32_t flags);
enum status names_link(struct path from, struct path to, uint32_t flags);
enum status names_make_symlink(struct path path, uint32_t flags, const char *target,
                               size_t bytes);
/// A character device at an absolute path (start-up only).
enum status names_make_device(const char *path, enum device device);
