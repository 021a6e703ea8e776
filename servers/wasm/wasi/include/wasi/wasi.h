/* WASI preview 1 for one guest: what the runner asks of it.
 *
 *   wasi_new --> wasi_preopen ... --> wasi_link(store) --> instantiate and call _start
 *
 * The guest gets the caller's descriptors 0, 1 and 2 as they are, the directories that were
 * preopened as 3 and following, and the arguments and environment that were given: nothing
 * else. A directory is confined by its handle: no path, symbolic link or ".." that a guest can
 * name or make resolves to anything above it.
 */
#ifndef WASI_WASI_H
#define WASI_WASI_H

#include "wasm/wasm.h"

#include <stddef.h>

struct wasi;

/* Lists of strings that the guest sees; borrowed until wasi_free. */
struct wasi_options {
    const char *const *args; /* args[0] is the program's name */
    size_t arg_count;
    const char *const *env; /* "KEY=VALUE" */
    size_t env_count;
};

/* NULL without memory for it. One at a time: it takes over descriptors 0 to 2, and closes them
 * (to /dev/null) when the guest does. */
struct wasi *wasi_new(struct wasi_options options);

/* Gives the guest the host's directory `path` under the name `guest_name` (copied), as its next
 * free descriptor. 0, or the errno that says why not. */
int wasi_preopen(struct wasi *wasi, const char *path, const char *guest_name);

/* Makes the 46 functions linkable in `store` as "wasi_snapshot_preview1". WASM_OK or
 * WASM_NO_MEMORY. */
enum wasm_status wasi_link(struct wasi *wasi, struct wasm_store *store);

/* Closes all that the guest left open. After the store is freed, or at least never called
 * again. NULL is allowed. */
void wasi_free(struct wasi *wasi);

#endif
