/* Translation of structure, branches and calls; see translator.h. */
#include "translator.h"

#include <string.h>

/* A comparison of two integers that decides a branch: what cell 1 of wasm_branch_ops holds. */
struct condition {
    uint8_t opcode;
    enum wasm_mode mode;
    union wasm_cell operands;
};

/* Comparisons begin at the opcode of `eq`; its type's base. */
static uint8_t comparison_base(uint8_t opcode)
{
    return opcode < 0x50 ? 0x46 : 0x51;
}

static void negate(struct condition *c)
{
    static const uint8_t NEGATION[] = {1, 0, 8, 9, 6, 7, 4, 5, 2, 3};
    uint8_t base = comparison_base(c->opcode);
    c->opcode = (uint8_t)(base + NEGATION[c->opcode - base]);
}

static bool is_comparison(int opcode)
{
    return opcode >= OP_I32_EQZ && opcode <= 0x5a; /* of integers */
}

/* Takes back the newest instruction, a comparison, to make its branch of it; false if its
 * constant is too wide for one. */
static bool take_comparison(struct wasm_translator *t, struct condition *c)
{
    const union wasm_cell *cells = &t->code.items[t->newest.start];
    c->mode = t->newest.mode;
    c->operands = cells[1];
    c->opcode = (uint8_t)t->newest.opcode;
    if (c->opcode == OP_I32_EQZ || c->opcode == 0x50) {
        c->opcode++; /* eqz: eq with the constant 0 */
        c->mode = c->mode == WASM_AS ? WASM_AK : WASM_SK;
        c->operands.w[1] = 0;
    } else if (c->opcode > 0x50 && (c->mode == WASM_SK || c->mode == WASM_AK)) {
        if (cells[2].i != (int32_t)cells[2].i)
            return false;
        c->operands.w[1] = (uint32_t)cells[2].q;
    }
    size_t before = t->newest.before;
    wasm_take_back(t);
    t->last = before;
    return true;
}

static struct condition take_condition(struct wasm_translator *t)
{
    struct condition c = {.opcode = 0x47, .operands.q = 0}; /* i32.ne with 0 */
    if (wasm_is_newest(t) && is_comparison(t->newest.opcode) && take_comparison(t, &c))
        return c;
    c = (struct condition){.opcode = 0x47, .operands.q = 0};
    struct wasm_source s = wasm_take(t, WASM_ACC_INT);
    wasm_need_slot(t, &s);
    c.mode = s.kind == WASM_ACC ? WASM_AK : WASM_SK;
    c.operands.h[1] = s.slot;
    return c;
}

/* If the last instruction adds a constant to the local that an i32 comparison looks at first:
 * takes it back, to become part of the branch, and returns true. */
static bool take_step(struct wasm_translator *t, const struct condition *c, uint32_t *step)
{
    if (!t->last || c->opcode > 0x4f || (c->mode != WASM_SS && c->mode != WASM_SK))
        return false;
    const union wasm_cell *add = &t->code.items[t->last - 1];
    if (add[0].fn != wasm_integer_ops[OP_I32_ADD].fn[WASM_SK][WASM_TO_SLOT] ||
        add[1].h[0] != c->operands.h[1] || add[1].h[1] != c->operands.h[1])
        return false;
    *step = add[1].w[1];
    t->code.count = t->last - 1;
    wasm_settle_code(t);
    return true;
}

/* Emits the conditional branch; returns its distance cell. */
static size_t emit_conditional(struct wasm_translator *t, const struct condition *c,
                               bool backward)
{
    uint32_t step;
    union wasm_cell *cells;
    if (backward && take_step(t, c, &step)) {
        cells = wasm_emit(t, wasm_step_ops[c->opcode].fn[c->mode][WASM_TO_SLOT], 3);
        cells[2].q = step;
    } else {
        cells = wasm_emit(t, wasm_branch_ops[c->opcode].fn[c->mode][backward], 2);
    }
    cells[1] = c->operands;
    return t->code.count - 1;
}

static void set_distance(struct wasm_translator *t, size_t cell, size_t target)
{
    t->code.items[cell].i = (int64_t)target - (int64_t)cell;
}

