/* Structure and branches. Where control flow joins, values are where compiler.h says. */
#include "compiler.h"

static struct x64_block *block_at(struct x64 *c, uint32_t depth)
{
    return &c->blocks.items[c->blocks.count - 1 - depth];
}

/* Settled values own nothing: they go at once. */
static void drop_to(struct x64 *c, uint32_t height)
{
    while (c->count > height && c->count > c->settled)
        x64_drop(c);
    if (c->count > height) {
        c->count = height + 1;
        x64_drop(c);
    }
}

/* After a jump: what follows is not reached. The values of this block are gone. */
static void set_unreachable(struct x64 *c)
{
    drop_to(c, block_at(c, 0)->height);
    c->unreachable = true;
}

/* ---- Labels ---- */

static uint32_t label_arity(const struct x64_block *b)
{
    return b->opcode == OP_LOOP ? b->type.param_count : b->type.result_count;
}

static unsigned result_register(uint8_t type)
{
    return x64_is_vector(type) ? XMM0 : RAX;
}

/* Whether label `b`'s values travel in a register: one result of a block or of the function. */
static bool in_register(const struct x64_block *b)
{
    return b->opcode != OP_LOOP && b->type.result_count == 1;
}

/* Whether the top values are where label `b` wants them. */
static bool in_place(struct x64 *c, const struct x64_block *b)
{
    if (label_arity(b) == 0)
        return true;
    const struct x64_value *v = x64_top(c);
    return in_register(b) && v->kind == X64_REG && v->reg == result_register(v->type);
}

/* Copies the top values to where label `b` wants them. They stay where they are, and rising
 * order overwrites none that is yet to be copied: they move down. */
static void carry(struct x64 *c, const struct x64_block *b)
{
    uint32_t arity = label_arity(b), from = c->count - arity;
    if (in_register(b)) {
        x64_value_to_reg(c, x64_top(c), from, result_register(x64_top(c)->type));
        return;
    }
    bool to_caller = b == &c->blocks.items[0];
    uint64_t *result = c->native->results;
    for (uint32_t i = 0; i < arity; i++) {
        const struct x64_value *v = &c->values[from + i];
        if (v->kind == X64_SLOT && from == b->height && !to_caller)
            continue;
        x64_room(c, X64_ROOM);
        x64_value_to_mem(c, v, from + i,
                         to_caller ? x64_absolute(result) : x64_slot(c, b->height + i));
        result += v->type == WASM_V128 ? 2 : 1;
    }
}

/* Jumps of which each holds the next older one: all now lead here. */
void x64_bind(struct x64 *c, uint32_t fixups)
{
    while (fixups)
        fixups = x64_patch(&c->code, fixups, x64_here(&c->code));
}

static void bind_label(struct x64 *c, const struct x64_block *b)
{
    x64_bind(c, b->fixups);
    for (uint32_t i = b->tables; i; i = c->entries.items[i - 1].next) {
        const struct x64_entry *e = &c->entries.items[i - 1];
        uint32_t far = x64_here(&c->code) - e->base;
        memcpy(c->code.start + e->at, &far, sizeof far);
    }
}

static void jump(struct x64 *c, struct x64_block *b)
{
    b->reached = true;
    if (b->opcode == OP_LOOP)
        x64_jmp_to(&c->code, b->head);
    else
        b->fixups = x64_jmp(&c->code, b->fixups);
}

/* A jump on a plain condition, to be bound: a new head of list `fixups`. */
static void jcc_forward(struct x64 *c, enum x64_cc cc, uint32_t *fixups)
{
    *fixups = x64_jcc(&c->code, cc, *fixups);
}

/* The same for all conditions. */
void x64_branch_forward(struct x64 *c, enum x64_cc cc, uint32_t *fixups)
{
    if (cc == CC_FE) {
        uint32_t skip = 0;
        jcc_forward(c, CC_P, &skip);
        jcc_forward(c, CC_E, fixups);
        x64_bind(c, skip);
    } else if (cc == CC_FNE) {
        jcc_forward(c, CC_P, fixups);
        jcc_forward(c, CC_NE, fixups);
    } else {
        jcc_forward(c, cc, fixups);
    }
}

