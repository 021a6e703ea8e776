/* The abstract operand stack and its registers; see compiler.h. */
#include "compiler.h"

enum { GP = 0xffff };

static uint32_t class_of(unsigned reg)
{
    return reg < 16 ? GP : ~(uint32_t)GP;
}

struct x64_mem x64_slot(const struct x64 *c, uint32_t height)
{
    return x64_at(RSP, c->pushed + c->slots + (int32_t)(height << c->unit));
}

struct x64_mem x64_local_mem(const struct x64 *c, uint32_t local)
{
    return x64_at(RSP, c->pushed + c->locals.items[local].slot);
}

/* ---- Allocation ---- */

static void forget_local(struct x64 *c, uint32_t local)
{
    struct x64_local *l = &c->locals.items[local];
    if (l->refs != UINT8_MAX)
        l->refs--;
}

/* Value `height` is in a register: to its slot. */
static void spill(struct x64 *c, uint32_t height)
{
    struct x64_value *v = &c->values[height];
    x64_store_value(c, v->type, v->reg, x64_slot(c, height));
    if (x64_is_temp(c, v->reg))
        c->free |= X64_BIT(v->reg);
    v->kind = X64_SLOT;
}

static unsigned pick(uint32_t mask)
{
    uint32_t plain = mask & ~(X64_BIT(RCX) | X64_BIT(RDX));
    return (unsigned)__builtin_ctz(plain ? plain : mask);
}

static unsigned alloc(struct x64 *c, uint32_t class)
{
    uint32_t usable = c->free & class & ~c->pinned;
    uint32_t *below = &c->cool[class != GP];
    bool cool = true;
    for (uint32_t h = *below; !usable && h < c->count; h++) {
        const struct x64_value *v = &c->values[h];
        if (v->kind == X64_REG && (X64_BIT(v->reg) & c->temps & class & ~c->pinned)) {
            spill(c, h);
            usable = c->free & class & ~c->pinned;
        }
        cool = cool && !(v->kind == X64_REG && X64_BIT(v->reg) & class);
        *below += cool;
    }
    if (!usable)
        x64_give_up(c, "an instruction needs more registers than there are");
    unsigned reg = pick(usable);
    c->pinned |= X64_BIT(reg);
    return reg;
}

unsigned x64_alloc_gp(struct x64 *c)
{
    return alloc(c, GP);
}

unsigned x64_alloc_xmm(struct x64 *c)
{
    return alloc(c, ~(uint32_t)GP);
}

void x64_claim(struct x64 *c, unsigned reg)
{
    if (!(c->free & X64_BIT(reg))) {
        for (uint32_t h = c->count; h-- > c->cool[reg >= 16];) {
            struct x64_value *v = &c->values[h];
            if (v->kind != X64_REG || v->reg != reg)
                continue;
            uint32_t others = c->free & class_of(reg) & ~c->pinned;
            if (others) {
                unsigned to = pick(others);
                x64_move(c, v->type, to, reg);
                v->reg = (uint8_t)to;
                c->free &= ~X64_BIT(to);
                c->free |= X64_BIT(reg);
            } else {
                spill(c, h);
            }
            break;
        }
    }
    c->pinned |= X64_BIT(reg);
}

/* ---- Pushing ---- */

static struct x64_value *push(struct x64 *c, uint8_t kind, uint8_t type)
{
    struct x64_value *v = &c->values[c->count++];
    v->kind = kind;
    v->type = type;
    return v;
}

void x64_push_const(struct x64 *c, uint8_t type, uint64_t bits)
{
    push(c, X64_CONST, type)->bits = bits;
}

void x64_push_local(struct x64 *c, uint32_t local)
{
    struct x64_local *l = &c->locals.items[local];
    if (l->refs != UINT8_MAX)
        l->refs++;
    push(c, X64_LOCAL, l->type)->local = local;
}

void x64_push_reg(struct x64 *c, uint8_t type, unsigned reg)
{
    push(c, X64_REG, type)->reg = (uint8_t)reg;
    if (x64_is_temp(c, reg))
        c->free &= ~X64_BIT(reg);
}

void x64_push_slot(struct x64 *c, uint8_t type)
{
    push(c, X64_SLOT, type);
}

