/* From a validated body to the interpreter's code: entry, and the regular instructions; see
 * translator.h. */
#include "translator.h"

#include <stdlib.h>
#include <string.h>

/* What an operand or result may travel in, and whether its constants need 64 bits. */
struct traits {
    uint8_t operand;
    uint8_t result;
    bool wide;
};

enum { WIDE_I32 = 0, WIDE_I64 = 1, WIDE_F32 = 0, WIDE_F64 = 1 };

#define TRAITS(code, name, T, R) [code] = {WASM_ACC_OF_##T, WASM_ACC_OF_##R, WIDE_##T},
static const struct traits TRAITS_OF[256] = {WASM_UNARY(TRAITS) WASM_TRUNC(TRAITS)
                                                 WASM_BINARY(TRAITS)};
static const struct traits SATURATING_TRAITS[] = {WASM_TRUNC_SAT(TRAITS)};

static const struct wasm_op *numeric_op(uint8_t opcode)
{
    static const struct wasm_op *const TABLES[] = {wasm_integer_ops, wasm_float_ops,
                                                   wasm_convert_ops};
    for (unsigned i = 0; i < 3; i++)
        if (TABLES[i][opcode].fn[WASM_SS][WASM_TO_SLOT])
            return &TABLES[i][opcode];
    return NULL;
}

static void translate_unary(struct wasm_translator *t, uint8_t opcode, const struct wasm_op *op,
                            struct traits traits)
{
    struct wasm_source a = wasm_take(t, traits.operand);
    wasm_need_slot(t, &a);
    union wasm_cell *cells =
        wasm_emit_result(t, op, a.kind == WASM_ACC ? WASM_AS : WASM_SS, 1, traits.result);
    cells[1].h[1] = a.slot;
    t->newest.opcode = opcode;
}

/* For a instruction whose operands may be swapped: the opcode then, else -1. */
static int swapped(uint8_t opcode)
{
    static const uint8_t MIRROR[] = {0, 1, 4, 5, 2, 3, 8, 9, 6, 7};
    if (opcode >= 0x46 && opcode <= 0x4f)
        return 0x46 + MIRROR[opcode - 0x46];
    if (opcode >= 0x51 && opcode <= 0x5a)
        return 0x51 + MIRROR[opcode - 0x51];
    switch (opcode) {
    case 0x6a: /* i32: add mul and or xor */
    case 0x6c:
    case 0x71:
    case 0x72:
    case 0x73:
    case 0x7c: /* i64 */
    case 0x7e:
    case 0x83:
    case 0x84:
    case 0x85:
    case 0x92: /* f32: add mul */
    case 0x94:
    case 0xa0: /* f64 */
    case 0xa2:
        return opcode;
    default:
        return -1;
    }
}

/* If the last instruction is an f64.mul into the accumulator and this one, whose operands have
 * been taken, adds a slot to it or subtracts: emits one instruction for both. */
static bool fuse_product(struct wasm_translator *t, uint8_t opcode, struct wasm_source a,
                         struct wasm_source b)
{
    enum { F64_ADD = 0xa0, F64_SUB = 0xa1, F64_MUL = 0xa2 };
    const struct wasm_op *mul = &wasm_float_ops[F64_MUL];
    bool first = a.kind == WASM_ACC && b.kind == WASM_SLOT;
    bool second = b.kind == WASM_ACC && a.kind == WASM_SLOT;
    if (!t->last || (opcode != F64_ADD && opcode != F64_SUB) || (!first && !second))
        return false;
    union wasm_cell product = t->code.items[t->last];
    wasm_handler *fn = t->code.items[t->last - 1].fn;
    enum wasm_mode mode = fn == mul->fn[WASM_SS][WASM_TO_ACC] ? WASM_SS : WASM_SA;
    if (fn == mul->fn[WASM_AS][WASM_TO_ACC])
        product.h[1] = product.h[2]; /* it commutes */
    else if (fn != mul->fn[mode][WASM_TO_ACC])
        return false;
    t->code.count = t->last - 1;
    wasm_settle_code(t);
    unsigned which = opcode == F64_ADD ? 0 : first ? 1 : 2;
    union wasm_cell *cells =
        wasm_emit_result(t, &wasm_mul_add_ops[which], mode, 1, WASM_ACC_F64);
    cells[1].h[1] = product.h[1];
    cells[1].h[2] = product.h[2];
    cells[1].h[3] = first ? b.slot : a.slot;
    return true;
}

