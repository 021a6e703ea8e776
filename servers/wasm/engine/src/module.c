/* Loading a module: header, the order of sections, and what must agree in the end. */
#include "module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "validate.h"

enum { CUSTOM = 0, DATA_COUNT = 12, CODE = 10, LAST_SECTION = 12 };

struct wasm_name wasm_name(const char *text)
{
    return (struct wasm_name){text, strlen(text)};
}

/* The place of a section in the order that the format demands: data count comes before code. */
static unsigned section_order(uint8_t id)
{
    return id == DATA_COUNT ? CODE * 2 - 1 : id * 2u;
}

/* A custom section: only its name is checked. That of function names is remembered. */
static void decode_custom(struct wasm_loader *l, struct wasm_reader *r)
{
    struct wasm_name name = wasm_read_name(r);
    if (name.length == 4 && memcmp(name.bytes, "name", 4) == 0) {
        l->module->names = (uint32_t)wasm_reader_offset(r);
        l->module->names_end = (uint32_t)(r->end - r->base);
    }
}

static void decode_sections(struct wasm_loader *l, struct wasm_reader *r)
{
    unsigned last = 0;
    while (r->at < r->end) {
        l->failure.section = "section header";
        uint8_t id = wasm_read_byte(r);
        if (id == 13)
            wasm_malformed(r, "tag section: needs the feature exception handling, "
                              "not supported");
        if (id > LAST_SECTION)
            wasm_malformed(r, "malformed section id %u", id);
        uint32_t size = wasm_read_u32(r);
        l->failure.section = wasm_section_name(id);
        struct wasm_reader section = *r;
        section.at = wasm_read_bytes(r, size);
        section.end = r->at;
        section.failure = &l->failure;
        if (id == CUSTOM) {
            decode_custom(l, &section);
            continue;
        }
        if (section_order(id) <= last)
            wasm_malformed(&section, "unexpected content after last section: out of order");
        last = section_order(id);
        wasm_section_decode(l, &section, id);
        if (section.at != section.end)
            wasm_malformed(&section, "section size mismatch: %zu bytes left over",
                           (size_t)(section.end - section.at));
    }
}

static void decode_module(struct wasm_loader *l, struct wasm_reader *r)
{
    l->failure.section = "header";
    if (r->end - r->at < 4 || memcmp(r->at, "\0asm", 4) != 0)
        wasm_malformed(r, "magic header not detected");
    r->at += 4;
    if (r->end - r->at >= 4 && memcmp(r->at + 2, "\1\0", 2) == 0)
        wasm_malformed(r, "unknown binary version: a component needs the feature component "
                          "model, not supported");
    if (r->end - r->at < 4 || memcmp(r->at, "\1\0\0\0", 4) != 0)
        wasm_malformed(r, "unknown binary version");
    r->at += 4;
    decode_sections(l, r);
    l->failure.section = "module";
    const struct wasm_module *m = l->module;
    if (l->bodies != m->functions.count - m->imported_functions)
        wasm_malformed(r, "function and code section have inconsistent lengths");
    if (l->has_data_count && l->data_count != m->datas.count)
        wasm_malformed(r, "data count and data section have inconsistent lengths");
}

static bool copy_bytes(struct wasm_module *m, const void *bytes, size_t size)
{
    m->bytes = malloc(size ? size : 1);
    if (!m->bytes)
        return false;
    if (size)
        memcpy(m->bytes, bytes, size);
    m->size = size;
    return true;
}

/* All but the bytes' own checks; l->module is set and freed by the caller on failure. */
static void load(struct wasm_loader *l, const void *bytes, size_t size, uint32_t features)
{
    l->failure.section = "module";
    if (size > UINT32_MAX)
        wasm_fail_at(&l->failure, WASM_NO_MEMORY, 0, "larger than 4 GiB");
    l->module = calloc(1, sizeof *l->module);
    l->validator = wasm_validator_new();
    if (!l->module || !l->validator || !copy_bytes(l->module, bytes, size))
        wasm_no_memory(&l->failure);
    l->module->features = features;
    const uint8_t *base = l->module->bytes;
    struct wasm_reader r = {base, base, base + size, &l->failure};
    decode_module(l, &r);
}

enum wasm_status wasm_module_load(const void *bytes, size_t size, uint32_t features,
                                  struct wasm_module **module, struct wasm_error *error)
{
    struct wasm_loader *l = calloc(1, sizeof *l);
    *module = NULL;
    memset(error, 0, sizeof *error);
    if (!l) {
        error->status = WASM_NO_MEMORY;
        snprintf(error->text, sizeof error->text, "module: out of host memory");
        return WASM_NO_MEMORY;
    }
    l->failure.error = error;
    l->failure.function = -1;
    if (setjmp(l->failure.jump) == 0) {
        load(l, bytes, size, features);
        *module = l->module;
    } else {
        wasm_module_free(l->module);
    }
    wasm_validator_free(l->validator);
    free(l->declared);
    free(l);
    return error->status;
}

void wasm_module_free(struct wasm_module *m)
{
    if (!m)
        return;
    free(m->types.items);
    free(m->imports.items);
    free(m->functions.items);
    free(m->tables.items);
    free(m->memories.items);
    free(m->globals.items);
    free(m->exports.items);
    free(m->exports_by_name);
    free(m->elements.items);
    free(m->datas.items);
    free(m->hints.items);
    free(m->hot.items);
    free(m->bytes);
    free(m);
}

static struct wasm_extern describe(const struct wasm_module *m, struct wasm_name module,
                                   struct wasm_name name, uint8_t kind, uint32_t index)
{
    struct wasm_extern e = {module, name, kind, {NULL, NULL, 0, 0}};
    if (kind == WASM_EXTERN_FUNC)
        e.type = m->types.items[m->functions.items[index].type];
    return e;
}

uint32_t wasm_module_import_count(const struct wasm_module *m)
{
    return (uint32_t)m->imports.count;
}

struct wasm_extern wasm_module_import(const struct wasm_module *m, uint32_t index)
{
    const struct wasm_import_def *i = &m->imports.items[index];
    return describe(m, i->module, i->name, i->kind, i->index);
}

uint32_t wasm_module_export_count(const struct wasm_module *m)
{
    return (uint32_t)m->exports.count;
}

struct wasm_extern wasm_module_export(const struct wasm_module *m, uint32_t index)
{
    const struct wasm_export_def *e = &m->exports.items[index];
    return describe(m, (struct wasm_name){"", 0}, e->name, e->kind, e->index);
}
