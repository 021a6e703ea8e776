/* Calls, prologue and epilogue; the convention is drawn in compiler.h. */
#include "compiler.h"

#include <stddef.h>

struct pair {
    uint8_t to, from, type;
};

enum { PAIRS = X64_INTEGER_ARGS + X64_VECTOR_ARGS };

/* Moves registers to registers, all at once. A cycle of vectors goes through xmm15. */
static void move_all(struct x64 *c, struct pair *pairs, unsigned count)
{
    while (count > 0) {
        uint32_t sources = 0;
        for (unsigned i = 0; i < count; i++)
            if (pairs[i].to != pairs[i].from)
                sources |= X64_BIT(pairs[i].from);
        unsigned left = 0;
        bool moved = false;
        for (unsigned i = 0; i < count; i++) {
            if (pairs[i].to == pairs[i].from) {
                moved = true;
            } else if (!(sources & X64_BIT(pairs[i].to))) {
                x64_move(c, pairs[i].type, pairs[i].to, pairs[i].from);
                moved = true;
            } else {
                pairs[left++] = pairs[i];
            }
        }
        count = left;
        if (moved || count == 0)
            continue;
        /* Only cycles are left: exchange, so that pairs[0] is done. */
        unsigned to = pairs[0].to, from = pairs[0].from;
        if (to < 16) {
            x64_rr(&c->code, W64 | 0x87, to, from);
        } else {
            x64_move(c, WASM_V128, XMM15, to);
            x64_move(c, WASM_V128, to, from);
            x64_move(c, WASM_V128, from, XMM15);
        }
        for (unsigned i = 1; i < count; i++) {
            if (pairs[i].from == to)
                pairs[i].from = (uint8_t)from;
            else if (pairs[i].from == from)
                pairs[i].from = (uint8_t)to;
        }
        pairs[0].from = pairs[0].to;
    }
}

/* ---- Entry and return ---- */

enum { SMALL_FRAME = 4096 };

static void check_stack(struct x64 *c)
{
    struct x64_asm *a = &c->code;
    if (!WASM_LIMITS)
        return;
    struct x64_mem limit = x64_absolute(&c->native->stack_limit);
    uint32_t start = x64_here(a);
    const uint8_t *stub = c->native->grow_stack;
    if (c->function->frame_bytes < SMALL_FRAME) {
        x64_alu_rm(a, W64, ALU_CMP, RSP, limit);
    } else {
        x64_lea(a, W64, RAX, x64_at(RSP, -(int32_t)c->function->frame_bytes));
        x64_alu_rm(a, W64, ALU_CMP, RAX, limit);
        stub = c->native->grow_stack_far;
    }
    x64_exit(c, x64_jcc(a, CC_B, 0), stub, start);
}

static void charge(struct x64 *c, const uint8_t *stub)
{
    uint32_t start = x64_here(&c->code);
    if (!WASM_LIMITS)
        return;
    x64_rr(&c->code, W64 | 0xff, 1, R15); /* dec */
    x64_exit(c, x64_jcc(&c->code, CC_S, 0), stub, start);
}

void x64_charge_loop(struct x64 *c)
{
    charge(c, c->native->refill);
}

static void receive_parameters(struct x64 *c)
{
    const struct wasm_func_type *type = &c->function->type->type;
    struct pair pairs[PAIRS];
    unsigned count = 0;
    for (uint32_t i = 0; i < type->param_count; i++) {
        x64_room(c, X64_ROOM);
        const struct x64_local *l = &c->locals.items[i];
        unsigned from = l->arrives;
        if (from != X64_NONE && l->reg != X64_NONE)
            pairs[count++] = (struct pair){l->reg, (uint8_t)from, l->type};
        else if (from != X64_NONE)
            x64_store_value(c, l->type, from, x64_local_mem(c, i));
    }
    move_all(c, pairs, count);
    for (uint32_t i = 0; i < type->param_count; i++) {
        const struct x64_local *l = &c->locals.items[i];
        if (l->reg != X64_NONE && l->slot >= (int32_t)c->function->frame_bytes + 8)
            x64_load_value(c, l->type, l->reg, x64_local_mem(c, i));
    }
}

