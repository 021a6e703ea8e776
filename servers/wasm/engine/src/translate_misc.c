/* Translation of global, memory and table management, and the skipping of unreachable code;
 * see translator.h. */
#include "translator.h"

static struct wasm_table *read_table(struct wasm_translator *t)
{
    return t->instance->tables[wasm_read_u32(&t->r)];
}

static struct wasm_memory *read_memory(struct wasm_translator *t)
{
    return t->instance->memories[wasm_read_u32(&t->r)];
}

static void translate_global(struct wasm_translator *t, uint8_t opcode)
{
    struct wasm_global *global = t->instance->globals[wasm_read_u32(&t->r)];
    if (global->type == WASM_V128) {
        wasm_translate_wide_global(t, global, opcode == OP_GLOBAL_GET);
    } else if (opcode == OP_GLOBAL_GET && !global->is_mutable) {
        wasm_push_constant(t, global->value.low);
    } else if (opcode == OP_GLOBAL_GET) {
        wasm_emit_result(t, &wasm_op_global_get, WASM_SS, 2, WASM_ACC_INT)[2].p = global;
    } else {
        struct wasm_source value = wasm_take(t, WASM_ACC_INT);
        wasm_need_slot(t, &value);
        enum wasm_mode mode = value.kind == WASM_ACC ? WASM_AS : WASM_SS;
        union wasm_cell *cells = wasm_emit(t, wasm_op_global_set.fn[mode][WASM_TO_SLOT], 2);
        cells[1].h[1] = value.slot;
        cells[2].p = global;
    }
}

/* An instruction with `count` operands, in slots h[1] on, and an object in cell 2. */
static union wasm_cell *emit_with_slots(struct wasm_translator *t, wasm_handler *fn,
                                        unsigned count, bool result, unsigned cells_wanted,
                                        void *object)
{
    uint16_t slots[3];
    for (unsigned i = count; i-- > 0;)
        slots[i] = wasm_take_slot(t);
    union wasm_cell *cells =
        result ? wasm_emit_plain_result(t, fn, cells_wanted) : wasm_emit(t, fn, cells_wanted);
    for (unsigned i = 0; i < count; i++)
        cells[1].h[1 + i] = slots[i];
    cells[2].p = object;
    return cells;
}

static void translate_memory_prefixed(struct wasm_translator *t, uint32_t opcode)
{
    if (opcode == OP_MEMORY_FILL) {
        emit_with_slots(t, wasm_op_memory_fill, 3, false, 2, read_memory(t));
    } else if (opcode == OP_MEMORY_COPY) {
        struct wasm_memory *to = read_memory(t);
        struct wasm_memory *from = read_memory(t);
        emit_with_slots(t, wasm_op_memory_copy, 3, false, 3, to)[3].p = from;
    } else if (opcode == OP_MEMORY_INIT) {
        uint32_t segment = wasm_read_u32(&t->r);
        uint32_t memory = wasm_read_u32(&t->r);
        union wasm_cell *cells =
            emit_with_slots(t, wasm_op_memory_init, 3, false, 3, t->instance);
        cells[3].w[0] = memory;
        cells[3].w[1] = segment;
    } else { /* OP_DATA_DROP */
        union wasm_cell *cells = wasm_emit(t, wasm_op_data_drop, 2);
        cells[1].p = t->instance;
        cells[2].w[0] = wasm_read_u32(&t->r);
    }
}

static void translate_table_prefixed(struct wasm_translator *t, uint32_t opcode)
{
    if (opcode == OP_TABLE_INIT) {
        uint32_t segment = wasm_read_u32(&t->r);
        uint32_t table = wasm_read_u32(&t->r);
        union wasm_cell *cells =
            emit_with_slots(t, wasm_op_table_init, 3, false, 3, t->instance);
        cells[3].w[0] = table;
        cells[3].w[1] = segment;
    } else if (opcode == OP_TABLE_COPY) {
        struct wasm_table *to = read_table(t);
        struct wasm_table *from = read_table(t);
        emit_with_slots(t, wasm_op_table_copy, 3, false, 3, to)[3].p = from;
    } else if (opcode == OP_TABLE_GROW) {
        emit_with_slots(t, wasm_op_table_grow, 2, true, 2, read_table(t));
    } else if (opcode == OP_TABLE_SIZE) {
        emit_with_slots(t, wasm_op_table_size, 0, true, 2, read_table(t));
    } else if (opcode == OP_TABLE_FILL) {
        emit_with_slots(t, wasm_op_table_fill, 3, false, 2, read_table(t));
    } else { /* OP_ELEM_DROP */
        union wasm_cell *cells = wasm_emit(t, wasm_op_elem_drop, 2);
        cells[1].p = t->instance;
        cells[2].w[0] = wasm_read_u32(&t->r);
    }
}

void wasm_translate_misc(struct wasm_translator *t, uint8_t opcode)
{
    switch (opcode) {
    case OP_GLOBAL_GET:
    case OP_GLOBAL_SET:
        translate_global(t, opcode);
        break;
    case OP_TABLE_GET:
        emit_with_slots(t, wasm_op_table_get, 1, true, 2, read_table(t));
        break;
    case OP_TABLE_SET:
        emit_with_slots(t, wasm_op_table_set, 2, false, 2, read_table(t));
        break;
    case OP_MEMORY_SIZE:
        emit_with_slots(t, wasm_op_memory_size, 0, true, 2, read_memory(t));
        break;
    default: /* OP_MEMORY_GROW */
        emit_with_slots(t, wasm_op_memory_grow, 1, true, 2, read_memory(t));
    }
}

void wasm_translate_bulk(struct wasm_translator *t, uint32_t opcode)
{
    if (opcode <= OP_MEMORY_FILL)
        translate_memory_prefixed(t, opcode);
    else
        translate_table_prefixed(t, opcode);
}