/* Makes distance cell `cell` lead to the block's label: now if a loop, else at its end. */
static void link_to(struct wasm_translator *t, struct wasm_block *b, size_t cell)
{
    if (b->opcode == OP_LOOP) {
        set_distance(t, cell, b->start);
    } else {
        t->code.items[cell].q = b->fixups;
        b->fixups = cell;
    }
}

static struct wasm_block *label(struct wasm_translator *t, uint32_t depth)
{
    return &t->blocks.items[t->blocks.count - 1 - depth];
}

static uint32_t label_arity(const struct wasm_block *b)
{
    return b->opcode == OP_LOOP ? b->params : b->results;
}

static bool is_function(const struct wasm_translator *t, const struct wasm_block *b)
{
    return b == t->blocks.items;
}

/* Whether a branch must move the values it carries. */
static bool must_move(const struct wasm_translator *t, const struct wasm_block *b)
{
    uint32_t n = label_arity(b);
    if (n == 0)
        return false;
    if (t->operands.count - n != b->height)
        return true;
    for (size_t i = b->height; i < t->operands.count; i++)
        if (t->operands.items[i].kind != WASM_HOME)
            return true;
    return false;
}

/* Moves the values that a branch carries to where the label expects them. The operands stay as
 * they are: behind a conditional branch they are still needed. */
static void move_values(struct wasm_translator *t, const struct wasm_block *b)
{
    uint32_t n = label_arity(b);
    size_t first = t->operands.count - n;
    uint16_t to = wasm_home(t, b->height);
    if (n == 1) {
        struct wasm_operand o = t->operands.items[first];
        if (o.kind == WASM_CONSTANT) {
            wasm_load_constant(t, to, o.value);
            return;
        }
        wasm_copy_slot(t, to, o.kind == WASM_LOCAL ? o.slot : wasm_home(t, first));
        return;
    }
    wasm_all_home(t);
    if (n > 0 && first != b->height) {
        union wasm_cell *cells = wasm_emit(t, wasm_op_copy_many, 1);
        cells[1].h[0] = to;
        cells[1].h[1] = wasm_home(t, first);
        cells[1].h[2] = (uint16_t)n;
    }
}

static wasm_handler *return_from_acc(uint8_t acc)
{
    return acc == WASM_ACC_F64   ? wasm_op_return_fa
           : acc == WASM_ACC_F32 ? wasm_op_return_sa
                                 : wasm_op_return_a;
}

/* Returns the top operands; they stay on the stack, as above. */
static void emit_return(struct wasm_translator *t)
{
    uint32_t n = t->blocks.items[0].results;
    uint16_t saved = t->function->saved;
    if (n == 0) {
        wasm_emit(t, wasm_op_return, 1)[1].h[0] = saved;
    } else if (n == 1) {
        struct wasm_operand o = t->operands.items[t->operands.count - 1];
        uint8_t acc = t->newest.valid ? t->newest.acc : WASM_ACC_NONE;
        struct wasm_source s = wasm_take(t, acc);
        wasm_need_slot(t, &s);
        union wasm_cell *cells =
            wasm_emit(t, s.kind == WASM_ACC ? return_from_acc(acc) : wasm_op_return_s, 1);
        cells[1].h[0] = saved;
        cells[1].h[1] = s.slot;
        t->operands.items[t->operands.count++] = o;
    } else {
        wasm_all_home(t);
        union wasm_cell *cells = wasm_emit(t, wasm_op_return_many, 1);
        cells[1].h[0] = saved;
        cells[1].h[1] = wasm_home(t, t->operands.count - n);
        cells[1].h[2] = (uint16_t)n;
    }
}

/* An unconditional branch with its moves. */
static void emit_branch(struct wasm_translator *t, struct wasm_block *b)
{
    if (is_function(t, b)) {
        emit_return(t);
        return;
    }
    if (must_move(t, b))
        move_values(t, b);
    wasm_emit(t, b->opcode == OP_LOOP ? wasm_op_br_back : wasm_op_br, 1);
    link_to(t, b, t->code.count - 1);
}