static void jump_if(struct x64 *c, enum x64_cc cc, struct x64_block *b)
{
    struct x64_asm *a = &c->code;
    b->reached = true;
    if (b->opcode != OP_LOOP) {
        x64_branch_forward(c, cc, &b->fixups);
    } else if (cc == CC_FE) {
        uint32_t skip = 0;
        jcc_forward(c, CC_P, &skip);
        x64_jcc_to(a, CC_E, b->head);
        x64_bind(c, skip);
    } else if (cc == CC_FNE) {
        x64_jcc_to(a, CC_P, b->head);
        x64_jcc_to(a, CC_NE, b->head);
    } else {
        x64_jcc_to(a, cc, b->head);
    }
}

/* Pops a condition; the flags say it. */
enum x64_cc x64_pop_condition(struct x64 *c)
{
    if (x64_top(c)->kind == X64_FLAGS) {
        enum x64_cc cc = x64_top(c)->cc;
        x64_drop(c);
        return cc;
    }
    struct x64_operand o = x64_pop_operand(c);
    if (o.kind == X64_IN_MEM) {
        x64_alu_mi(&c->code, 0, ALU_CMP, o.mem, 0);
        return CC_NE;
    }
    if (o.kind == X64_IMM) {
        o.reg = x64_alloc_gp(c);
        x64_mov_ri(&c->code, o.reg, (uint32_t)o.imm);
    }
    x64_rr(&c->code, 0x85, o.reg, o.reg); /* test */
    return CC_NE;
}

/* ---- Blocks ---- */

static struct wasm_func_type read_block_type(struct x64 *c)
{
    struct wasm_func_type type = {NULL, NULL, 0, 0};
    if ((*c->at & 0xc0) == 0x40) {
        type.results = c->at;
        type.result_count = *c->at++ != 0x40;
        return type;
    }
    return c->module->types.items[x64_s64(c)];
}

static void open_block(struct x64 *c, uint8_t opcode)
{
    struct wasm_func_type type = read_block_type(c);
    enum x64_cc cc = CC_NE;
    if (opcode == OP_IF)
        cc = x64_pop_condition(c);
    x64_flush_all(c, c->count - type.param_count);
    struct x64_block *b = WASM_APPEND(&c->failure, c->blocks);
    *b = (struct x64_block){
        .opcode = opcode, .height = c->count - type.param_count, .type = type};
    if (opcode == OP_IF) {
        x64_branch_forward(c, cc ^ 1, &b->to_else);
    } else if (opcode == OP_LOOP) {
        if (WASM_LIMITS)
            x64_rr(&c->code, W64 | 0xff, 0, R15); /* inc: the first turn is free */
        x64_align(&c->code, 16);
        b->head = x64_here(&c->code);
        x64_charge_loop(c);
    }
}

/* The abstract stack where `if` or a label leads: only what is below, in slots, and `types`. */
static void restore(struct x64 *c, const struct x64_block *b, const uint8_t *types,
                    uint32_t count)
{
    drop_to(c, b->height);
    c->free = c->temps;
    c->unreachable = false;
    for (uint32_t i = 0; i < count; i++)
        x64_push_slot(c, types[i]);
    c->settled = c->count;
}

static void start_else(struct x64 *c)
{
    struct x64_block *b = block_at(c, 0);
    if (!c->unreachable) {
        if (!in_place(c, b))
            carry(c, b);
        jump(c, b);
    }
    x64_bind(c, b->to_else);
    b->to_else = 0;
    b->opcode = OP_ELSE;
    restore(c, b, b->type.params, b->type.param_count);
}

static void end_block(struct x64 *c)
{
    struct x64_block *b = block_at(c, 0);
    if (b->opcode == OP_IF && b->type.param_count > 0)
        start_else(c);
    bool joins = b->opcode != OP_LOOP && (b->reached || b->to_else);
    bool falls = !c->unreachable;
    if (c->blocks.count == 1)
        joins = true; /* the epilogue wants results in place */
    if (joins && falls && !in_place(c, b))
        carry(c, b);
    if (joins) {
        bind_label(c, b);
        x64_bind(c, b->to_else);
        falls |= b->reached || b->to_else;
        if (c->blocks.count == 1) {
            drop_to(c, 0);
        } else if (in_register(b)) {
            restore(c, b, NULL, 0);
            x64_push_reg(c, b->type.results[0], result_register(b->type.results[0]));
        } else {
            restore(c, b, b->type.results, b->type.result_count);
        }
    }
    c->unreachable = !falls;
    c->blocks.count--;
    if (c->blocks.count == 0 && falls)
        x64_epilogue(c);
}