static void translate_binary(struct wasm_translator *t, uint8_t opcode)
{
    struct traits traits = TRAITS_OF[opcode];
    struct wasm_source b = wasm_take(t, traits.operand);
    /* The accumulator is b's already, or else may be a's. */
    struct wasm_source a = wasm_take(t, b.kind == WASM_ACC ? WASM_ACC_NONE : traits.operand);
    if (a.kind == WASM_VALUE && b.kind != WASM_VALUE && swapped(opcode) >= 0) {
        struct wasm_source constant = a;
        a = b;
        b = constant;
        opcode = (uint8_t)swapped(opcode);
    }
    wasm_need_slot(t, &a);
    if (fuse_product(t, opcode, a, b))
        return;
    bool wide = b.kind == WASM_VALUE && traits.wide;
    union wasm_cell *cells = wasm_emit_result(t, numeric_op(opcode), wasm_mode_of(a, b),
                                              wide ? 2 : 1, traits.result);
    cells[1].h[1] = a.slot;
    if (wide)
        cells[2].q = b.value;
    else if (b.kind == WASM_VALUE)
        cells[1].w[1] = (uint32_t)b.value;
    else
        cells[1].h[2] = b.slot;
    t->newest.opcode = opcode;
}

static void translate_numeric(struct wasm_translator *t, uint8_t opcode)
{
    const struct wasm_op *op = numeric_op(opcode);
    if (!op)
        return; /* i64.extend_i32_u and the reinterpretations: the slot's bits are the result */
    if (op->fn[WASM_SK][WASM_TO_SLOT])
        translate_binary(t, opcode);
    else
        translate_unary(t, opcode, op, TRAITS_OF[opcode]);
}

static void translate_local(struct wasm_translator *t, uint8_t opcode)
{
    struct wasm_local local = t->locals.items[wasm_read_u32(&t->r)];
    if (opcode != OP_LOCAL_GET && local.wide)
        wasm_assign_wide_local(t, local.slot);
    else if (opcode != OP_LOCAL_GET)
        wasm_assign_local(t, local.slot);
    if (opcode != OP_LOCAL_SET && local.wide)
        wasm_push_wide_local(t, local.slot);
    else if (opcode != OP_LOCAL_SET)
        wasm_push_local(t, local.slot);
}

static void translate_select(struct wasm_translator *t, uint8_t opcode)
{
    if (opcode == OP_SELECT_TYPED) {
        wasm_read_u32(&t->r); /* 1, in as many bytes as it likes */
        wasm_read_byte(&t->r);
    }
    bool wide = t->operands.items[t->operands.count - 2].high;
    struct wasm_source condition = wasm_take(t, wide ? WASM_ACC_NONE : WASM_ACC_INT);
    wasm_need_slot(t, &condition);
    if (wide) {
        wasm_translate_wide_select(t, condition.slot);
        return;
    }
    uint16_t if_false = wasm_take_slot(t);
    uint16_t if_true = wasm_take_slot(t);
    union wasm_cell *cells = wasm_emit_result(
        t, &wasm_op_select, condition.kind == WASM_ACC ? WASM_AS : WASM_SS, 1, WASM_ACC_INT);
    cells[1].h[1] = if_true;
    cells[1].h[2] = if_false;
    cells[1].h[3] = condition.slot;
}

static bool translate_constant(struct wasm_translator *t, uint8_t opcode)
{
    switch (opcode) {
    case OP_I32_CONST:
        wasm_push_constant(t, (uint32_t)wasm_read_s32(&t->r));
        return true;
    case OP_I64_CONST:
        wasm_push_constant(t, (uint64_t)wasm_read_s64(&t->r));
        return true;
    case OP_F32_CONST:
        wasm_push_constant(t, wasm_read_fixed(&t->r, 4));
        return true;
    case OP_F64_CONST:
        wasm_push_constant(t, wasm_read_fixed(&t->r, 8));
        return true;
    case OP_REF_NULL:
        wasm_read_byte(&t->r);
        wasm_push_constant(t, 0);
        return true;
    case OP_REF_FUNC:
        wasm_push_constant(t, (uintptr_t)t->instance->funcs[wasm_read_u32(&t->r)]);
        return true;
    default:
        return false;
    }
}

static void translate_prefixed(struct wasm_translator *t)
{
    uint32_t which = wasm_read_u32(&t->r); /* in as many bytes as it likes */
    if (which <= OP_TRUNC_SAT_LAST)
        translate_unary(t, OP_PREFIX, &wasm_saturating_ops[which], SATURATING_TRAITS[which]);
    else
        wasm_translate_bulk(t, which);
}

