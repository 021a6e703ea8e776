/* Values to registers and memory; see compiler.h. */
#include "compiler.h"

void x64_load_value(struct x64 *c, uint8_t type, unsigned reg, struct x64_mem m)
{
    struct x64_asm *a = &c->code;
    switch (type) {
    case WASM_F32:
        x64_rm(a, PF3 | M0F | 0x10, reg, m); /* movss */
        break;
    case WASM_F64:
        x64_rm(a, PF2 | M0F | 0x10, reg, m); /* movsd */
        break;
    case WASM_V128:
        x64_rm(a, M0F | 0x10, reg, m); /* movups */
        break;
    default:
        x64_rm(a, x64_width(type) | 0x8b, reg, m);
    }
}

/* An integer goes to a slot as 64 bits, whatever its type: helpers read whole words. */
void x64_store_value(struct x64 *c, uint8_t type, unsigned reg, struct x64_mem m)
{
    struct x64_asm *a = &c->code;
    switch (type) {
    case WASM_F32:
        x64_rm(a, PF3 | M0F | 0x11, reg, m);
        break;
    case WASM_F64:
        x64_rm(a, PF2 | M0F | 0x11, reg, m);
        break;
    case WASM_V128:
        x64_rm(a, M0F | 0x11, reg, m);
        break;
    default:
        x64_rm(a, W64 | 0x89, reg, m);
    }
}

void x64_move(struct x64 *c, uint8_t type, unsigned to, unsigned from)
{
    if (to == from)
        return;
    if (x64_is_vector(type))
        x64_rr(&c->code, M0F | 0x28, to, from); /* movaps */
    else
        x64_mov_rr(&c->code, x64_width(type), to, from);
}

void x64_load_const(struct x64 *c, uint8_t type, unsigned reg, uint64_t bits)
{
    if (!x64_is_vector(type))
        x64_mov_ri(&c->code, reg, bits);
    else if (bits == 0)
        x64_rr(&c->code, M0F | 0x57, reg, reg); /* xorps */
    else
        x64_load_value(c, type, reg, x64_constant(c, bits, 0, 8));
}

struct x64_mem x64_constant(struct x64 *c, uint64_t low, uint64_t high, uint32_t size)
{
    enum { LOOK_BACK = 16 };
    size_t count = c->constants.count;
    for (size_t i = count; i-- > 0 && count - i <= LOOK_BACK;) {
        const struct x64_constant *k = &c->constants.items[i];
        if (k->low == low && k->high == high && k->size == size)
            return (struct x64_mem){X64_POOL, X64_NONE, 0, (int32_t)i, 0};
    }
    *WASM_APPEND(&c->failure, c->constants) = (struct x64_constant){low, high, size, 0};
    c->code.constants = c->constants.items;
    return (struct x64_mem){X64_POOL, X64_NONE, 0, (int32_t)count, 0};
}

void x64_flags_to_reg(struct x64 *c, enum x64_cc cc, unsigned reg)
{
    struct x64_asm *a = &c->code;
    if (cc < CC_FE) {
        x64_setcc(a, cc, reg);
        return;
    }
    /* Equal and ordered: ZF and not PF. The moves leave flags alone. */
    x64_rr(a, BYTE | M0F | 0x90 | (cc == CC_FE ? CC_NP : CC_P), 0, reg);
    x64_rr(a, BYTE | M0F | 0xb6, reg, reg);
    unsigned other = x64_alloc_gp(c);
    x64_mov_ri(a, other, cc == CC_FE ? 0 : 1);
    x64_rr(a, M0F | 0x40 | CC_NE, reg, other); /* cmovne */
}

void x64_value_to_reg(struct x64 *c, const struct x64_value *v, uint32_t height, unsigned reg)
{
    switch (v->kind) {
    case X64_CONST:
        x64_load_const(c, v->type, reg, v->bits);
        break;
    case X64_LOCAL:
        if (c->locals.items[v->local].reg != X64_NONE)
            x64_move(c, v->type, reg, c->locals.items[v->local].reg);
        else
            x64_load_value(c, v->type, reg, x64_local_mem(c, v->local));
        break;
    case X64_REG:
        x64_move(c, v->type, reg, v->reg);
        break;
    case X64_SLOT:
        x64_load_value(c, v->type, reg, x64_slot(c, height));
        break;
    default:
        x64_flags_to_reg(c, v->cc, reg);
    }
}

/* An integer or float constant to memory, in two halves where it has to be. */
static void const_to_mem(struct x64 *c, uint64_t bits, struct x64_mem m)
{
    struct x64_asm *a = &c->code;
    if (bits == (uint64_t)(int64_t)(int32_t)bits) {
        x64_rm_imm(a, W64 | 0xc7, 0, m, (uint32_t)bits, 4);
        return;
    }
    x64_rm_imm(a, 0xc7, 0, m, (uint32_t)bits, 4);
    m.disp += 4;
    m.target += 4;
    x64_rm_imm(a, 0xc7, 0, m, (uint32_t)(bits >> 32), 4);
}

static uint8_t vector_type(uint8_t type)
{
    return x64_is_vector(type) ? type : WASM_F64;
}

void x64_value_to_mem(struct x64 *c, const struct x64_value *v, uint32_t height,
                      struct x64_mem m)
{
    struct x64_mem from;
    switch (v->kind) {
    case X64_CONST:
        const_to_mem(c, v->bits, m);
        return;
    case X64_REG:
        x64_store_value(c, v->type, v->reg, m);
        return;
    case X64_LOCAL:
        if (c->locals.items[v->local].reg != X64_NONE) {
            x64_store_value(c, v->type, c->locals.items[v->local].reg, m);
            return;
        }
        from = x64_local_mem(c, v->local);
        break;
    default: /* X64_SLOT; flags are never below */
        from = x64_slot(c, height);
        if (from.base == m.base && from.disp == m.disp)
            return;
    }
    x64_load_value(c, vector_type(v->type), XMM15, from);
    x64_store_value(c, vector_type(v->type), XMM15, m);
}
