// Record locks (POSIX.1-2017 fcntl): advisory locks of bytes of a regular file, held by
// clients. A client has an open handle on every file that it holds a lock of.
#pragma once

#include "inode.h"

enum { LOCKS_MAX = 256 }; ///< of one file: a list is walked under every request

/// Bytes [start, end) of the file that it is in a list of.
struct record_lock {
    struct record_lock *next;
    uint64_t owner; ///< the client's id
    uint64_t start, end;
    uint32_t kind; ///< LOCK_KIND_SHARED or LOCK_KIND_EXCLUSIVE
};

/// A lock of another client that one of `kind` on [start, end) would meet, or null.
const struct record_lock *locks_conflict(const struct inode *file, uint64_t owner,
                                         uint32_t kind, uint64_t start, uint64_t end);
/// Replaces what the owner holds of [start, end). E_AGAIN: another client's lock is in the way;
/// E_NOMEM: too many locks. Nothing has changed then.
enum status locks_set(struct inode *file, uint64_t owner, uint32_t kind, uint64_t start,
                      uint64_t end);
/// All locks of the owner on this file.
void locks_drop(struct inode *file, uint64_t owner);
