/* Instructions on floats (specification 4.3.3). */
#include "compiler.h"

enum {
    F32_EQ = 0x5b,
    F64_EQ = 0x61,
    F64_GE = 0x66,
    F32_ABS = 0x8b,
    F64_ABS = 0x99,
    F64_COPYSIGN = 0xa6
};
/* Offsets from the first of a type. */
enum { EQ, NE, LT, GT, LE, GE };
enum { ABS, NEG, CEIL, FLOOR, TRUNC, NEAREST, SQRT, ADD, SUB, MUL, DIV, MIN, MAX, COPYSIGN };

/* What differs between the types. */
struct kind {
    uint8_t type;
    uint32_t scalar; /* prefix of scalar instructions */
    uint32_t packed; /* prefix of ucomis */
    uint32_t round;
    uint64_t sign; /* in every lane */
};
static const struct kind F32 = {WASM_F32, PF3, 0, 0x0a, 0x8000000080000000};
static const struct kind F64 = {WASM_F64, PF2, P66, 0x0b, 0x8000000000000000};

static void apply(struct x64 *c, uint32_t op, unsigned to, struct x64_operand b)
{
    if (b.kind == X64_IN_MEM)
        x64_rm(&c->code, op, to, b.mem);
    else
        x64_rr(&c->code, op, to, b.reg);
}

static void compare(struct x64 *c, const struct kind *k, unsigned op)
{
    static const uint8_t CONDITIONS[] = {CC_FE, CC_FNE, CC_A, CC_A, CC_AE, CC_AE};
    uint32_t ucomis = k->packed | M0F | 0x2e;
    if (op == LT || op == LE) { /* exchanged, so that an unordered result is false */
        unsigned b = x64_pop_xmm(c);
        apply(c, ucomis, b, x64_pop_xmm_operand(c));
    } else {
        struct x64_operand b = x64_pop_xmm_operand(c);
        apply(c, ucomis, x64_pop_xmm(c), b);
    }
    x64_push_flags(c, CONDITIONS[op]);
}

static unsigned to_reg(struct x64 *c, const struct kind *k, struct x64_operand o)
{
    if (o.kind == X64_IN_REG)
        return o.reg;
    unsigned reg = x64_alloc_xmm(c);
    x64_load_value(c, k->type, reg, o.mem);
    return reg;
}

static void arithmetic(struct x64 *c, const struct kind *k, unsigned op)
{
    static const uint8_t OPS[] = {[ADD] = 0x58, [SUB] = 0x5c, [MUL] = 0x59, [DIV] = 0x5e};
    bool commutes = op == ADD || op == MUL;
    uint32_t code = k->scalar | M0F | OPS[op];
    struct x64_operand b = x64_pop_xmm_operand(c), first = x64_pop_xmm_operand(c);
    if (commutes && first.kind == X64_IN_MEM && b.kind == X64_IN_REG) {
        struct x64_operand other = first;
        first = b;
        b = other;
    }
    unsigned a = to_reg(c, k, first), candidate = a;
    if (commutes && !x64_is_temp(c, a) && b.kind == X64_IN_REG && x64_is_temp(c, b.reg))
        candidate = b.reg;
    unsigned to = x64_dest_xmm(c, candidate);
    bool over_b = b.kind == X64_IN_REG && b.reg == to && a != to;
    if (over_b && commutes) {
        x64_rr(&c->code, code, to, a);
    } else if (over_b) {
        x64_move(c, k->type, XMM15, a);
        apply(c, code, XMM15, b);
        x64_move(c, k->type, to, XMM15);
    } else {
        x64_move(c, k->type, to, a);
        apply(c, code, to, b);
    }
    x64_push_reg(c, k->type, to);
}

/* minss and maxss answer the second operand where one is NaN or both are zero. */
static void extreme(struct x64 *c, const struct kind *k, bool min)
{
    struct x64_asm *a = &c->code;
    unsigned b = x64_pop_xmm(c), to = x64_pop_xmm_tmp(c);
    x64_rr(a, k->packed | M0F | 0x2e, to, b);
    uint32_t differ = x64_jcc(a, CC_NE, 0), nan = x64_jcc(a, CC_P, 0);
    x64_rr(a, M0F | (min ? 0x56 : 0x54), to, b); /* orps, andps: the signs of zeros */
    uint32_t done = x64_jmp(a, 0);
    x64_patch(a, nan, x64_here(a));
    x64_rr(a, k->scalar | M0F | 0x58, to, b); /* the sum is a quiet NaN */
    uint32_t also_done = x64_jmp(a, 0);
    x64_patch(a, differ, x64_here(a));
    x64_rr(a, k->scalar | M0F | (min ? 0x5d : 0x5f), to, b);
    x64_patch(a, done, x64_here(a));
    x64_patch(a, also_done, x64_here(a));
    x64_push_reg(c, k->type, to);
}

static void copy_sign(struct x64 *c, const struct kind *k)
{
    struct x64_asm *a = &c->code;
    unsigned b = x64_pop_xmm(c);
    x64_move(c, k->type, XMM15, b);
    x64_rm(a, M0F | 0x54, XMM15, x64_constant(c, k->sign, k->sign, 16));
    unsigned to = x64_pop_xmm_tmp(c);
    x64_rm(a, M0F | 0x54, to, x64_constant(c, ~k->sign, ~k->sign, 16));
    x64_rr(a, M0F | 0x56, to, XMM15);
    x64_push_reg(c, k->type, to);
}

static void unary(struct x64 *c, const struct kind *k, unsigned op)
{
    static const uint8_t MODES[] = {[CEIL] = 2, [FLOOR] = 1, [TRUNC] = 3, [NEAREST] = 0};
    enum { NO_EXCEPTION = 8 };
    struct x64_asm *a = &c->code;
    unsigned from = x64_pop_xmm(c), to = x64_dest_xmm(c, from);
    if (op == SQRT) {
        x64_rr(a, k->scalar | M0F | 0x51, to, from);
    } else if (op == ABS || op == NEG) {
        uint64_t mask = op == NEG ? k->sign : ~k->sign;
        x64_move(c, k->type, to, from);
        x64_rm(a, M0F | (op == NEG ? 0x57 : 0x54), to, x64_constant(c, mask, mask, 16));
    } else {
        x64_rri(a, P66 | M3A | k->round, to, from, MODES[op] | NO_EXCEPTION);
    }
    x64_push_reg(c, k->type, to);
}

bool x64_compile_float(struct x64 *c, uint8_t opcode)
{
    if (opcode >= F32_EQ && opcode <= F64_GE) {
        if (opcode < F64_EQ)
            compare(c, &F32, opcode - F32_EQ);
        else
            compare(c, &F64, opcode - F64_EQ);
        return true;
    }
    if (opcode < F32_ABS || opcode > F64_COPYSIGN)
        return false;
    const struct kind *k = opcode < F64_ABS ? &F32 : &F64;
    unsigned op = opcode - (opcode < F64_ABS ? F32_ABS : F64_ABS);
    if (op <= SQRT)
        unary(c, k, op);
    else if (op <= DIV)
        arithmetic(c, k, op);
    else if (op <= MAX)
        extreme(c, k, op == MIN);
    else
        copy_sign(c, k);
    return true;
}