/* ---- Branches ---- */

static void branch(struct x64 *c, uint32_t depth)
{
    struct x64_block *b = block_at(c, depth);
    if (!in_place(c, b))
        carry(c, b);
    jump(c, b);
    set_unreachable(c);
}

static void branch_if(struct x64 *c, uint32_t depth)
{
    struct x64_block *b = block_at(c, depth);
    enum x64_cc cc = x64_pop_condition(c);
    if (in_place(c, b)) {
        jump_if(c, cc, b);
        return;
    }
    uint32_t skip = 0;
    x64_branch_forward(c, cc ^ 1, &skip);
    carry(c, b);
    jump(c, b);
    x64_bind(c, skip);
}

/* A jump table's entry at `at`, for label `b`. */
static void table_entry(struct x64 *c, uint32_t at, uint32_t base, struct x64_block *b)
{
    b->reached = true;
    if (b->opcode == OP_LOOP) {
        uint32_t far = b->head - base;
        memcpy(c->code.start + at, &far, sizeof far);
        return;
    }
    *WASM_APPEND(&c->failure, c->entries) = (struct x64_entry){at, base, b->tables};
    b->tables = (uint32_t)c->entries.count;
}

/* Jumps to one of the addresses that follow, 32 bits each, from the table's start. */
static uint32_t table_jump(struct x64 *c, unsigned index, unsigned table, unsigned target)
{
    struct x64_asm *a = &c->code;
    x64_rm(a, W64 | 0x8d, table, x64_absolute((const void *)(uintptr_t)a->place));
    uint32_t distance = x64_here(a) - 4;
    x64_rm(a, W64 | 0x63, target, x64_indexed((uint8_t)table, (uint8_t)index, 2, 0));
    x64_alu_rr(a, W64, ALU_ADD, target, table);
    x64_rr(a, 0xff, 4, target);
    x64_patch(a, distance, x64_here(a));
    return x64_here(a);
}

static void branch_table(struct x64 *c)
{
    struct x64_asm *a = &c->code;
    uint32_t count = x64_u32(c), other = 0;
    unsigned index = x64_pop_gp(c);
    /* Before the jump: what this spills, the default label wants spilled too. */
    unsigned table = x64_alloc_gp(c), target = x64_alloc_gp(c);
    x64_alu_ri(a, 0, ALU_CMP, index, (int32_t)count);
    jcc_forward(c, CC_AE, &other);
    uint32_t base = table_jump(c, index, table, target);
    x64_room(c, 4 * (size_t)count + X64_ROOM);
    a->at += 4 * (size_t)count;
    for (uint32_t i = 0; i <= count; i++) {
        struct x64_block *b = block_at(c, x64_u32(c));
        x64_room(c, X64_ROOM);
        if (i == count)
            x64_bind(c, other);
        if (in_place(c, b) && i < count) {
            table_entry(c, base + 4 * i, base, b);
            continue;
        }
        uint32_t far = x64_here(a) - base;
        if (i < count)
            memcpy(a->start + base + (size_t)4 * i, &far, sizeof far);
        if (!in_place(c, b))
            carry(c, b);
        jump(c, b);
    }
    set_unreachable(c);
}

bool x64_compile_control(struct x64 *c, uint8_t opcode)
{
    switch (opcode) {
    case OP_UNREACHABLE:
        x64_trap(c, WASM_TRAP_UNREACHABLE);
        set_unreachable(c);
        return true;
    case OP_NOP:
        return true;
    case OP_BLOCK:
    case OP_LOOP:
    case OP_IF:
        open_block(c, opcode);
        return true;
    case OP_ELSE:
        start_else(c);
        return true;
    case OP_END:
        end_block(c);
        return true;
    case OP_BR:
        branch(c, x64_u32(c));
        return true;
    case OP_BR_IF:
        branch_if(c, x64_u32(c));
        return true;
    case OP_BR_TABLE:
        branch_table(c);
        return true;
    case OP_RETURN:
        branch(c, (uint32_t)c->blocks.count - 1);
        return true;
    default:
        x64_compile_call(c, opcode);
        if (opcode == OP_RETURN_CALL || opcode == OP_RETURN_CALL_INDIRECT)
            set_unreachable(c);
        return true;
    }
}
