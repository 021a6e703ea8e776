/* Translation of vectors: values of two words, and the instructions on them; see translator.h
 * and simd.h. */
#include "translator.h"

#include <string.h>
#include "simd.h"

/* At once: an instruction of two bytes may give a thousand values. */
void wasm_push_types(struct wasm_translator *t, const uint8_t *types, uint32_t count)
{
    bool settled = t->settled == t->operands.count;
    WASM_RESERVE(&t->failure, t->operands, 2 * (size_t)count);
    struct wasm_operand *to = &t->operands.items[t->operands.count];
    for (uint32_t i = 0; i < count; i++) {
        *to++ = (struct wasm_operand){.kind = WASM_HOME};
        if (types[i] == WASM_V128)
            *to++ = (struct wasm_operand){.kind = WASM_HOME, .high = true};
    }
    t->operands.count = (size_t)(to - t->operands.items);
    if (settled)
        t->settled = t->operands.count;
    if (t->operands.count > t->max_height)
        t->max_height = (uint32_t)t->operands.count;
}

void wasm_join(struct wasm_translator *t)
{
    t->operands.items[t->operands.count - 1].high = true;
}

bool wasm_top_is_wide(const struct wasm_translator *t)
{
    return t->operands.items[t->operands.count - 1].high;
}

/* Pops a vector; the slot of its low word. Both words are in one local, or both go home. */
static uint16_t take_wide(struct wasm_translator *t)
{
    size_t low = t->operands.count - 2;
    const struct wasm_operand *o = &t->operands.items[low];
    bool local = o[0].kind == WASM_LOCAL && o[1].kind == WASM_LOCAL;
    uint16_t slot = local ? o->slot : wasm_home(t, low);
    if (!local) {
        wasm_go_home(t, low);
        wasm_go_home(t, low + 1);
    }
    wasm_drop(t);
    wasm_drop(t);
    return slot;
}

/* Emits an instruction whose result is a vector, in cell 1's h[0], and pushes that. */
static union wasm_cell *emit_wide(struct wasm_translator *t, wasm_handler *fn,
                                  unsigned operand_cells)
{
    static const uint8_t V128[] = {WASM_V128};
    wasm_push_types(t, V128, 1);
    union wasm_cell *cells = wasm_emit(t, fn, operand_cells);
    size_t low = t->operands.count - 2;
    cells[1].h[0] = wasm_home(t, low);
    t->newest = (struct wasm_newest){.valid = true,
                                     .wide = true,
                                     .start = (size_t)(cells - t->code.items),
                                     .height = low,
                                     .opcode = -1};
    return cells;
}

static void assign_word(struct wasm_translator *t, uint16_t slot, const struct wasm_operand *o,
                        size_t height)
{
    if (o->kind == WASM_CONSTANT)
        wasm_load_constant(t, slot, o->value);
    else
        wasm_copy_slot(t, slot, o->kind == WASM_LOCAL ? o->slot : wasm_home(t, height));
}

void wasm_assign_wide_local(struct wasm_translator *t, uint16_t slot)
{
    size_t low = t->operands.count - 2;
    struct wasm_operand words[2] = {t->operands.items[low], t->operands.items[low + 1]};
    bool newest = t->newest.valid && t->newest.wide && t->newest.height == low &&
                  words[0].kind == WASM_HOME && words[1].kind == WASM_HOME;
    size_t start = t->newest.start;
    wasm_drop(t);
    wasm_drop(t);
    size_t before = t->code.count;
    wasm_release_local(t, slot);
    wasm_release_local(t, (uint16_t)(slot + 1));
    if (newest && t->code.count == before) {
        t->code.items[start + 1].h[0] = slot;
        t->newest.valid = false;
        return;
    }
    assign_word(t, slot, &words[0], low);
    assign_word(t, (uint16_t)(slot + 1), &words[1], low + 1);
}

void wasm_push_wide_local(struct wasm_translator *t, uint16_t slot)
{
    wasm_push_local(t, slot);
    wasm_push_local(t, (uint16_t)(slot + 1));
    wasm_join(t);
}

void wasm_push_wide_constant(struct wasm_translator *t, struct wasm_value value)
{
    wasm_push_constant(t, value.low);
    wasm_push_constant(t, value.high);
    wasm_join(t);
}

void wasm_translate_wide_select(struct wasm_translator *t, uint16_t condition)
{
    uint16_t if_false = take_wide(t);
    uint16_t if_true = take_wide(t);
    union wasm_cell *cells = emit_wide(t, wasm_simd_select, 1);
    cells[1].h[1] = if_true;
    cells[1].h[2] = if_false;
    cells[1].h[3] = condition;
}