static void translate_instruction(struct wasm_translator *t)
{
    uint8_t opcode = wasm_read_byte(&t->r);
    if (t->unreachable && (t->dead > 0 || (opcode != OP_ELSE && opcode != OP_END))) {
        wasm_skip_dead(&t->r, opcode, &t->dead);
    } else if (opcode >= OP_NUMERIC_FIRST && opcode <= OP_NUMERIC_LAST) {
        translate_numeric(t, opcode);
    } else if (opcode >= OP_LOCAL_GET && opcode <= OP_LOCAL_TEE) {
        translate_local(t, opcode);
    } else if (opcode >= OP_LOAD_FIRST && opcode <= OP_STORE_LAST) {
        wasm_translate_access(t, opcode);
    } else if (opcode == OP_SELECT || opcode == OP_SELECT_TYPED) {
        translate_select(t, opcode);
    } else if (opcode == OP_SIMD) {
        wasm_translate_simd(t);
    } else if (opcode == OP_ATOMIC) {
        wasm_translate_atomic(t);
    } else if (opcode == OP_DROP) {
        if (wasm_top_is_wide(t))
            wasm_drop(t);
        wasm_drop(t);
    } else if (opcode == OP_REF_IS_NULL) {
        translate_numeric(t, 0x50); /* i64.eqz: null is 0 */
    } else if (opcode == OP_PREFIX) {
        translate_prefixed(t);
    } else if (!translate_constant(t, opcode) && !wasm_translate_control(t, opcode)) {
        wasm_translate_misc(t, opcode);
    }
}

/* The next local; returns the slot behind it. */
static uint32_t add_local(struct wasm_translator *t, uint32_t slot, uint8_t type)
{
    bool wide = type == WASM_V128;
    *WASM_APPEND(&t->failure, t->locals) = (struct wasm_local){(uint16_t)slot, wide};
    return slot + 1 + wide;
}

/* Reads the declared locals; lays out the frame. */
static void begin(struct wasm_translator *t, struct wasm_func *f)
{
    const struct wasm_module *m = f->instance->module;
    const struct wasm_function_def *def = &m->functions.items[f->index];
    const struct wasm_func_type *type = &f->type->type;
    t->function = f;
    t->instance = f->instance;
    t->module = m;
    t->r =
        (struct wasm_reader){m->bytes, m->bytes + def->body, m->bytes + def->end, &t->failure};
    uint32_t params = f->type->param_slots, results = f->type->result_slots;
    f->saved = (uint16_t)(params > results ? params : results);
    for (uint32_t i = 0, slot = 0; i < type->param_count; i++)
        slot = add_local(t, slot, type->params[i]);
    t->temps = f->saved + WASM_FRAME_SAVED;
    for (uint32_t runs = wasm_read_u32(&t->r); runs > 0; runs--) {
        uint32_t count = wasm_read_u32(&t->r);
        uint8_t local = wasm_read_byte(&t->r);
        while (count-- > 0)
            t->temps = add_local(t, t->temps, local);
    }
    f->zeroed = (uint16_t)(t->temps - f->saved - WASM_FRAME_SAVED);
    *WASM_APPEND(&t->failure, t->blocks) =
        (struct wasm_block){.opcode = OP_BLOCK, .results = results, .type = *type};
}

static void translate_body(struct wasm_translator *t)
{
    while (t->blocks.count > 0) {
        t->offset = (uint32_t)wasm_reader_offset(&t->r);
        translate_instruction(t);
    }
}

static bool finish(struct wasm_translator *t)
{
    size_t bytes = t->code.count * sizeof *t->code.items;
    union wasm_cell *code = malloc(bytes);
    if (!code)
        return false;
    memcpy(code, t->code.items, bytes);
    struct wasm_func *f = t->function;
    f->cells = (uint32_t)t->code.count;
    f->frame_slots = t->temps + t->max_height;
    f->entry = code;
    return true;
}

static void translator_free(struct wasm_translator *t)
{
    free(t->code.items);
    free(t->operands.items);
    free(t->blocks.items);
    free(t->locals.items);
    free(t);
}

static struct wasm_translator *translator_new(struct wasm_error *ignored, size_t probe)
{
    struct wasm_translator *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->failure.error = ignored;
    t->failure.section = "translation";
    t->failure.function = -1;
    t->probe = probe;
    return t;
}

bool wasm_translate(struct wasm_func *function)
{
    struct wasm_error ignored; /* the only failure is lack of memory */
    struct wasm_translator *t = translator_new(&ignored, SIZE_MAX);
    if (!t)
        return false;
    volatile bool done = false;
    if (setjmp(t->failure.jump) == 0) {
        begin(t, function);
        translate_body(t);
        done = finish(t);
    }
    translator_free(t);
    return done;
}

/* Rather than keep a map from code to module, which would cost memory all the time, the
 * function is translated once more, and the cell watched. */
uint32_t wasm_translate_offset(struct wasm_func *function, size_t cell)
{
    struct wasm_error ignored;
    struct wasm_translator *t = translator_new(&ignored, cell);
    if (!t)
        return 0;
    volatile uint32_t offset = 0;
    if (setjmp(t->failure.jump) == 0) {
        begin(t, function);
        translate_body(t);
        offset = t->origin;
    }
    translator_free(t);
    return offset;
}
