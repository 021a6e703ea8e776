/* Linear memories (specification 4.2.8): a reservation whose front is committed. */
#include "runtime.h"

#include <stdlib.h>
#include <string.h>
#include "wasm/platform.h"

static bool charge(struct wasm_store *store, uint64_t bytes)
{
    if (bytes > store->limits.memory_bytes - store->memory_bytes)
        return false;
    store->memory_bytes += bytes;
    return true;
}

struct wasm_memory *wasm_memory_new(struct wasm_store *store, const struct wasm_bounds *b)
{
    uint64_t size = (uint64_t)b->min * WASM_PAGE_BYTES;
    struct wasm_memory *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->base = wasm_platform_reserve(WASM_MEMORY_RESERVED);
    if (!m->base)
        goto no_space;
    if (!charge(store, size))
        goto no_charge;
    if (!wasm_platform_commit(m->base, (size_t)size))
        goto no_commit;
    m->size = size;
    m->max = b->has_max ? b->max : WASM_MAX_PAGES;
    m->declared = *b;
    m->store = store;
    m->next = store->memories;
    store->memories = m;
    return m;
no_commit:
    store->memory_bytes -= size;
no_charge:
    wasm_platform_release(m->base, WASM_MEMORY_RESERVED);
no_space:
    free(m);
    return NULL;
}

void wasm_memory_free(struct wasm_memory *memory)
{
    wasm_platform_release(memory->base, WASM_MEMORY_RESERVED);
    free(memory);
}

int64_t wasm_memory_grow(struct wasm_memory *m, uint32_t pages)
{
    uint32_t old = (uint32_t)(m->size / WASM_PAGE_BYTES);
    uint64_t more = (uint64_t)pages * WASM_PAGE_BYTES;
    if (pages > m->max - old || !charge(m->store, more))
        return -1;
    if (!wasm_platform_commit(m->base + m->size, (size_t)more)) {
        m->store->memory_bytes -= more;
        return -1;
    }
    m->size += more;
    return old;
}

uint64_t wasm_memory_size(const struct wasm_memory *memory)
{
    return memory->size;
}

void *wasm_memory_at(const struct wasm_memory *memory, uint32_t address, uint32_t length)
{
    if ((uint64_t)address + length > memory->size)
        return NULL;
    return memory->base + address;
}

bool wasm_memory_fill(struct wasm_memory *m, uint32_t to, uint8_t byte, uint32_t length)
{
    void *at = wasm_memory_at(m, to, length);
    if (!at)
        return false;
    memset(at, byte, length);
    return true;
}

bool wasm_memory_copy(struct wasm_memory *to_memory, uint32_t to,
                      struct wasm_memory *from_memory, uint32_t from, uint32_t length)
{
    void *target = wasm_memory_at(to_memory, to, length);
    const void *source = wasm_memory_at(from_memory, from, length);
    if (!target || !source)
        return false;
    memmove(target, source, length);
    return true;
}

bool wasm_memory_init(struct wasm_instance *instance, uint32_t memory, uint32_t segment,
                      uint32_t to, uint32_t from, uint32_t length)
{
    const struct wasm_data_def *data = &instance->module->datas.items[segment];
    uint32_t size = instance->dropped_datas[segment] ? 0 : data->size;
    void *target = wasm_memory_at(instance->memories[memory], to, length);
    if (!target || (uint64_t)from + length > size)
        return false;
    memcpy(target, instance->module->bytes + data->bytes + from, length);
    return true;
}
