/* What the files of the WASI layer share: the guest's descriptors, access to its memory, and
 * the 46 functions. Nothing outside this folder includes it.
 */
#ifndef WASI_INTERNAL_H
#define WASI_INTERNAL_H

#include "abi.h"
#include "functions.h"
#include "wasi/wasi.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

enum {
    WASI_FD_MAX = 1024,    /* open descriptors of a guest, its streams included */
    WASI_PATH_BYTES = 4096 /* longest path, with its NUL */
};

struct wasi_listing; /* the names in a directory as one fd_readdir saw them: dirs.c */

/* One descriptor of the guest. Free while `open` is false. */
struct wasi_fd {
    bool open;
    uint8_t type;        /* WASI_TYPE_ */
    uint16_t flags;      /* WASI_FD_: whether the guest wants to wait is kept here, whatever the
                            host's descriptor says, which may be shared with others */
    int host;            /* the descriptor behind it, ours to close */
    uint64_t base;       /* WASI_RIGHT_, on this descriptor */
    uint64_t inheriting; /* WASI_RIGHT_, for those opened through it */
    char *preopen;       /* the name of a preopened directory, owned; else NULL */
    struct wasi_listing *listing; /* owned; NULL until fd_readdir */
};

/* Ties a function's table entry to the guest that calls it. */
struct wasi_binding {
    struct wasi *wasi;
    const struct wasi_function *function;
};

#define WASI_COUNT(name, type) +1
enum { WASI_FUNCTION_COUNT = 0 WASI_FUNCTIONS(WASI_COUNT) };
#undef WASI_COUNT
_Static_assert(WASI_FUNCTION_COUNT == 46, "witx");

struct wasi {
    struct wasi_options options;
    struct wasm_memory *memory; /* of the instance whose call runs; NULL: it has none */
    bool exiting;               /* proc_exit was called */
    uint32_t exit_code;
    struct wasi_binding bindings[WASI_FUNCTION_COUNT];
    struct wasi_fd fds[WASI_FD_MAX];
};

/* A function of the table. `args` holds the arguments as functions.h lists them. */
#define WASI_DECLARE(name, type)                                                               \
    enum wasi_errno wasi_##name(struct wasi *, const uint64_t *args);
WASI_FUNCTIONS(WASI_DECLARE)
#undef WASI_DECLARE

/* ---- errors.c -------------------------------------------------------------------------- */

/* WASI's number for a host errno; WASI_IO for one that WASI has none for. */
enum wasi_errno wasi_errno_of(int host_errno);
/* The same after a failed beneath_open or beneath_dir, where EXDEV says "outside". */
enum wasi_errno wasi_errno_beneath(int host_errno);
/* WASI_SUCCESS if `result` is 0, else that of errno. */
enum wasi_errno wasi_errno_if(int result);

/* ---- memory.c -------------------------------------------------------------------------- */

/* The guest's bytes [address, address + length), or NULL: outside its memory. */
void *wasi_at(const struct wasi *wasi, uint32_t address, uint64_t length);
/* Copies out of and into guest memory: WASI_SUCCESS or WASI_FAULT. */
enum wasi_errno wasi_load(const struct wasi *wasi, uint32_t address, void *to, size_t size);
enum wasi_errno wasi_store(const struct wasi *wasi, uint32_t address, const void *from,
                           size_t size);
/* wasi_store of a result that is one number. */
enum wasi_errno wasi_store_u32(const struct wasi *wasi, uint32_t address, uint32_t value);
enum wasi_errno wasi_store_u64(const struct wasi *wasi, uint32_t address, uint64_t value);
/* Copies a path, with its NUL, to `to`. WASI_FAULT, WASI_NAMETOOLONG, WASI_NOENT (empty),
 * WASI_INVAL (a NUL inside). */
enum wasi_errno wasi_load_path(const struct wasi *wasi, uint32_t address, uint32_t length,
                               char to[static WASI_PATH_BYTES]);

/* ---- fds.c ----------------------------------------------------------------------------- */

/* The lowest free descriptor that is at least `from`, or WASI_FD_MAX. */
uint32_t wasi_fd_free(const struct wasi *wasi, uint32_t from);
/* Makes `fd`, which is free, stand for the host's `host` (taken over) of kind `status`, with
 * those of the rights that fit its kind. */
struct wasi_fd *wasi_fd_fill(struct wasi *wasi, uint32_t fd, int host,
                             const struct stat *status, uint64_t base, uint64_t inheriting);
/* The open descriptor `fd`, if it has all `rights`. Otherwise WASI_BADF, WASI_NOTCAPABLE, or
 * what POSIX says of such a descriptor: WASI_ISDIR, WASI_NOTDIR, WASI_SPIPE. */
enum wasi_errno wasi_fd_find(struct wasi *wasi, uint32_t fd, uint64_t rights,
                             struct wasi_fd **found);
/* Gives a descriptor up, whatever the host answers. */
enum wasi_errno wasi_fd_close_entry(struct wasi_fd *entry);
/* Takes over descriptors 0 to 2, as far as they are open. */
void wasi_fd_adopt_streams(struct wasi *wasi);

/* ---- files.c --------------------------------------------------------------------------- */

uint8_t wasi_type_of(mode_t mode);
enum wasi_errno wasi_store_filestat(const struct wasi *wasi, uint32_t address,
                                    const struct stat *status);
/* times[0] and [1] as utimensat wants them. WASI_INVAL for flags that contradict. */
enum wasi_errno wasi_times(uint64_t atim, uint64_t mtim, uint32_t flags,
                           struct timespec times[static 2]);

/* ---- dirs.c ---------------------------------------------------------------------------- */

void wasi_listing_free(struct wasi_listing *listing);

/* ---- resolve.c ------------------------------------------------------------------------- */

/* Where a path leads: the entry `name` of the directory `dir`. `name` is one component and
 * never ".."; it is "." if the path ended in "." or "..", and then `dir` is that directory. */
struct wasi_place {
    int base;         /* the host's directory that the path started from */
    int dir;          /* a host directory handle; may be `base` itself, else it is ours */
    unsigned dots;    /* 1: the path ended in "."; 2: in ".."; else 0 */
    bool slash;       /* the path ended in '/', so it must be a directory */
    const char *name; /* the end of `path`, or "." */
    char path[WASI_PATH_BYTES];
};

/* Resolves all but the last component of the guest's path beneath `fd`, which must have
 * `rights`. On success the caller ends with wasi_place_leave. */
enum wasi_errno wasi_place_find(struct wasi *wasi, uint32_t fd, uint64_t rights,
                                uint32_t address, uint32_t length, struct wasi_place *place);
/* Makes the place itself the subject, as stat and its kin want it: a path that ended in '/'
 * becomes "." of that directory; with `follow`, symbolic links are followed to the end.
 * Fills `*status` (of a link, when not following). The place is left on failure. */
enum wasi_errno wasi_place_stat(struct wasi_place *place, bool follow, struct stat *status);
void wasi_place_leave(struct wasi_place *place);

#endif
