/* Translation of loads and stores; see translator.h.
 *
 * Compilers compute most addresses as a sum, often of a base and a shifted index. Where the
 * instruction that did so is the newest, it becomes part of the access. */
#include "translator.h"

#define ACCESS_ACC(code, name, T, type, log2) [code] = WASM_ACC_OF_##T,
static const uint8_t ACCESS_ACCS[64] = {WASM_LOAD(ACCESS_ACC) WASM_STORE(ACCESS_ACC)};

/* Where an access finds its address: which table and mode it uses, and cells 1 and 2. */
struct address {
    const struct wasm_op *table; /* by opcode */
    enum wasm_mode mode;
    uint16_t slot;          /* cell 1, h[1] */
    union wasm_cell second; /* cell 2, unless the table is wasm_access_ops */
};

/* If the newest instruction, an i32.add in cells `sum`, adds a slot or constant to what an
 * i32.shl by a constant left in the accumulator just before: makes both part of the address. */
static bool take_index(struct wasm_translator *t, union wasm_cell sum, struct address *a)
{
    enum { OP_I32_SHL = 0x74 };
    size_t before = t->newest.before;
    const union wasm_cell *shift = &t->code.items[before ? before - 1 : 0];
    if (!before || shift[0].fn != wasm_integer_ops[OP_I32_SHL].fn[WASM_SK][WASM_TO_ACC])
        return false;
    a->table = wasm_access_index_ops;
    a->slot = shift[1].h[1];
    a->second = sum;
    if (t->newest.mode == WASM_AS)
        a->second.h[1] = sum.h[2];
    a->mode = t->newest.mode == WASM_AK ? WASM_SK : WASM_SS;
    a->second.h[0] = (uint16_t)(shift[1].w[1] & 31);
    t->newest.start = before - 1;
    return true;
}

/* If the address is a constant and the whole access lies below 4 GiB: adds it to the offset. */
static bool take_fixed(struct wasm_translator *t, uint32_t *offset)
{
    const struct wasm_operand *o = &t->operands.items[t->operands.count - 1];
    if (o->kind != WASM_CONSTANT || o->value + *offset > UINT32_MAX)
        return false;
    *offset += (uint32_t)o->value;
    wasm_drop(t);
    return true;
}

/* Pops the address of a load, or of a store whose value is in a slot. */
static struct address take_address(struct wasm_translator *t, uint32_t *offset)
{
    struct address a = {.table = wasm_access_ops};
    if (take_fixed(t, offset)) {
        a.table = wasm_access_fixed_ops;
        return a;
    }
    if (wasm_is_newest(t) && t->newest.opcode == OP_I32_ADD) {
        union wasm_cell sum = t->code.items[t->newest.start + 1];
        if (!take_index(t, sum, &a)) {
            a.table = wasm_access_sum_ops;
            a.mode = t->newest.mode;
            a.second = sum;
        }
        wasm_take_back(t);
        return a;
    }
    struct wasm_source s = wasm_take(t, WASM_ACC_INT);
    wasm_need_slot(t, &s);
    a.mode = s.kind == WASM_ACC ? WASM_AS : WASM_SS;
    a.slot = s.slot;
    return a;
}

void wasm_use_memory(struct wasm_translator *t, uint32_t memory)
{
    wasm_emit(t, wasm_op_set_memory, 1)[1].p = t->instance->memories[memory]->base;
}

static void translate_load(struct wasm_translator *t, uint8_t opcode, uint32_t memory,
                           uint32_t offset)
{
    struct address a = take_address(t, &offset);
    bool one = a.table == wasm_access_ops || a.table == wasm_access_fixed_ops;
    if (memory)
        wasm_use_memory(t, memory);
    union wasm_cell *cells =
        wasm_emit_result(t, &a.table[opcode], a.mode, one ? 1 : 2, ACCESS_ACCS[opcode]);
    cells[1].h[1] = a.slot;
    cells[1].w[1] = offset;
    if (!one)
        cells[2] = a.second;
}

/* The address below a value that is a constant or in the accumulator. */
static struct address take_address_below(struct wasm_translator *t, struct wasm_source value,
                                         uint32_t *offset)
{
    struct address a = {.table = wasm_access_ops};
    if (value.kind == WASM_ACC && take_fixed(t, offset)) {
        a.table = wasm_access_fixed_ops;
        a.mode = WASM_AS;
        return a;
    }
    struct wasm_source s = wasm_take(t, value.kind == WASM_ACC ? WASM_ACC_NONE : WASM_ACC_INT);
    wasm_need_slot(t, &s);
    a.mode = wasm_mode_of(s, value);
    a.slot = s.slot;
    return a;
}

static void translate_store(struct wasm_translator *t, uint8_t opcode, uint32_t memory,
                            uint32_t offset)
{
    struct wasm_source value = wasm_take(t, ACCESS_ACCS[opcode]);
    struct address a = value.kind == WASM_SLOT ? take_address(t, &offset)
                                               : take_address_below(t, value, &offset);
    bool sum = a.table == wasm_access_sum_ops || a.table == wasm_access_index_ops;
    if (memory)
        wasm_use_memory(t, memory);
    union wasm_cell *cells = wasm_emit(t, a.table[opcode].fn[a.mode][WASM_TO_SLOT],
                                       sum || value.kind == WASM_VALUE ? 2 : 1);
    cells[1].h[0] = value.slot;
    cells[1].h[1] = a.slot;
    cells[1].w[1] = offset;
    if (sum)
        cells[2] = a.second;
    else if (value.kind == WASM_VALUE)
        cells[2].q = value.value;
}

void wasm_translate_access(struct wasm_translator *t, uint8_t opcode)
{
    uint32_t align = wasm_read_u32(&t->r);
    uint32_t memory = align & 0x40 ? wasm_read_u32(&t->r) : 0;
    uint32_t offset = wasm_read_u32(&t->r);
    if (opcode <= OP_LOAD_LAST)
        translate_load(t, opcode, memory, offset);
    else
        translate_store(t, opcode, memory, offset);
    if (memory)
        wasm_use_memory(t, 0);
}
