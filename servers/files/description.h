// Open file descriptions (POSIX.1-2017 3.258): what handles refer to, shared by duplicates and
// heirs. It has a position, flags, and an inode or one end of a pipe.
#pragma once

#include "inode.h"
#include "pipe.h"

struct description {
    uint32_t references; ///< handles and waiters
    uint32_t flags;      ///< open_flag: READ, WRITE, APPEND, NONBLOCK
    struct inode *inode; ///< null for a pipe
    struct pipe *pipe;
    uint64_t position;
};

/// Where /dev/random's bytes come from; set by main.c.
extern void (*description_random)(void *to, size_t bytes);

/// Takes over the caller's hold on the inode, or end of the pipe, when it succeeds; both null:
/// the inode comes later. Null: no space.
struct description *description_new(struct inode *inode, struct pipe *pipe, uint32_t flags);
void description_hold(struct description *description);
/// Drop a reference. A pipe's end that closes concerns others: blocked_release.
void description_release(struct description *description);
/// offset -1: at the position, which moves. A pipe's bytes are only copied: description_took
/// takes them when the answer has arrived. E_BADF, E_ISDIR, E_SEEK, E_INVAL, E_AGAIN (would
/// wait).
enum status description_read(struct description *description, int64_t offset, void *to,
                             size_t length, size_t *bytes);
void description_took(struct description *description, size_t bytes);
/// offset -1: at the position, or at the end with APPEND. E_BADF, E_SEEK, E_INVAL, E_NOSPACE,
/// E_FBIG, E_PIPE, E_AGAIN (would wait).
enum status description_write(struct description *description, int64_t offset, const void *from,
                              size_t length, size_t *written);
enum status description_seek(struct description *description, int64_t offset, uint32_t whence,
                             uint64_t *position);
void description_status(const struct description *description, struct file_status *status);
/// Which io_event hold.
uint32_t description_events(const struct description *description);
bool description_is_writer(const struct description *description);