void x64_push_flags(struct x64 *c, enum x64_cc cc)
{
    push(c, X64_FLAGS, WASM_I32)->cc = (uint8_t)cc;
}

/* ---- Popping ---- */

static struct x64_value *take(struct x64 *c)
{
    struct x64_value *v = &c->values[--c->count];
    if (c->settled > c->count)
        c->settled = c->count;
    for (unsigned i = 0; i < 2; i++)
        if (c->cool[i] > c->count)
            c->cool[i] = c->count;
    if (v->kind == X64_REG && x64_is_temp(c, v->reg)) {
        c->free |= X64_BIT(v->reg);
        c->pinned |= X64_BIT(v->reg);
    } else if (v->kind == X64_LOCAL) {
        forget_local(c, v->local);
    }
    return v;
}

/* A register of value's kind that holds it, just popped from height c->count. */
static unsigned in_reg(struct x64 *c, const struct x64_value *v)
{
    if (v->kind == X64_REG)
        return v->reg;
    if (v->kind == X64_LOCAL && c->locals.items[v->local].reg != X64_NONE)
        return c->locals.items[v->local].reg;
    struct x64_value copy = *v;
    unsigned reg = x64_is_vector(v->type) ? x64_alloc_xmm(c) : x64_alloc_gp(c);
    x64_value_to_reg(c, &copy, c->count, reg);
    return reg;
}

unsigned x64_pop_gp(struct x64 *c)
{
    return in_reg(c, take(c));
}

unsigned x64_pop_xmm(struct x64 *c)
{
    return in_reg(c, take(c));
}

static unsigned pop_tmp(struct x64 *c)
{
    struct x64_value v = *take(c);
    unsigned reg = in_reg(c, &v);
    if (x64_is_temp(c, reg))
        return reg;
    unsigned copy = x64_is_vector(v.type) ? x64_alloc_xmm(c) : x64_alloc_gp(c);
    x64_move(c, v.type, copy, reg);
    return copy;
}

unsigned x64_pop_gp_tmp(struct x64 *c)
{
    return pop_tmp(c);
}

unsigned x64_pop_xmm_tmp(struct x64 *c)
{
    return pop_tmp(c);
}

void x64_pop_into(struct x64 *c, unsigned reg)
{
    struct x64_value v = *take(c);
    c->pinned |= X64_BIT(reg);
    x64_value_to_reg(c, &v, c->count, reg);
}

void x64_drop(struct x64 *c)
{
    take(c);
}

struct x64_operand x64_pop_operand(struct x64 *c)
{
    struct x64_value v = *take(c);
    struct x64_operand o = {.kind = X64_IN_MEM, .reg = X64_NONE};
    bool wide = x64_width(v.type) != 0;
    if (v.kind == X64_CONST && (!wide || v.bits == (uint64_t)(int64_t)(int32_t)v.bits)) {
        o.kind = X64_IMM;
        o.imm = (int32_t)v.bits;
    } else if (v.kind == X64_SLOT) {
        o.mem = x64_slot(c, c->count);
    } else if (v.kind == X64_LOCAL && c->locals.items[v.local].reg == X64_NONE) {
        o.mem = x64_local_mem(c, v.local);
    } else {
        o.kind = X64_IN_REG;
        o.reg = in_reg(c, &v);
    }
    return o;
}

struct x64_operand x64_pop_xmm_operand(struct x64 *c)
{
    struct x64_value v = *take(c);
    struct x64_operand o = {.kind = X64_IN_MEM, .reg = X64_NONE};
    if (v.type == WASM_V128) { /* in memory it would have to be aligned */
        o.kind = X64_IN_REG;
        o.reg = in_reg(c, &v);
    } else if (v.kind == X64_CONST && v.bits != 0) {
        o.mem = x64_constant(c, v.bits, 0, 8);
    } else if (v.kind == X64_SLOT) {
        o.mem = x64_slot(c, c->count);
    } else if (v.kind == X64_LOCAL && c->locals.items[v.local].reg == X64_NONE) {
        o.mem = x64_local_mem(c, v.local);
    } else {
        o.kind = X64_IN_REG;
        o.reg = in_reg(c, &v);
    }
    return o;
}

/* ---- Where results go ---- */

/* The register of the local that the next instruction assigns, if it has one of this kind.
 * Values that name the local get copies. */
