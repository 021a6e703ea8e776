/* Instantiation (specification 4.5.4): link, allocate, initialise, start. */
#include "runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "code.h"
#include "compile.h"

void wasm_instance_free(struct wasm_instance *i)
{
    const struct wasm_module *m = i->module;
    if (i->elements)
        for (uint32_t k = 0; k < m->elements.count; k++)
            wasm_element_drop(i, k);
    if (i->own_funcs)
        for (size_t k = 0; k < m->functions.count - m->imported_functions; k++)
            free((void *)i->own_funcs[k].entry);
    free(i->types);
    free(i->funcs);
    free(i->tables);
    free(i->memories);
    free(i->globals);
    free(i->own_funcs);
    if (!i->data)
        free(i->own_globals);
    free(i->elements);
    free(i->dropped_datas);
    free(i);
}

static enum wasm_status refuse(struct wasm_error *error, enum wasm_status status,
                               const char *text)
{
    error->status = status;
    snprintf(error->text, sizeof error->text, "instantiation: %s", text);
    return status;
}

/* Import matching of limits (specification 4.5.1.1, "limits"). */
static bool bounds_match(uint64_t size, const struct wasm_bounds *have,
                         const struct wasm_bounds *want)
{
    return size >= want->min && (!want->has_max || (have->has_max && have->max <= want->max));
}

static bool import_matches(const struct wasm_instance *i, const struct wasm_import_def *import,
                           const struct wasm_definition *d)
{
    const struct wasm_module *m = i->module;
    if (d->kind != import->kind)
        return false;
    switch (d->kind) {
    case WASM_EXTERN_FUNC: {
        const struct wasm_func *f = d->object;
        return f->type == i->types[m->functions.items[import->index].type];
    }
    case WASM_EXTERN_TABLE: {
        const struct wasm_table *t = d->object;
        const struct wasm_table_def *want = &m->tables.items[import->index];
        return t->type == want->type && bounds_match(t->size, &t->declared, &want->bounds);
    }
    case WASM_EXTERN_MEMORY: {
        const struct wasm_memory *memory = d->object;
        const struct wasm_bounds *want = &m->memories.items[import->index];
        return memory->declared.shared == want->shared &&
               bounds_match(memory->size / WASM_PAGE_BYTES, &memory->declared, want);
    }
    default: {
        const struct wasm_global *g = d->object;
        const struct wasm_global_def *want = &m->globals.items[import->index];
        return g->type == want->type && g->is_mutable == want->is_mutable;
    }
    }
}

static const char *const KINDS[] = {"function", "table", "memory", "global"};

static enum wasm_status link_import(struct wasm_instance *i,
                                    const struct wasm_import_def *import,
                                    struct wasm_error *error)
{
    struct wasm_key key = {import->module, import->name};
    const struct wasm_definition *d =
        (const struct wasm_definition *)wasm_tree_find(i->store->definition_root, key);
    if (!d || !import_matches(i, import, d)) {
        char name[65], module[65];
        wasm_name_copy(import->name, name, sizeof name);
        wasm_name_copy(import->module, module, sizeof module);
        error->status = WASM_UNLINKABLE;
        snprintf(error->text, sizeof error->text, "%s: %s \"%s\" of module \"%s\"%s",
                 d ? "incompatible import type" : "unknown import", KINDS[import->kind], name,
                 module,
                 d && d->kind != import->kind ? ": another kind of thing has that name" : "");
        return WASM_UNLINKABLE;
    }
    switch (d->kind) {
    case WASM_EXTERN_FUNC:
        i->funcs[import->index] = d->object;
        break;
    case WASM_EXTERN_TABLE:
        i->tables[import->index] = d->object;
        break;
    case WASM_EXTERN_MEMORY:
        i->memories[import->index] = d->object;
        break;
    case WASM_EXTERN_GLOBAL:
        i->globals[import->index] = d->object;
        break;
    }
    return WASM_OK;
}

