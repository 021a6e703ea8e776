/* Compiles vector instructions (specification 4.4.3): rows here, lanes, shifts and sequences in
 * the files beside it. Called by compile.c behind the instruction's prefix. */
#include "simd.h"

void x64_simd_copy(struct x64 *c, unsigned to, unsigned from)
{
    x64_move(c, WASM_V128, to, from);
}

unsigned x64_simd_begin(struct x64 *c, unsigned a, unsigned *b)
{
    unsigned d = x64_dest_xmm(c, a);
    if (d == *b && d != a) {
        x64_simd_copy(c, XMM15, *b);
        *b = XMM15;
    }
    x64_simd_copy(c, d, a);
    return d;
}

struct x64_mem x64_simd_twice(struct x64 *c, uint64_t bits)
{
    return x64_constant(c, bits, bits, 16);
}

static void invert(struct x64 *c, unsigned reg)
{
    x64_rr(&c->code, SSE_PCMPEQD, XMM15, XMM15);
    x64_rr(&c->code, SSE_PXOR, reg, XMM15);
}

static unsigned binary(struct x64 *c, const struct x64_simd_row *row)
{
    struct x64_asm *code = &c->code;
    unsigned b = x64_pop_xmm(c), a = x64_pop_xmm(c);
    bool swapped = row->how == X64_SWAPPED || row->how == X64_SWAPPED_IMM ||
                   row->how == X64_INVERTED_SWAPPED;
    unsigned *first = swapped ? &b : &a, *second = swapped ? &a : &b;
    unsigned d = x64_simd_begin(c, *first, second);
    if (row->how == X64_BINARY_IMM || row->how == X64_SWAPPED_IMM)
        x64_rri(code, row->op, d, *second, row->imm);
    else
        x64_rr(code, row->op, d, *second);
    if (row->how == X64_INVERTED || row->how == X64_INVERTED_SWAPPED)
        invert(c, d);
    return d;
}

/* Minimum or maximum, which does not mind the operands' order, and whether it is a. */
static unsigned same(struct x64 *c, const struct x64_simd_row *row)
{
    unsigned b = x64_pop_xmm(c), a = x64_pop_xmm(c);
    unsigned d = x64_simd_begin(c, b, &a);
    x64_rr(&c->code, row->op, d, a);
    x64_rr(&c->code, row->second, d, a);
    if (row->how == X64_DIFFERENT)
        invert(c, d);
    return d;
}

static unsigned unary(struct x64 *c, const struct x64_simd_row *row)
{
    struct x64_asm *code = &c->code;
    unsigned a = x64_pop_xmm(c), d = x64_dest_xmm(c, a);
    switch (row->how) {
    case X64_UNARY:
        x64_rr(code, row->op, d, a);
        break;
    case X64_UNARY_IMM:
        x64_rri(code, row->op, d, a, row->imm);
        break;
    case X64_HIGH:
        x64_rri(code, SSE_PSHUFD, d, a, 0xee);
        x64_rr(code, row->op, d, d);
        break;
    default: /* X64_WITH */
        x64_simd_copy(c, d, a);
        x64_rm(code, row->op, d, x64_simd_twice(c, row->bits));
    }
    return d;
}

static unsigned extended(struct x64 *c, const struct x64_simd_row *row)
{
    unsigned b = x64_pop_xmm(c), a = x64_pop_xmm(c);
    unsigned d = x64_dest_xmm(c, a);
    x64_rr(&c->code, row->op, XMM15, b);
    x64_rr(&c->code, row->op, d, a);
    x64_rr(&c->code, row->second, d, XMM15);
    return d;
}

static void by_row(struct x64 *c, const struct x64_simd_row *row)
{
    unsigned result;
    switch (row->how) {
    case X64_SEQUENCE:
        row->sequence(c);
        return;
    case X64_SAME:
    case X64_DIFFERENT:
        result = same(c, row);
        break;
    case X64_UNARY:
    case X64_UNARY_IMM:
    case X64_HIGH:
    case X64_WITH:
        result = unary(c, row);
        break;
    case X64_EXTENDED_LOW:
        result = extended(c, row);
        break;
    default:
        result = binary(c, row);
    }
    x64_push_reg(c, WASM_V128, result);
}

bool x64_compile_simd(struct x64 *c, uint32_t number)
{
    if (number > 255)
        return false;
    switch (wasm_simd_ops[number].shape) {
    case WASM_SIMD_NONE:
        return false;
    case WASM_SIMD_LOAD:
    case WASM_SIMD_STORE:
    case WASM_SIMD_LOAD_LANE:
    case WASM_SIMD_STORE_LANE:
        x64_simd_access(c, number);
        return true;
    case WASM_SIMD_CONST:
        x64_simd_const(c);
        return true;
    case WASM_SIMD_SHUFFLE:
        x64_simd_shuffle(c);
        return true;
    case WASM_SIMD_SPLAT:
        x64_simd_splat(c, number);
        return true;
    case WASM_SIMD_EXTRACT:
        x64_simd_extract(c, number);
        return true;
    case WASM_SIMD_REPLACE:
        x64_simd_replace(c, number);
        return true;
    case WASM_SIMD_SHIFT:
        x64_simd_shift(c, number);
        return true;
    default:
        if (x64_simd_rows[number].how == X64_ABSENT)
            return false;
        by_row(c, &x64_simd_rows[number]);
        return true;
    }
}
