/* Stores: limits, interned types, definitions to link against, fuel and interruption. */
#include "runtime.h"

#include <stdlib.h>
#include <string.h>
#include "compile.h"
#include "wasm/platform.h"

struct wasm_store *wasm_store_new(struct wasm_limits limits)
{
    struct wasm_store *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->limits = limits;
    size_t page = WASM_PLATFORM_PAGE;
    s->stack_reserved = ((size_t)limits.stack_bytes / page + 1) * page;
    s->exec.stack = wasm_platform_reserve(s->stack_reserved);
    if (!s->exec.stack) {
        free(s);
        return NULL;
    }
    s->exec.store = s;
    s->exec.stack_limit = s->exec.fp = s->exec.top = s->exec.stack;
    s->exec.stack_end = s->exec.stack + s->stack_reserved / sizeof(uint64_t);
    s->exec.fuel = limits.fuel;
    return s;
}

#define FREE_LIST(list, type, destroy)                                                         \
    for (struct type *at = (list), *next; at; at = next) {                                     \
        next = at->next;                                                                       \
        destroy(at);                                                                           \
    }

void wasm_store_free(struct wasm_store *s)
{
    if (!s)
        return;
    FREE_LIST(s->instances, wasm_instance, wasm_instance_free);
    FREE_LIST(s->memories, wasm_memory, wasm_memory_free);
    FREE_LIST(s->tables, wasm_table, wasm_table_free);
    FREE_LIST(s->host_funcs, wasm_host_func, free);
    FREE_LIST(s->definitions, wasm_definition, free);
    FREE_LIST(s->types, wasm_type_entry, free);
    wasm_platform_release(s->exec.stack, s->stack_reserved);
    wasm_compile_end(s);
    free(s);
}

void wasm_store_interpret(struct wasm_store *store)
{
    store->interpret = true;
}

bool wasm_store_compiles(const struct wasm_store *store)
{
    return store->native != NULL;
}

uint32_t wasm_words(const uint8_t *types, uint32_t count)
{
    uint32_t slots = count;
    for (uint32_t i = 0; i < count; i++)
        slots += types[i] == WASM_V128;
    return slots;
}

static struct wasm_type_entry *new_type(const struct wasm_func_type *type)
{
    struct wasm_type_entry *e =
        calloc(1, sizeof *e + (size_t)type->param_count + type->result_count);
    if (!e)
        return NULL;
    if (type->param_count)
        memcpy(e->bytes, type->params, type->param_count);
    if (type->result_count)
        memcpy(e->bytes + type->param_count, type->results, type->result_count);
    e->type = (struct wasm_func_type){e->bytes, e->bytes + type->param_count, type->param_count,
                                      type->result_count};
    e->node.key =
        (struct wasm_key){{(const char *)e->bytes, type->param_count},
                          {(const char *)e->bytes + type->param_count, type->result_count}};
    e->param_slots = (uint16_t)wasm_words(e->type.params, type->param_count);
    e->result_slots = (uint16_t)wasm_words(e->type.results, type->result_count);
    return e;
}

const struct wasm_type_entry *wasm_type_intern(struct wasm_store *store,
                                               const struct wasm_func_type *type)
{
    struct wasm_key key = {{(const char *)type->params, type->param_count},
                           {(const char *)type->results, type->result_count}};
    struct wasm_tree_node *found = wasm_tree_find(store->type_root, key);
    if (found)
        return (const struct wasm_type_entry *)found;
    struct wasm_type_entry *e = new_type(type);
    if (!e)
        return NULL;
    wasm_tree_add(&store->type_root, &e->node);
    e->next = store->types;
    store->types = e;
    return e;
}

static struct wasm_definition *new_definition(struct wasm_name module, struct wasm_name name)
{
    struct wasm_definition *d = calloc(1, sizeof *d + module.length + name.length);
    if (!d)
        return NULL;
    if (module.length)
        memcpy(d->names, module.bytes, module.length);
    if (name.length)
        memcpy(d->names + module.length, name.bytes, name.length);
    d->node.key =
        (struct wasm_key){{d->names, module.length}, {d->names + module.length, name.length}};
    return d;
}

