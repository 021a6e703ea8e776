/* Access to the guest's memory. Called by every function with an address among its arguments.
 * Every address and length comes from the guest: nothing is touched before it was checked. */
#include "internal.h"

#include <string.h>

void *wasi_at(const struct wasi *wasi, uint32_t address, uint64_t length)
{
    if (!wasi->memory || length > UINT32_MAX) {
        return NULL;
    }
    return wasm_memory_at(wasi->memory, address, (uint32_t)length);
}

enum wasi_errno wasi_load(const struct wasi *wasi, uint32_t address, void *to, size_t size)
{
    const void *from = wasi_at(wasi, address, size);
    if (!from) {
        return WASI_FAULT;
    }
    memcpy(to, from, size);
    return WASI_SUCCESS;
}

enum wasi_errno wasi_store(const struct wasi *wasi, uint32_t address, const void *from,
                           size_t size)
{
    void *to = wasi_at(wasi, address, size);
    if (!to) {
        return WASI_FAULT;
    }
    memcpy(to, from, size);
    return WASI_SUCCESS;
}

enum wasi_errno wasi_store_u32(const struct wasi *wasi, uint32_t address, uint32_t value)
{
    return wasi_store(wasi, address, &value, sizeof value);
}

enum wasi_errno wasi_store_u64(const struct wasi *wasi, uint32_t address, uint64_t value)
{
    return wasi_store(wasi, address, &value, sizeof value);
}

enum wasi_errno wasi_load_path(const struct wasi *wasi, uint32_t address, uint32_t length,
                               char to[static WASI_PATH_BYTES])
{
    const void *from = wasi_at(wasi, address, length);
    if (!from) {
        return WASI_FAULT;
    }
    if (length == 0) {
        return WASI_NOENT;
    }
    if (length >= WASI_PATH_BYTES) {
        return WASI_NAMETOOLONG;
    }
    memcpy(to, from, length);
    to[length] = '\0';
    return strlen(to) == length ? WASI_SUCCESS : WASI_INVAL;
}