static unsigned next_assigned(struct x64 *c, bool vector)
{
    if (c->at[0] != OP_LOCAL_SET && c->at[0] != OP_LOCAL_TEE)
        return X64_NONE;
    uint32_t index = c->at[1];
    if (index >= 0x80) {
        if (c->at[2] >= 0x80)
            return X64_NONE;
        index = (index & 0x7f) | (uint32_t)c->at[2] << 7;
    }
    unsigned reg = c->locals.items[index].reg;
    if (reg == X64_NONE || (reg >= 16) != vector)
        return X64_NONE;
    x64_release_local(c, index);
    return reg;
}

static unsigned dest(struct x64 *c, unsigned a, bool vector)
{
    unsigned reg = next_assigned(c, vector);
    if (reg != X64_NONE)
        return reg;
    if (x64_is_temp(c, a))
        return a;
    return alloc(c, vector ? ~(uint32_t)GP : GP);
}

unsigned x64_dest_gp(struct x64 *c, unsigned a)
{
    return dest(c, a, false);
}

unsigned x64_dest_xmm(struct x64 *c, unsigned a)
{
    return dest(c, a, true);
}

/* ---- Settling ---- */

void x64_settle_flags(struct x64 *c)
{
    enum x64_cc cc = x64_top(c)->cc;
    x64_drop(c);
    unsigned reg = x64_alloc_gp(c);
    x64_flags_to_reg(c, cc, reg);
    x64_push_reg(c, WASM_I32, reg);
}

/* No value below `height` is in a temporary. */
static void all_cool(struct x64 *c, uint32_t height)
{
    for (unsigned i = 0; i < 2; i++)
        if (c->cool[i] < height)
            c->cool[i] = height;
}

/* Value `height`, unless it is a constant, to its slot. */
static void go_home(struct x64 *c, uint32_t height)
{
    struct x64_value *v = &c->values[height];
    if (v->kind == X64_REG) {
        spill(c, height);
    } else if (v->kind == X64_LOCAL) {
        x64_room(c, X64_ROOM);
        x64_value_to_mem(c, v, height, x64_slot(c, height));
        forget_local(c, v->local);
        v->kind = X64_SLOT;
    }
}

void x64_settle(struct x64 *c)
{
    enum { UNSETTLED_MAX = 32 };
    if (c->count - c->settled <= UNSETTLED_MAX)
        return;
    x64_room(c, X64_ROOM);
    x64_flush(c, c->count - UNSETTLED_MAX);
}

void x64_flush(struct x64 *c, uint32_t height)
{
    for (uint32_t h = c->settled; h < height; h++)
        go_home(c, h);
    if (c->settled < height)
        c->settled = height;
    all_cool(c, height);
}

void x64_flush_all(struct x64 *c, uint32_t from)
{
    x64_flush(c, c->count);
    for (uint32_t h = from; h < c->count; h++) {
        struct x64_value *v = &c->values[h];
        if (v->kind == X64_CONST) {
            x64_room(c, X64_ROOM);
            x64_value_to_mem(c, v, h, x64_slot(c, h));
            v->kind = X64_SLOT;
        }
    }
}

void x64_spill_temps(struct x64 *c, uint32_t height)
{
    for (uint32_t h = c->cool[0] < c->cool[1] ? c->cool[0] : c->cool[1]; h < height; h++)
        if (c->values[h].kind == X64_REG)
            spill(c, h);
    all_cool(c, height);
}

void x64_release_local(struct x64 *c, uint32_t index)
{
    struct x64_local *l = &c->locals.items[index];
    for (uint32_t h = c->count; l->refs && h-- > c->settled;) {
        struct x64_value *v = &c->values[h];
        if (v->kind != X64_LOCAL || v->local != index)
            continue;
        x64_room(c, X64_ROOM);
        uint32_t class = x64_is_vector(l->type) ? ~(uint32_t)GP : GP;
        uint32_t usable = c->free & class & ~c->pinned;
        if (usable) {
            unsigned reg = pick(usable);
            x64_value_to_reg(c, v, h, reg);
            forget_local(c, index);
            v->kind = X64_REG;
            v->reg = (uint8_t)reg;
            c->free &= ~X64_BIT(reg);
            if (c->cool[class != GP] > h)
                c->cool[class != GP] = h;
        } else {
            go_home(c, h);
        }
    }
}
