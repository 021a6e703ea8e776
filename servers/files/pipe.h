// Pipes: 64 KiB between readers and writers. Writes of up to PIPE_ATOMIC bytes go in whole or
// wait. Who waits is kept by blocked.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/list.h>
#include <pith/abi.h>

#define PIPE_PAGES  16u
#define PIPE_BYTES  (PIPE_PAGES * 4096u)
#define PIPE_ATOMIC 4096u // PIPE_BUF

struct pipe {
    uint8_t *pages[PIPE_PAGES];
    uint32_t first;   ///< position of the oldest byte
    uint32_t count;   ///< bytes in the pipe
    uint32_t readers; ///< open descriptions of each end
    uint32_t writers;
    uint32_t holds;      ///< users of the moment
    uint64_t number;     ///< for file_status.inode
    struct list waiters; ///< blocked.c: oldest first
    struct list watches;
    struct list changed; ///< blocked.c: among the pipes whose waiters are to be looked at
};

/// One reader, one writer, empty; null: no space for it.
struct pipe *pipe_new(void);
/// One end less; the pipe goes with its last end and hold (nobody waits then).
void pipe_close(struct pipe *pipe, bool writer);
void pipe_hold(struct pipe *pipe);
void pipe_drop(struct pipe *pipe);
/// Copy up to `length` bytes out, without taking them; pipe_take takes them.
size_t pipe_peek(const struct pipe *pipe, void *to, size_t length);
void pipe_take(struct pipe *pipe, size_t length);
/// E_PIPE: no reader. E_AGAIN: would have to wait. May take less than all of more than
/// PIPE_ATOMIC bytes.
enum status pipe_write(struct pipe *pipe, const void *from, size_t length, size_t *written);
/// After a restart: whether its pages and counts can be.
bool pipe_valid(const struct pipe *pipe);
/// Which io_event hold for an end.
uint32_t pipe_events(const struct pipe *pipe, bool writer);
