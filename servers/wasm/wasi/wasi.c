/* A guest's WASI state, and the table that ties the 46 functions to the engine. Called by the
 * runner; see include/wasi/wasi.h. */
#include "wasi/wasi.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PARAMS_MAX = 9 }; /* path_open */

struct wasi_function {
    const char *name;
    const char *type; /* as functions.h has it */
    enum wasi_errno (*run)(struct wasi *, const uint64_t *args);
};

#define WASI_ENTRY(name, type) {#name, type, wasi_##name},
static const struct wasi_function functions[] = {WASI_FUNCTIONS(WASI_ENTRY)};
#undef WASI_ENTRY
_Static_assert(sizeof functions / sizeof functions[0] == WASI_FUNCTION_COUNT, "one each");

struct wasi *wasi_new(struct wasi_options options)
{
    struct wasi *wasi = calloc(1, sizeof *wasi);
    if (wasi) {
        wasi->options = options;
        wasi_fd_adopt_streams(wasi);
    }
    return wasi;
}

int wasi_preopen(struct wasi *wasi, const char *path, const char *guest_name)
{
    struct stat status;
    uint32_t fd = wasi_fd_free(wasi, STDERR_FILENO + 1);
    if (fd == WASI_FD_MAX) {
        return EMFILE;
    }
    int host = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (host < 0) {
        return errno;
    }
    char *name = strdup(guest_name);
    if (!name || fstat(host, &status) != 0) {
        int error = name ? errno : ENOMEM;
        free(name);
        close(host);
        return error;
    }
    wasi_fd_fill(wasi, fd, host, &status, WASI_RIGHTS_ALL, WASI_RIGHTS_ALL)->preopen = name;
    return 0;
}

/* Every call of the guest comes through here. */
static enum wasm_host_result dispatch(void *context, struct wasm_caller *caller,
                                      uint64_t *values)
{
    const struct wasi_binding *binding = context;
    struct wasi *wasi = binding->wasi;
    wasi->memory = wasm_caller_memory(caller);
    values[0] = binding->function->run(wasi, values);
    return wasi->exiting ? wasm_host_exit(caller, wasi->exit_code) : WASM_HOST_OK;
}

/* The engine's form of a type text; `types` gives room for its parameters and result. */
static struct wasm_func_type type_of(const char *text, uint8_t types[static PARAMS_MAX + 1])
{
    uint32_t params = 0;
    for (; text[params] != ':'; params++) {
        types[params] = text[params] == 'I' ? WASM_I64 : WASM_I32;
    }
    types[params] = WASM_I32; /* the only result there is */
    return (struct wasm_func_type){
        .params = types,
        .results = types + params,
        .param_count = params,
        .result_count = text[params + 1] ? 1 : 0,
    };
}

enum wasm_status wasi_link(struct wasi *wasi, struct wasm_store *store)
{
    for (size_t i = 0; i < WASI_FUNCTION_COUNT; i++) {
        uint8_t types[PARAMS_MAX + 1];
        wasi->bindings[i] = (struct wasi_binding){.wasi = wasi, .function = &functions[i]};
        enum wasm_status status = wasm_define_func(
            store, wasm_name("wasi_snapshot_preview1"), wasm_name(functions[i].name),
            type_of(functions[i].type, types), dispatch, &wasi->bindings[i]);
        if (status != WASM_OK) {
            return status;
        }
    }
    return WASM_OK;
}

void wasi_free(struct wasi *wasi)
{
    if (!wasi) {
        return;
    }
    for (uint32_t fd = 0; fd < WASI_FD_MAX; fd++) {
        if (wasi->fds[fd].open) {
            wasi_fd_close_entry(&wasi->fds[fd]);
        }
    }
    free(wasi);
}