/* All arrays of an instance, zeroed: imports and own objects are filled in later. */
static bool allocate_arrays(struct wasm_instance *i)
{
    const struct wasm_module *m = i->module;
#define ARRAY(field, n) ((i->field = calloc((n) + (size_t)1, sizeof *i->field)) != NULL)
    return ARRAY(types, m->types.count) && ARRAY(funcs, m->functions.count) &&
           ARRAY(tables, m->tables.count) && ARRAY(memories, m->memories.count) &&
           ARRAY(globals, m->globals.count) &&
           ARRAY(own_funcs, m->functions.count - m->imported_functions) &&
           (i->store->native ? wasm_compile_data(i)
                             : ARRAY(own_globals, m->globals.count - m->imported_globals)) &&
           ARRAY(elements, m->elements.count) && ARRAY(dropped_datas, m->datas.count);
#undef ARRAY
}

static bool intern_types(struct wasm_instance *i)
{
    for (size_t k = 0; k < i->module->types.count; k++) {
        i->types[k] = wasm_type_intern(i->store, &i->module->types.items[k]);
        if (!i->types[k])
            return false;
    }
    return true;
}

/* Why wasm_table_new or wasm_memory_new made none: what it takes is compared with what the
 * store's limit leaves. */
static const char *refused_table(const struct wasm_store *store, uint64_t elements)
{
    return elements > store->limits.table_elements - store->table_elements
               ? "a table is refused: more elements than the limit on tables leaves"
               : "a table is refused: the host has no memory for it";
}

static const char *refused_memory(const struct wasm_store *store, uint64_t pages)
{
    return pages * WASM_PAGE_BYTES > store->limits.memory_bytes - store->memory_bytes
               ? "a memory is refused: larger than the limit on memory leaves"
               : "a memory is refused: the host lacks memory, or 8 GiB of addresses, for it";
}

static const char *create_objects(struct wasm_instance *i)
{
    const struct wasm_module *m = i->module;
    for (size_t k = 0; k < m->tables.count; k++)
        if (!i->tables[k] && !(i->tables[k] = wasm_table_new(i->store, &m->tables.items[k])))
            return refused_table(i->store, m->tables.items[k].bounds.min);
    for (size_t k = 0; k < m->memories.count; k++)
        if (!i->memories[k] &&
            !(i->memories[k] = wasm_memory_new(i->store, &m->memories.items[k])))
            return refused_memory(i->store, m->memories.items[k].min);
    for (size_t k = m->imported_functions; k < m->functions.count; k++) {
        struct wasm_func *f = &i->own_funcs[k - m->imported_functions];
        f->type = i->types[m->functions.items[k].type];
        f->memory = m->memories.count ? i->memories[0]->base : NULL;
        f->index = (uint32_t)k;
        f->store = i->store;
        f->instance = i;
        i->funcs[k] = f;
    }
    return NULL;
}

static void create_globals(struct wasm_instance *i)
{
    const struct wasm_module *m = i->module;
    for (size_t k = m->imported_globals; k < m->globals.count; k++) {
        const struct wasm_global_def *def = &m->globals.items[k];
        struct wasm_global *g = &i->own_globals[k - m->imported_globals];
        uint32_t offset = def->init;
        *g = (struct wasm_global){wasm_constant_value(i, &offset), def->type, def->is_mutable};
        i->globals[k] = g;
    }
}

/* Evaluates the references of every element segment. */
static bool create_elements(struct wasm_instance *i)
{
    const struct wasm_module *m = i->module;
    for (size_t k = 0; k < m->elements.count; k++) {
        const struct wasm_element_def *def = &m->elements.items[k];
        struct wasm_element_values *e = &i->elements[k];
        e->values = malloc((def->count + (size_t)1) * sizeof *e->values);
        if (!e->values)
            return false;
        uint32_t at = def->items;
        struct wasm_reader r = {m->bytes, m->bytes + at, m->bytes + m->size, NULL};
        for (; e->count < def->count; e->count++) {
            if (def->expressions)
                e->values[e->count] = wasm_constant_value(i, &at).low;
            else
                e->values[e->count] = (uintptr_t)i->funcs[wasm_read_u32(&r)];
        }
    }
    return true;
}