/* Zeros [from, to) of the frame; rax, rcx and xmm15 are free. */
static void clear_slots(struct x64 *c, int32_t from, int32_t to)
{
    enum { UNROLLED = 16 };
    struct x64_asm *a = &c->code;
    if (from == to)
        return;
    if (to - from == 8) {
        x64_rm_imm(a, W64 | 0xc7, 0, x64_at(RSP, from), 0, 4);
        return;
    }
    x64_rr(a, M0F | 0x57, XMM15, XMM15);
    /* 16 bytes at a time; an odd word at the end is covered twice. */
    int32_t pairs = (to - from) / 16;
    if (pairs <= UNROLLED) {
        for (int32_t at = from; at + 16 <= to; at += 16)
            x64_rm(a, M0F | 0x11, XMM15, x64_at(RSP, at));
    } else {
        x64_lea(a, W64, RAX, x64_at(RSP, from));
        x64_mov_ri(a, RCX, (uint32_t)pairs);
        uint32_t loop = x64_here(a);
        x64_rm(a, M0F | 0x11, XMM15, x64_at(RAX, 0));
        x64_alu_ri(a, W64, ALU_ADD, RAX, 16);
        x64_rr(a, 0xff, 1, RCX);
        x64_jcc_to(a, CC_NE, loop);
    }
    if ((to - from) % 16)
        x64_rm(a, M0F | 0x11, XMM15, x64_at(RSP, to - 16));
}

static void clear_locals(struct x64 *c)
{
    uint32_t params = c->function->type->type.param_count;
    int32_t first = c->slots;
    for (uint32_t i = params; i < c->locals.count; i++) {
        struct x64_local *l = &c->locals.items[i];
        if (l->reg == X64_NONE) {
            first = l->slot < first ? l->slot : first;
            continue;
        }
        if (l->reg < 16)
            x64_alu_rr(&c->code, 0, ALU_XOR, l->reg, l->reg);
        else
            x64_rr(&c->code, M0F | 0x57, l->reg, l->reg);
    }
    clear_slots(c, first, c->slots);
}

void x64_prologue(struct x64 *c, bool leaf)
{
    struct x64_asm *a = &c->code;
    if (!leaf || c->function->frame_bytes >= SMALL_FRAME)
        check_stack(c);
    charge(c, c->native->refill_entry);
    for (unsigned reg = 0; reg < 16; reg++)
        if (c->saved & X64_BIT(reg))
            x64_push(a, reg);
    if (c->frame)
        x64_alu_ri(a, W64, ALU_SUB, RSP, (int32_t)c->frame);
    receive_parameters(c);
    clear_locals(c);
}

static void leave_frame(struct x64 *c)
{
    if (c->frame)
        x64_alu_ri(&c->code, W64, ALU_ADD, RSP, (int32_t)c->frame);
    for (unsigned reg = 16; reg-- > 0;)
        if (c->saved & X64_BIT(reg))
            x64_pop(&c->code, reg);
}

void x64_epilogue(struct x64 *c)
{
    leave_frame(c);
    x64_ret(&c->code, wasm_x64_stack_args(&c->function->type->type));
}

/* ---- Calls ---- */

/* Copies the top values to where a function of `type` expects its arguments, of which `stack`
 * bytes are put below rsp. The values stay on the abstract stack. */
static void pass_arguments(struct x64 *c, const struct wasm_func_type *type, uint32_t stack)
{
    struct pair pairs[PAIRS];
    unsigned count = 0, integers = 0, vectors = 0;
    uint32_t base = c->count - type->param_count;
    int32_t at = 0;
    if (stack)
        x64_alu_ri(&c->code, W64, ALU_SUB, RSP, (int32_t)stack);
    c->pushed += (int32_t)stack;
    uint8_t to[PAIRS];
    uint32_t from[PAIRS]; /* values that are not in registers, by height */
    unsigned later = 0;
    for (uint32_t i = 0; i < type->param_count; i++) {
        const struct x64_value *v = &c->values[base + i];
        unsigned reg = X64_NONE, source = X64_NONE;
        if (x64_is_vector(v->type))
            reg = vectors < X64_VECTOR_ARGS ? XMM0 + vectors++ : X64_NONE;
        else
            reg = integers < X64_INTEGER_ARGS ? x64_arguments[integers++] : X64_NONE;
        if (reg == X64_NONE) {
            x64_room(c, X64_ROOM);
            x64_value_to_mem(c, v, base + i, x64_at(RSP, at));
            at += v->type == WASM_V128 ? 16 : 8;
            continue;
        }
        if (v->kind == X64_REG)
            source = v->reg;
        else if (v->kind == X64_LOCAL)
            source = c->locals.items[v->local].reg;
        if (source != X64_NONE) {
            pairs[count++] = (struct pair){(uint8_t)reg, (uint8_t)source, v->type};
        } else {
            to[later] = (uint8_t)reg;
            from[later++] = base + i;
        }
    }
    move_all(c, pairs, count);
    for (unsigned i = 0; i < later; i++)
        x64_value_to_reg(c, &c->values[from[i]], from[i], to[i]);
}

