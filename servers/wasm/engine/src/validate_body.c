/* Function bodies: their locals, what stands between these and the end, and what the compiler
 * will want to know; see validate.h. */
#include "validator.h"

#include <string.h>

/* Counts `count` more locals, and makes room for them. */
static void reserve_locals(struct wasm_loader *l, const struct wasm_reader *r, uint64_t count)
{
    struct wasm_validator *v = l->validator;
    if (v->locals.count + count > WASM_MAX_LOCALS)
        wasm_fail_at(&l->failure, WASM_INVALID, wasm_reader_offset(r),
                     "too many locals: this engine allows %d", WASM_MAX_LOCALS);
    l->all_locals += count;
    if (l->all_locals > WASM_MAX_ALL_LOCALS)
        wasm_fail_at(&l->failure, WASM_INVALID, wasm_reader_offset(r),
                     "too many locals in all functions together: this engine allows %d",
                     WASM_MAX_ALL_LOCALS);
    WASM_RESERVE(&l->failure, v->locals, count);
    WASM_RESERVE(&l->failure, v->uses, count);
    if (count)
        memset(&v->uses.items[v->uses.count], 0, count * sizeof *v->uses.items);
}

static void append_locals(struct wasm_loader *l, const struct wasm_reader *r, uint32_t count,
                          uint8_t type)
{
    struct wasm_validator *v = l->validator;
    reserve_locals(l, r, count);
    if (count)
        memset(&v->locals.items[v->locals.count], type, count);
    v->locals.count = v->uses.count = v->locals.count + count;
}

static void append_parameters(struct wasm_loader *l, const struct wasm_reader *r,
                              const struct wasm_func_type *type)
{
    struct wasm_validator *v = l->validator;
    reserve_locals(l, r, type->param_count);
    if (type->param_count)
        memcpy(v->locals.items, type->params, type->param_count);
    v->locals.count = v->uses.count = type->param_count;
}

/* The declared locals: runs of a count and a type. Counts are summed before any is believed,
 * since more than 2^32 - 1 in all is malformed rather than too large for this engine. */
static void read_locals(struct wasm_loader *l, struct wasm_reader *r)
{
    uint32_t runs = wasm_read_u32(r);
    struct wasm_reader first = *r;
    uint64_t total = 0;
    for (uint32_t i = 0; i < runs; i++) {
        total += wasm_read_u32(r);
        if (total > UINT32_MAX)
            wasm_malformed(r, "too many locals");
        wasm_read_value_type(l, r);
    }
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t count = wasm_read_u32(&first);
        append_locals(l, &first, count, wasm_read_value_type(l, &first));
    }
}

/* An upper bound of the slots of a frame: a v128 takes two, and may be any of the operands. */
static size_t slots_needed(const struct wasm_validator *v, const struct wasm_func_type *type)
{
    size_t slots = v->locals.count + type->result_count + (v->max_height << v->wide);
    for (size_t i = 0; i < v->locals.count; i++)
        slots += v->locals.items[i] == WASM_V128;
    for (uint32_t i = 0; i < type->result_count; i++)
        slots += type->results[i] == WASM_V128;
    return slots;
}

/* Puts local `index` among the hottest of its kind: hot[0 .. *count) is in falling order. */
static void insert_hot(struct wasm_hot_local *hot, uint32_t *count, struct wasm_hot_local local)
{
    uint32_t i = *count;
    if (i == WASM_HOT_LOCALS && hot[i - 1].weight >= local.weight)
        return;
    if (i < WASM_HOT_LOCALS)
        (*count)++;
    else
        i--;
    for (; i > 0 && hot[i - 1].weight < local.weight; i--)
        hot[i] = hot[i - 1];
    hot[i] = local;
}

static void take_hints(struct wasm_validator *v)
{
    struct wasm_module *m = v->l->module;
    struct wasm_hot_local hot[2][WASM_HOT_LOCALS];
    uint32_t counts[2] = {0, 0};
    bool wide = v->wide;
    for (uint32_t i = 0; i < v->locals.count; i++) {
        uint8_t type = v->locals.items[i];
        bool vector = type == WASM_F32 || type == WASM_F64 || type == WASM_V128;
        wide |= type == WASM_V128;
        if (v->uses.items[i])
            insert_hot(hot[vector], &counts[vector],
                       (struct wasm_hot_local){v->uses.items[i], (uint16_t)i, vector});
    }
    struct wasm_hints *hints = WASM_APPEND(&v->l->failure, m->hints);
    *hints = (struct wasm_hints){(uint32_t)m->hot.count, counts[0] + counts[1], v->calls,
                                 (uint32_t)v->max_height, wide};
    for (unsigned kind = 0; kind < 2; kind++)
        for (uint32_t i = 0; i < counts[kind]; i++)
            *WASM_APPEND(&v->l->failure, m->hot) = hot[kind][i];
}

void wasm_validate_body(struct wasm_loader *l, struct wasm_reader *r, uint32_t index)
{
    const struct wasm_module *m = l->module;
    const struct wasm_func_type *type = &m->types.items[m->functions.items[index].type];
    struct wasm_validator *v = l->validator;
    l->failure.function = index;
    v->locals.count = v->uses.count = 0;
    append_parameters(l, r, type);
    read_locals(l, r);
    wasm_validate_expression(l, r, (struct wasm_type_list){type->results, type->result_count},
                             false);
    if (r->at != r->end)
        wasm_malformed(r, "END opcode expected: bytes after the end of the body");
    if (slots_needed(v, type) > WASM_MAX_SLOTS)
        wasm_too_many_slots(v);
    take_hints(v);
    l->failure.function = -1;
}