static enum wasm_status allocate(struct wasm_instance *i, struct wasm_error *error)
{
    const struct wasm_module *m = i->module;
    if (!allocate_arrays(i) || !intern_types(i))
        return refuse(error, WASM_NO_MEMORY, "out of host memory");
    for (size_t k = 0; k < m->imports.count; k++) {
        enum wasm_status status = link_import(i, &m->imports.items[k], error);
        if (status != WASM_OK)
            return status;
    }
    const char *refused = create_objects(i);
    if (refused)
        return refuse(error, WASM_NO_MEMORY, refused);
    create_globals(i);
    if (!create_elements(i))
        return refuse(error, WASM_NO_MEMORY, "out of host memory");
    if (!i->data)
        return WASM_OK;
    i->data->memory = m->memories.count ? i->memories[0]->base : NULL;
    if (wasm_compile(i, error))
        return WASM_OK;
    return error->text[0] ? error->status
                          : refuse(error, WASM_NO_MEMORY, "no host memory for compiled code");
}

/* Gives back what a refused instantiation made of memories and tables: those in front of the
 * store's `memories` and `tables` as they were. Nothing ran, so nobody has seen them. */
static void take_back(struct wasm_store *store, const struct wasm_memory *memories,
                      const struct wasm_table *tables)
{
    while (store->memories != memories) {
        struct wasm_memory *m = store->memories;
        store->memories = m->next;
        store->memory_bytes -= m->size;
        wasm_memory_free(m);
    }
    while (store->tables != tables) {
        struct wasm_table *t = store->tables;
        store->tables = t->next;
        store->table_elements -= t->size;
        wasm_table_free(t);
    }
}

/* Runs the active segments; false, with `*kind` set, at the first that does not fit. */
static bool run_segments(struct wasm_instance *i, enum wasm_trap_kind *kind)
{
    const struct wasm_module *m = i->module;
    *kind = WASM_TRAP_TABLE;
    for (uint32_t k = 0; k < m->elements.count; k++) {
        const struct wasm_element_def *e = &m->elements.items[k];
        uint32_t offset = e->offset;
        if (e->mode == WASM_ACTIVE &&
            !wasm_table_init(i, e->table, k, (uint32_t)wasm_constant_value(i, &offset).low, 0,
                             e->count))
            return false;
        if (e->mode != WASM_PASSIVE)
            wasm_element_drop(i, k);
    }
    *kind = WASM_TRAP_MEMORY;
    for (uint32_t k = 0; k < m->datas.count; k++) {
        const struct wasm_data_def *d = &m->datas.items[k];
        uint32_t offset = d->offset;
        if (d->mode != WASM_ACTIVE)
            continue;
        if (!wasm_memory_init(i, d->memory, k, (uint32_t)wasm_constant_value(i, &offset).low, 0,
                              d->size))
            return false;
        i->dropped_datas[k] = true;
    }
    return true;
}

enum wasm_status wasm_instantiate(struct wasm_store *store, const struct wasm_module *module,
                                  struct wasm_instance **instance, struct wasm_error *error,
                                  struct wasm_trap *trap)
{
    *instance = NULL;
    memset(error, 0, sizeof *error);
    struct wasm_instance *i = calloc(1, sizeof *i);
    if (!i)
        return refuse(error, WASM_NO_MEMORY, "out of host memory");
    i->module = module;
    i->store = store;
    if (!store->native && !store->interpret)
        store->interpret = !wasm_compile_begin(store);
    const struct wasm_memory *memories = store->memories;
    const struct wasm_table *tables = store->tables;
    enum wasm_status status = allocate(i, error);
    if (status != WASM_OK) {
        take_back(store, memories, tables);
        if (i->data)
            wasm_compile_take_back(i);
        wasm_instance_free(i);
        return status;
    }
    i->next = store->instances;
    store->instances = i;
    *instance = i;
    enum wasm_trap_kind kind;
    if (!run_segments(i, &kind)) {
        memset(trap, 0, sizeof *trap);
        trap->kind = kind;
        snprintf(trap->text, sizeof trap->text, "%s", wasm_trap_text(kind));
        return WASM_TRAPPED;
    }
    if (!module->has_start)
        return WASM_OK;
    return wasm_call(i->funcs[module->start], NULL, 0, NULL, trap);
}