static void translate_br_if(struct wasm_translator *t)
{
    struct wasm_block *b = label(t, wasm_read_u32(&t->r));
    struct condition c = take_condition(t);
    if (label_arity(b) > 1)
        wasm_all_home(t); /* so that the moves change no operand on one path only */
    if (!is_function(t, b) && !must_move(t, b)) {
        link_to(t, b, emit_conditional(t, &c, b->opcode == OP_LOOP));
        return;
    }
    if (is_function(t, b) && b->results > 1)
        wasm_all_home(t);
    negate(&c);
    size_t over = emit_conditional(t, &c, false);
    emit_branch(t, b);
    set_distance(t, over, t->code.count);
    wasm_settle_code(t);
}

/* The cell where a br_table's branch to `b` goes first: code that moves values, charges a tick
 * or returns. One for each label of one br_table. */
static size_t table_stub(struct wasm_translator *t, struct wasm_block *b, size_t table)
{
    if (b->stub_table != table) {
        wasm_settle_code(t);
        b->stub_table = table;
        b->stub = t->code.count;
        emit_branch(t, b);
    }
    return b->stub;
}

static void translate_br_table(struct wasm_translator *t)
{
    uint32_t count = wasm_read_u32(&t->r);
    struct wasm_source index = wasm_take(t, WASM_ACC_INT);
    wasm_need_slot(t, &index);
    wasm_all_home(t);
    union wasm_cell *cells =
        wasm_emit(t, index.kind == WASM_ACC ? wasm_op_br_table_a : wasm_op_br_table, 1);
    cells[1].h[1] = index.slot;
    cells[1].w[1] = count;
    size_t first = t->code.count;
    for (uint32_t i = 0; i <= count; i++)
        WASM_APPEND(&t->failure, t->code);
    size_t table = t->code.count;
    for (uint32_t i = 0; i <= count; i++) {
        struct wasm_block *b = label(t, wasm_read_u32(&t->r));
        if (b->opcode == OP_LOOP || is_function(t, b) || must_move(t, b))
            set_distance(t, first + i, table_stub(t, b, table));
        else
            link_to(t, b, first + i);
    }
    t->unreachable = true;
}

/* Makes the operand stack `height` words high and then pushes values, all of them at home. */
static void reset_operands(struct wasm_translator *t, size_t height, const uint8_t *types,
                           uint32_t count)
{
    t->operands.count = t->settled = height;
    wasm_push_types(t, types, count);
    t->settled = t->operands.count;
}

/* A block's type: borrowed from the module. */
static void read_block_type(struct wasm_translator *t, struct wasm_block *b)
{
    if ((*t->r.at & 0xc0) == 0x40) {
        b->type.results = t->r.at;
        b->type.result_count = *t->r.at++ != 0x40;
    } else {
        b->type = t->module->types.items[wasm_read_s33(&t->r)];
    }
    b->params = wasm_words(b->type.params, b->type.param_count);
    b->results = wasm_words(b->type.results, b->type.result_count);
}

static void translate_block(struct wasm_translator *t, uint8_t opcode)
{
    struct wasm_block b = {.opcode = opcode};
    read_block_type(t, &b);
    struct condition c = {0};
    if (opcode == OP_IF)
        c = take_condition(t);
    wasm_all_home(t);
    if (opcode == OP_IF) {
        negate(&c);
        b.to_else = emit_conditional(t, &c, false);
    }
    wasm_settle_code(t);
    b.height = (uint32_t)t->operands.count - b.params;
    b.start = t->code.count;
    *WASM_APPEND(&t->failure, t->blocks) = b;
}

static void translate_else(struct wasm_translator *t)
{
    struct wasm_block *b = label(t, 0);
    if (!t->unreachable) {
        wasm_all_home(t);
        wasm_emit(t, wasm_op_br, 1);
        link_to(t, b, t->code.count - 1);
    }
    set_distance(t, b->to_else, t->code.count);
    b->to_else = 0;
    b->opcode = OP_ELSE;
    wasm_settle_code(t);
    reset_operands(t, b->height, b->type.params, b->type.param_count);
    t->unreachable = false;
}

static void translate_end(struct wasm_translator *t)
{
    struct wasm_block b = *label(t, 0);
    if (t->blocks.count == 1) {
        if (!t->unreachable)
            emit_return(t);
        t->blocks.count = 0;
        return;
    }
    if (!t->unreachable)
        wasm_all_home(t);
    if (b.to_else)
        set_distance(t, b.to_else, t->code.count);
    while (b.fixups) {
        size_t next = t->code.items[b.fixups].q;
        set_distance(t, b.fixups, t->code.count);
        b.fixups = next;
    }
    wasm_settle_code(t);
    t->blocks.count--;
    reset_operands(t, b.height, b.type.results, b.type.result_count);
    t->unreachable = false;
}