static void drop_many(struct x64 *c, uint32_t count)
{
    while (count-- > 0)
        x64_drop(c);
}

static void push_results(struct x64 *c, const struct wasm_func_type *type)
{
    if (type->result_count == 1) {
        x64_push_reg(c, type->results[0], x64_is_vector(type->results[0]) ? XMM0 : RAX);
        return;
    }
    const uint64_t *from = c->native->results;
    for (uint32_t i = 0; i < type->result_count; i++) {
        bool wide = type->results[i] == WASM_V128;
        uint8_t as = wide ? WASM_V128 : WASM_F64;
        x64_room(c, X64_ROOM);
        x64_load_value(c, as, XMM15, x64_absolute(from));
        x64_store_value(c, as, XMM15, x64_slot(c, c->count));
        x64_push_slot(c, type->results[i]);
        from += 1 + wide;
    }
}

/* What a call instruction names. */
struct callee {
    const struct wasm_func_type *type;
    struct wasm_func *function; /* NULL: its code's address is in rax */
    bool foreign;               /* perhaps of another instance */
};

static void call(struct x64 *c, const struct callee *callee)
{
    struct wasm_func *f = callee->function;
    if (!f)
        x64_rr(&c->code, 0xff, 2, RAX);
    else if (callee->foreign)
        x64_call_to(&c->code, (uintptr_t)f->code);
    else
        x64_call_own(c, f, true);
    if (callee->foreign || c->module->leaves)
        x64_rm(&c->code, W64 | 0x8b, R14, x64_absolute(&c->instance->data->memory));
}

static void keep_locals(struct x64 *c, bool save)
{
    for (uint32_t i = 0; i < c->kept_count; i++) {
        const struct x64_local *l = &c->locals.items[c->kept[i]];
        struct x64_mem m = x64_local_mem(c, c->kept[i]);
        if (save)
            x64_store_value(c, l->type, l->reg, m);
        else
            x64_load_value(c, l->type, l->reg, m);
    }
}

static void plain_call(struct x64 *c, const struct callee *callee)
{
    uint32_t params = callee->type->param_count;
    x64_spill_temps(c, c->count - params);
    keep_locals(c, true);
    pass_arguments(c, callee->type, wasm_x64_stack_args(callee->type));
    drop_many(c, params);
    call(c, callee);
    c->pushed = 0;
    keep_locals(c, false);
    push_results(c, callee->type);
}

/* Replaces this frame by that of the callee. The new return address and stack arguments, made
 * at the bottom, move up to where the old ones end. */
static void replace_frame(struct x64 *c, const struct callee *callee)
{
    struct x64_asm *a = &c->code;
    uint32_t stack = wasm_x64_stack_args(callee->type);
    uint32_t own = wasm_x64_stack_args(&c->function->type->type);
    int32_t back = (int32_t)c->function->frame_bytes; /* of the return address */
    pass_arguments(c, callee->type, stack);
    if (stack == 0 && own == 0) {
        leave_frame(c);
    } else {
        int32_t saved = (int32_t)(c->frame + stack);
        for (unsigned reg = 16; reg-- > 0;) {
            if (!(c->saved & X64_BIT(reg)))
                continue;
            x64_rm(a, W64 | 0x8b, reg, x64_at(RSP, saved));
            saved += 8;
        }
        x64_rm(a, W64 | 0xff, 6, x64_at(RSP, back + (int32_t)stack)); /* push */
        int32_t words = (int32_t)stack / 8 + 1;
        int32_t end = 8 + (int32_t)stack + back + 8 + (int32_t)own;
        for (int32_t i = 1; i <= words; i++) {
            x64_room(c, X64_ROOM);
            x64_load_value(c, WASM_F64, XMM15, x64_at(RSP, (words - i) * 8));
            x64_store_value(c, WASM_F64, XMM15, x64_at(RSP, end - i * 8));
        }
        x64_lea(a, W64, RSP, x64_at(RSP, end - words * 8));
    }
    c->pushed = 0;
    if (!callee->function)
        x64_rr(a, 0xff, 4, RAX);
    else if (callee->foreign)
        x64_jmp_address(a, (uintptr_t)callee->function->code);
    else
        x64_call_own(c, callee->function, false);
}

