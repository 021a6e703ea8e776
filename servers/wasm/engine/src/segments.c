/* Decoding of element and data segments (specification 5.5.12, 5.5.14). */
#include "module.h"

#include <string.h>
#include "validate.h"

static _Noreturn void unknown(struct wasm_loader *l, size_t offset, const char *what,
                              uint32_t index)
{
    wasm_fail_at(&l->failure, WASM_INVALID, offset, "unknown %s %u", what, index);
}

/* What follows an element segment's flags, but its items. Flags, by bit: 0 not active;
 * 1 explicit table, or declarative; 2 items are expressions. */
static void read_element_head(struct wasm_loader *l, struct wasm_reader *r, uint32_t flags,
                              struct wasm_element_def *e)
{
    e->mode = !(flags & 1) ? WASM_ACTIVE : flags & 2 ? WASM_DECLARATIVE : WASM_PASSIVE;
    e->expressions = flags & 4;
    e->type = WASM_FUNCREF;
    size_t offset = wasm_reader_offset(r);
    if (e->mode == WASM_ACTIVE) {
        if (flags & 2)
            e->table = wasm_read_u32(r);
        if (e->table >= l->module->tables.count)
            unknown(l, offset, "table", e->table);
        e->offset = (uint32_t)wasm_reader_offset(r);
        wasm_validate_constant(l, r, WASM_I32);
    }
    if (flags & 3) {
        if (e->expressions)
            e->type = wasm_read_reference_type(l, r);
        else if (wasm_read_byte(r) != 0)
            wasm_malformed(r, "malformed element kind");
    }
    if (e->mode == WASM_ACTIVE && l->module->tables.items[e->table].type != e->type)
        wasm_fail_at(&l->failure, WASM_INVALID, offset,
                     "type mismatch: segment and table %u hold different references", e->table);
}

static void decode_element(struct wasm_loader *l, struct wasm_reader *r)
{
    struct wasm_element_def e = {0};
    uint32_t flags = wasm_read_u32(r);
    if (flags > 7)
        wasm_malformed(r, "malformed elements segment kind %u", flags);
    if (flags != 0 && !(l->module->features & WASM_REFERENCE_TYPES))
        wasm_require(l, r, WASM_BULK_MEMORY);
    read_element_head(l, r, flags, &e);
    e.count = wasm_read_u32(r);
    e.items = (uint32_t)wasm_reader_offset(r);
    for (uint32_t i = 0; i < e.count; i++) {
        if (e.expressions)
            wasm_validate_constant(l, r, e.type);
        else
            wasm_declare_function(l, r, wasm_read_u32(r));
    }
    *WASM_APPEND(&l->failure, l->module->elements) = e;
}

void wasm_section_elements(struct wasm_loader *l, struct wasm_reader *r)
{
    uint32_t count = wasm_read_u32(r);
    for (uint32_t i = 0; i < count; i++)
        decode_element(l, r);
}

static void decode_data(struct wasm_loader *l, struct wasm_reader *r)
{
    struct wasm_data_def d = {0};
    size_t offset = wasm_reader_offset(r);
    uint32_t flags = wasm_read_u32(r);
    if (flags > 2)
        wasm_malformed(r, "malformed data segment kind %u", flags);
    d.mode = flags == 1 ? WASM_PASSIVE : WASM_ACTIVE;
    if (flags == 1)
        wasm_require(l, r, WASM_BULK_MEMORY);
    if (flags == 2)
        d.memory = wasm_read_u32(r);
    if (d.mode == WASM_ACTIVE) {
        if (d.memory >= l->module->memories.count)
            unknown(l, offset, "memory", d.memory);
        d.offset = (uint32_t)wasm_reader_offset(r);
        wasm_validate_constant(l, r, WASM_I32);
    }
    d.size = wasm_read_u32(r);
    d.bytes = (uint32_t)wasm_reader_offset(r);
    wasm_read_bytes(r, d.size);
    *WASM_APPEND(&l->failure, l->module->datas) = d;
}

void wasm_section_datas(struct wasm_loader *l, struct wasm_reader *r)
{
    uint32_t count = wasm_read_u32(r);
    if (l->has_data_count && count != l->data_count)
        wasm_malformed(r, "data count and data section have inconsistent lengths");
    for (uint32_t i = 0; i < count; i++)
        decode_data(l, r);
}