static bool define(struct wasm_store *store, struct wasm_name module, struct wasm_name name,
                   enum wasm_extern_kind kind, void *object)
{
    struct wasm_key key = {module, name};
    struct wasm_tree_node *found = wasm_tree_find(store->definition_root, key);
    struct wasm_definition *d = (struct wasm_definition *)found;
    if (!d) {
        d = new_definition(module, name);
        if (!d)
            return false;
        wasm_tree_add(&store->definition_root, &d->node);
        d->next = store->definitions;
        store->definitions = d;
    }
    d->kind = kind; /* of two of one name, the later */
    d->object = object;
    return true;
}

enum wasm_status wasm_define_func(struct wasm_store *store, struct wasm_name module,
                                  struct wasm_name name, struct wasm_func_type type,
                                  wasm_host_fn *function, void *context)
{
    struct wasm_host_func *host = calloc(1, sizeof *host);
    const struct wasm_type_entry *entry = wasm_type_intern(store, &type);
    if (!host || !entry || !define(store, module, name, WASM_EXTERN_FUNC, &host->func)) {
        free(host);
        return WASM_NO_MEMORY;
    }
    host->func.type = entry;
    host->func.store = store;
    host->func.host = function;
    host->func.context = context;
    host->next = store->host_funcs;
    store->host_funcs = host;
    return WASM_OK;
}

void *wasm_instance_object(const struct wasm_instance *i, uint8_t kind, uint32_t index)
{
    switch (kind) {
    case WASM_EXTERN_FUNC:
        return i->funcs[index];
    case WASM_EXTERN_TABLE:
        return i->tables[index];
    case WASM_EXTERN_MEMORY:
        return i->memories[index];
    default:
        return i->globals[index];
    }
}

enum wasm_status wasm_define_instance(struct wasm_store *store, struct wasm_name module,
                                      struct wasm_instance *instance)
{
    const struct wasm_module *m = instance->module;
    for (size_t i = 0; i < m->exports.count; i++) {
        const struct wasm_export_def *e = &m->exports.items[i];
        void *object = wasm_instance_object(instance, e->kind, e->index);
        if (!define(store, module, e->name, e->kind, object))
            return WASM_NO_MEMORY;
    }
    return WASM_OK;
}

static void *find_export(const struct wasm_instance *instance, struct wasm_name name,
                         enum wasm_extern_kind kind)
{
    const struct wasm_export_def *e = wasm_export_find(instance->module, name);
    return e && e->kind == kind ? wasm_instance_object(instance, kind, e->index) : NULL;
}

struct wasm_func *wasm_export_func(const struct wasm_instance *instance, struct wasm_name name)
{
    return find_export(instance, name, WASM_EXTERN_FUNC);
}

struct wasm_memory *wasm_export_memory(const struct wasm_instance *instance,
                                       struct wasm_name name)
{
    return find_export(instance, name, WASM_EXTERN_MEMORY);
}

bool wasm_export_global(const struct wasm_instance *instance, struct wasm_name name,
                        enum wasm_type *type, uint64_t value[2])
{
    const struct wasm_global *global = find_export(instance, name, WASM_EXTERN_GLOBAL);
    if (!global)
        return false;
    *type = global->type;
    value[0] = global->value.low;
    value[1] = global->type == WASM_V128 ? global->value.high : 0;
    return true;
}

struct wasm_func_type wasm_func_type(const struct wasm_func *function)
{
    return function->type->type;
}

uint64_t wasm_store_fuel(const struct wasm_store *store)
{
    if (store->exec.fuel == WASM_FUEL_UNLIMITED)
        return WASM_FUEL_UNLIMITED;
    return store->exec.fuel + (store->exec.ticks > 0 ? (uint64_t)store->exec.ticks : 0);
}

void wasm_store_set_fuel(struct wasm_store *store, uint64_t fuel)
{
    store->exec.fuel = fuel;
    store->exec.ticks = 0;
}

void wasm_store_interrupt(struct wasm_store *store)
{
    atomic_store(&store->exec.interrupt, true);
}

bool wasm_store_interrupted(const struct wasm_store *store)
{
    return atomic_load(&store->exec.interrupt);
}
