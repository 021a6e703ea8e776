// From a path to a place in the tree, as POSIX.1-2017 section 4.13 says.
#pragma once

#include "inode.h"

#define SYMLINKS_MAX 40u

/// How to treat the path. FOLLOW: resolve a symbolic link as last component (a trailing slash
/// does that too). BENEATH: never leave the start directory upward. NAME: the path is that of a
/// name to make or remove: its last component is not resolved, and a slash behind it is
/// reported.
enum { PATH_FOLLOW = 1, PATH_BENEATH = 2, PATH_NAME = 4 };

/// Where a path leads. `name` is the last component after all links, `.` and `..` included; it
/// has no bytes where the path was the root. `entry` and `inode` are null where nothing is
/// there.
struct place {
    struct inode *parent;
    struct inode *inode;
    struct entry *entry; ///< null for `.`, `..` and the root too
    bool slash;          ///< the path ended with one
    uint8_t bytes;
    char name[NAME_BYTES];
};

/// True if there is a NUL byte in it: no name or link may hold one.
bool path_has_nul(const char *path, size_t bytes);
/// Resolve `path` from `start`. OK also where only the last component is missing (inode null).
/// E_NOENT: an empty path, or a directory on the way is missing. E_NOTDIR, E_LOOP, E_NAME,
/// E_BENEATH, E_INVAL (a NUL byte).
enum status path_walk(struct inode *start, const char *path, size_t bytes, uint32_t how,
                      struct place *place);
