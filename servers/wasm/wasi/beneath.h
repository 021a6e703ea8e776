/* Opening a path without ever leaving a directory: the one thing that the WASI layer needs and
 * POSIX has not.
 *
 * One file implements it for each system: beneath_linux.c, beneath_pith.c. Everything else in
 * this folder is the same on both.
 *
 * Confinement rests on these two rules alone:
 *   - a path with more than one component goes through beneath_open or beneath_dir, which
 *     refuse, while resolving, to pass above `dir`, whatever symbolic links and ".." do;
 *   - every other call gets one component that is not ".." and does not follow a symbolic
 *     link in it.
 */
#ifndef WASI_BENEATH_H
#define WASI_BENEATH_H

#include <sys/types.h>

/* As openat(dir, path, flags | O_CLOEXEC | O_NOCTTY, mode), resolving beneath `dir`. Returns a
 * descriptor, or -1 with errno; EXDEV says that the path leaves `dir` (or is absolute). */
int beneath_open(int dir, const char *path, int flags, mode_t mode);

/* A handle of the directory `path` beneath `dir`, good only as the first argument of *at calls.
 * Errors as beneath_open. */
int beneath_dir(int dir, const char *path);

#endif
