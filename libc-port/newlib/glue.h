/* What the files of the glue share. The glue maps POSIX onto the servers through the generated
 * client stubs (<proto/NAME.h>); docs/reference/posix.md says which call is how complete.
 *
 * Every conversation with a server stands between libc_enter and libc_leave: signal handlers
 * wait until it is over, so that they may use the same sessions themselves. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <pith/abi.h>
#include <lib/session.h>
#include <proto/startup.h>

/* Names that programs must not see start with __pith_ at link level. */
#define GLUE(name) __asm__("__pith_libc_" #name)

extern const struct startup *startup_block PITH_SYMBOL(startup_block); /* as <lib/start.h> */

/* Sets errno from a status. Returns -1, so that a failing call can end with it. */
int libc_fail(enum status status) GLUE(fail);

/* Signal handlers are held back from here ... */
void libc_enter(void) GLUE(enter);
/* ... to here, where those that became due run. 0, or -1 with errno from `status`. */
int libc_leave(enum status status) GLUE(leave);
/* After a failed call: a handler with SA_RESTART interrupted it, so it is to be repeated. */
bool libc_restart(void) GLUE(restart);

/* ---------------------------------------------------------------- descriptors (descriptor.c)
 */

enum { DESCRIPTORS = 256 };

struct descriptor {
    uint32_t service; /* enum io_service; 0: closed */
    uint32_t handle;  /* in that service's session */
    int access;       /* O_RDONLY, O_WRONLY or O_RDWR */
    bool close_on_exec;
};

/* The open descriptor, or NULL with errno EBADF. */
struct descriptor *descriptor_get(int fd) GLUE(descriptor_get);
/* Any slot by number: open or not. NULL: out of range. */
struct descriptor *descriptor_slot(int fd) GLUE(descriptor_slot);
/* The lowest free number that is at least `from`, or -1 with errno EMFILE. */
int descriptor_free(int from) GLUE(descriptor_free);
struct session *descriptor_session(const struct descriptor *d) GLUE(descriptor_session);
void descriptors_start(const struct startup *startup) GLUE(descriptors_start);

/* F_GETLK, F_SETLK and F_SETLKW of fcntl (lock.c). */
struct flock;
int record_lock(int fd, int command, struct flock *lock) GLUE(record_lock);

/* ---------------------------------------------------------------- paths (path.c) */

/* Size of the path without its NUL, or -1 with errno ENOENT (empty) or ENAMETOOLONG. */
int path_size(const char *path) GLUE(path_size);
/* The files handle that relative paths start from. False: errno EBADF or ENOTDIR. */
bool path_directory(int directory_fd, uint32_t *handle) GLUE(path_directory);
/* Handle of the working directory. */
uint32_t path_current(void) GLUE(path_current);
/* Opens without touching the descriptor table. Between libc_enter and libc_leave. */
enum status path_open(uint32_t directory, const char *path, int size, int flags, mode_t mode,
                      struct descriptor *result) GLUE(path_open);

/* ---------------------------------------------------------------- memory (heap.c) */

/* Moves the end of the heap; NULL: no memory. errno stays as it is. */
void *heap_grow(ptrdiff_t bytes) GLUE(heap_grow);

/* ---------------------------------------------------------------- time (clock.c) */

/* Nanoseconds of the monotonic clock. */
uint64_t clock_now(void) GLUE(clock_now);
/* Nanoseconds of CPU time that the process has used. 0 where unknown. */
uint64_t clock_process(void) GLUE(clock_process);

/* ---------------------------------------------------------------- signals (signal.c) */

/* The write to a pipe that nobody reads: SIGPIPE to ourselves. */
void signal_broken_pipe(void) GLUE(signal_broken_pipe);