void wasm_translate_wide_global(struct wasm_translator *t, struct wasm_global *global, bool get)
{
    if (get && !global->is_mutable) {
        wasm_push_wide_constant(t, global->value);
    } else if (get) {
        emit_wide(t, wasm_simd_global_get, 2)[2].p = global;
    } else {
        uint16_t from = take_wide(t);
        union wasm_cell *cells = wasm_emit(t, wasm_simd_global_set, 2);
        cells[1].h[1] = from;
        cells[2].p = global;
    }
}

static void translate_wide_access(struct wasm_translator *t, const struct wasm_simd_op *op)
{
    uint32_t align = wasm_read_u32(&t->r);
    uint32_t memory = align & 0x40 ? wasm_read_u32(&t->r) : 0;
    uint32_t offset = wasm_read_u32(&t->r);
    bool lane = op->shape == WASM_SIMD_LOAD_LANE || op->shape == WASM_SIMD_STORE_LANE;
    bool store = op->shape == WASM_SIMD_STORE || op->shape == WASM_SIMD_STORE_LANE;
    uint16_t number = lane ? wasm_read_byte(&t->r) : 0;
    uint16_t vector = op->shape == WASM_SIMD_LOAD ? 0 : take_wide(t);
    uint16_t address = wasm_take_slot(t);
    if (memory)
        wasm_use_memory(t, memory);
    unsigned count = lane ? 2 : 1;
    union wasm_cell *cells = store ? wasm_emit(t, op->fn, count) : emit_wide(t, op->fn, count);
    if (op->shape == WASM_SIMD_STORE)
        cells[1].h[0] = vector;
    cells[1].h[1] = address;
    cells[1].w[1] = offset;
    if (lane) {
        cells[2].h[0] = vector;
        cells[2].h[1] = number;
    }
    if (memory)
        wasm_use_memory(t, 0);
}

static void translate_shuffle(struct wasm_translator *t, const struct wasm_simd_op *op)
{
    const uint8_t *lanes = wasm_read_bytes(&t->r, 16);
    uint16_t b = take_wide(t);
    uint16_t a = take_wide(t);
    union wasm_cell *cells = emit_wide(t, op->fn, 3);
    cells[1].h[1] = a;
    cells[1].h[2] = b;
    memcpy(&cells[2], lanes, 16);
}

/* Everything whose operands and lane number fit into cell 1. */
static void translate_lanes(struct wasm_translator *t, const struct wasm_simd_op *op)
{
    static const uint8_t VECTORS[] = {
        [WASM_SIMD_EXTRACT] = 1, [WASM_SIMD_REPLACE] = 1, [WASM_SIMD_UNARY] = 1,
        [WASM_SIMD_BINARY] = 2,  [WASM_SIMD_TERNARY] = 3, [WASM_SIMD_TEST] = 1,
        [WASM_SIMD_SHIFT] = 1};
    bool lane = op->shape == WASM_SIMD_EXTRACT || op->shape == WASM_SIMD_REPLACE;
    bool scalar = op->shape == WASM_SIMD_SPLAT || op->shape == WASM_SIMD_REPLACE ||
                  op->shape == WASM_SIMD_SHIFT;
    bool to_scalar = op->shape == WASM_SIMD_EXTRACT || op->shape == WASM_SIMD_TEST;
    uint16_t number = lane ? wasm_read_byte(&t->r) : 0;
    uint16_t slots[4] = {0};
    unsigned vectors = VECTORS[op->shape], count = vectors + scalar;
    if (scalar)
        slots[vectors] = wasm_take_slot(t);
    for (unsigned i = vectors; i-- > 0;)
        slots[i] = take_wide(t);
    if (lane)
        slots[count] = number;
    union wasm_cell *cells =
        to_scalar ? wasm_emit_plain_result(t, op->fn, 1) : emit_wide(t, op->fn, 1);
    memcpy(&cells[1].h[1], slots, 3 * sizeof *slots);
}

void wasm_translate_simd(struct wasm_translator *t)
{
    const struct wasm_simd_op *op = &wasm_simd_ops[wasm_read_u32(&t->r)];
    switch (op->shape) {
    case WASM_SIMD_LOAD:
    case WASM_SIMD_STORE:
    case WASM_SIMD_LOAD_LANE:
    case WASM_SIMD_STORE_LANE:
        translate_wide_access(t, op);
        break;
    case WASM_SIMD_CONST: {
        uint64_t low = wasm_read_fixed(&t->r, 8);
        wasm_push_wide_constant(t, (struct wasm_value){low, wasm_read_fixed(&t->r, 8)});
        break;
    }
    case WASM_SIMD_SHUFFLE:
        translate_shuffle(t, op);
        break;
    default:
        translate_lanes(t, op);
    }
}