/* A host function knows its caller by the return address, and returns at once: in tail position
 * the frame may stay. */
static void call_and_return(struct x64 *c, const struct callee *callee)
{
    pass_arguments(c, callee->type, wasm_x64_stack_args(callee->type));
    call(c, callee);
    c->pushed = 0;
    x64_epilogue(c);
}

/* rax = code of the element that the top operand names, of type `type`; r9 = its function's
 * instance, if asked for. */
static void resolve(struct x64 *c, uint32_t table, const struct wasm_type_entry *type,
                    bool instance)
{
    struct x64_asm *a = &c->code;
    x64_claim(c, RAX);
    if (instance)
        x64_claim(c, R9);
    unsigned index = x64_pop_gp(c);
    x64_mov_ri(a, RAX, (uintptr_t)c->instance->tables[table]);
    x64_alu_rm(a, 0, ALU_CMP, index, x64_at(RAX, offsetof(struct wasm_table, size)));
    x64_trap_if(c, CC_AE, WASM_TRAP_UNDEFINED_ELEMENT);
    x64_rm(a, W64 | 0x8b, RAX, x64_at(RAX, offsetof(struct wasm_table, elements)));
    x64_rm(a, W64 | 0x8b, RAX, x64_indexed(RAX, (uint8_t)index, 3, 0));
    x64_rr(a, W64 | 0x85, RAX, RAX);
    x64_trap_if(c, CC_E, WASM_TRAP_UNINITIALIZED);
    unsigned wanted = x64_alloc_gp(c);
    x64_mov_ri(a, wanted, (uintptr_t)type);
    x64_alu_rm(a, W64, ALU_CMP, wanted, x64_at(RAX, offsetof(struct wasm_func, type)));
    x64_trap_if(c, CC_NE, WASM_TRAP_INDIRECT_TYPE);
    if (instance)
        x64_rm(a, W64 | 0x8b, R9, x64_at(RAX, offsetof(struct wasm_func, instance)));
    x64_rm(a, W64 | 0x8b, RAX, x64_at(RAX, offsetof(struct wasm_func, code)));
}

static void tail_call(struct x64 *c, const struct callee *callee)
{
    if (callee->function->host)
        call_and_return(c, callee);
    else
        replace_frame(c, callee);
    drop_many(c, callee->type->param_count);
}

/* The same through a table: which of the two is seen only then. */
static void tail_call_indirect(struct x64 *c, const struct callee *callee)
{
    struct x64_asm *a = &c->code;
    x64_flush_all(c, c->count - callee->type->param_count); /* both paths begin alike */
    x64_rr(a, W64 | 0x85, R9, R9); /* test: a host function has no instance */
    uint32_t host = x64_jcc(a, CC_E, 0);
    replace_frame(c, callee);
    x64_patch(a, host, x64_here(a));
    call_and_return(c, callee);
    drop_many(c, callee->type->param_count);
}

void x64_compile_call(struct x64 *c, uint8_t opcode)
{
    bool tail = opcode == OP_RETURN_CALL || opcode == OP_RETURN_CALL_INDIRECT;
    struct callee callee = {NULL, NULL, true};
    uint32_t index = x64_u32(c);
    if (opcode == OP_CALL || opcode == OP_RETURN_CALL) {
        callee.function = c->instance->funcs[index];
        callee.type = &callee.function->type->type;
        callee.foreign = index < c->module->imported_functions;
        if (tail)
            tail_call(c, &callee);
        else
            plain_call(c, &callee);
        return;
    }
    const struct wasm_type_entry *type = c->instance->types[index];
    callee.type = &type->type;
    resolve(c, x64_u32(c), type, tail);
    if (tail)
        tail_call_indirect(c, &callee);
    else
        plain_call(c, &callee);
}