/* Puts the arguments of a call in their homes, pops them, pushes the results. Returns the slot
 * of the first argument. Nothing is emitted after the arguments are home. */
static uint16_t pass_arguments(struct wasm_translator *t, const struct wasm_type_entry *type)
{
    size_t first = t->operands.count - type->param_slots;
    for (size_t i = t->settled > first ? t->settled : first; i < t->operands.count; i++)
        wasm_go_home(t, i);
    t->operands.count = first;
    if (t->settled > first)
        t->settled = first;
    return wasm_home(t, first);
}

static void push_results(struct wasm_translator *t, const struct wasm_type_entry *type)
{
    wasm_push_types(t, type->type.results, type->type.result_count);
}

static void translate_call(struct wasm_translator *t, bool tail)
{
    struct wasm_func *f = t->instance->funcs[wasm_read_u32(&t->r)];
    const struct wasm_type_entry *type = f->type;
    uint16_t first = pass_arguments(t, type);
    wasm_handler *fn = tail ? wasm_op_return_call : f->host ? wasm_op_call_host : wasm_op_call;
    union wasm_cell *cells = wasm_emit(t, fn, f->host || tail ? 3 : 2);
    cells[1].p = f;
    cells[2].h[0] = first;
    if (f->host || tail)
        cells[3].p = t->instance;
    if (tail)
        cells[2].h[1] = t->function->saved;
    else
        push_results(t, type);
    t->unreachable = tail;
}

static void translate_call_indirect(struct wasm_translator *t, bool tail)
{
    const struct wasm_type_entry *entry = t->instance->types[wasm_read_u32(&t->r)];
    struct wasm_table *table = t->instance->tables[wasm_read_u32(&t->r)];
    struct wasm_source index = wasm_take(t, tail ? WASM_ACC_NONE : WASM_ACC_INT);
    wasm_need_slot(t, &index);
    uint16_t first = pass_arguments(t, entry);
    wasm_handler *fn = tail                     ? wasm_op_return_call_indirect
                       : index.kind == WASM_ACC ? wasm_op_call_indirect_a
                                                : wasm_op_call_indirect;
    union wasm_cell *cells = wasm_emit(t, fn, 4);
    cells[1].p = table;
    cells[2].h[0] = first;
    cells[3].p = (void *)entry;
    cells[4].p = t->instance;
    if (tail) {
        cells[2].h[1] = t->function->saved;
        cells[2].h[2] = index.slot;
    } else {
        cells[2].h[1] = index.slot;
        push_results(t, entry);
    }
    t->unreachable = tail;
}

static void translate_jump(struct wasm_translator *t, uint8_t opcode)
{
    if (opcode == OP_UNREACHABLE)
        wasm_emit(t, wasm_op_unreachable, 0);
    else if (opcode == OP_RETURN)
        emit_return(t);
    else
        emit_branch(t, label(t, wasm_read_u32(&t->r)));
    t->unreachable = true;
}

bool wasm_translate_control(struct wasm_translator *t, uint8_t opcode)
{
    switch (opcode) {
    case OP_NOP:
        return true;
    case OP_BLOCK:
    case OP_LOOP:
    case OP_IF:
        translate_block(t, opcode);
        return true;
    case OP_ELSE:
        translate_else(t);
        return true;
    case OP_END:
        translate_end(t);
        return true;
    case OP_UNREACHABLE:
    case OP_RETURN:
    case OP_BR:
        translate_jump(t, opcode);
        return true;
    case OP_BR_IF:
        translate_br_if(t);
        return true;
    case OP_BR_TABLE:
        translate_br_table(t);
        return true;
    case OP_CALL:
    case OP_RETURN_CALL:
        translate_call(t, opcode == OP_RETURN_CALL);
        return true;
    case OP_CALL_INDIRECT:
    case OP_RETURN_CALL_INDIRECT:
        translate_call_indirect(t, opcode == OP_RETURN_CALL_INDIRECT);
        return true;
    default:
        return false;
    }
}
