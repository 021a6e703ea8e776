/* Sequences for integer lanes and for all bits alike; see simd.h. */
#include "simd.h"

/* Two operands, the first in a temporary that becomes the result. */
struct pair {
    unsigned a, b;
};

static struct pair pop_pair(struct x64 *c)
{
    struct pair p;
    p.b = x64_pop_xmm(c);
    p.a = x64_pop_xmm_tmp(c);
    return p;
}

static void push(struct x64 *c, unsigned reg)
{
    x64_push_reg(c, WASM_V128, reg);
}

/* ---- All bits alike ---- */

void x64_v128_not(struct x64 *c)
{
    unsigned a = x64_pop_xmm_tmp(c);
    x64_rr(&c->code, SSE_PCMPEQD, XMM15, XMM15);
    x64_rr(&c->code, SSE_PXOR, a, XMM15);
    push(c, a);
}

/* ((a ^ b) & mask) ^ b */
void x64_bitselect(struct x64 *c)
{
    unsigned mask = x64_pop_xmm(c);
    struct pair p = pop_pair(c);
    x64_rr(&c->code, SSE_PXOR, p.a, p.b);
    x64_rr(&c->code, SSE_PAND, p.a, mask);
    x64_rr(&c->code, SSE_PXOR, p.a, p.b);
    push(c, p.a);
}

void x64_any_true(struct x64 *c)
{
    unsigned a = x64_pop_xmm(c);
    x64_rr(&c->code, SSE_PTEST, a, a);
    x64_push_flags(c, CC_NE);
}

/* Indices above 15 get their top bit by saturation: zero, for pshufb. */
void x64_swizzle(struct x64 *c)
{
    struct pair p = pop_pair(c);
    x64_simd_copy(c, XMM15, p.b);
    x64_rm(&c->code, SSE_PADDUSB, XMM15, x64_simd_twice(c, 0x7070707070707070));
    x64_rr(&c->code, SSE_PSHUFB, p.a, XMM15);
    push(c, p.a);
}

/* ---- Tests ---- */

/* No lane equals zero. */
static void all_true(struct x64 *c, uint32_t compare)
{
    unsigned a = x64_pop_xmm(c);
    x64_rr(&c->code, SSE_PXOR, XMM15, XMM15);
    x64_rr(&c->code, compare, XMM15, a);
    x64_rr(&c->code, SSE_PTEST, XMM15, XMM15);
    x64_push_flags(c, CC_E);
}

static void bitmask(struct x64 *c, uint32_t op)
{
    unsigned a = x64_pop_xmm(c);
    unsigned d = x64_dest_gp(c, X64_NONE);
    x64_rr(&c->code, op, d, a);
    x64_push_reg(c, WASM_I32, d);
}

void x64_i16x8_bitmask(struct x64 *c)
{
    unsigned a = x64_pop_xmm_tmp(c);
    unsigned d = x64_dest_gp(c, X64_NONE);
    x64_rr(&c->code, SSE_PXOR, XMM15, XMM15);
    x64_rr(&c->code, SSE_PACKSSWB, a, XMM15);
    x64_rr(&c->code, SSE_PMOVMSKB, d, a);
    x64_push_reg(c, WASM_I32, d);
}

static void negate(struct x64 *c, uint32_t subtract)
{
    unsigned a = x64_pop_xmm(c);
    unsigned d = x64_alloc_xmm(c);
    x64_rr(&c->code, SSE_PXOR, d, d);
    x64_rr(&c->code, subtract, d, a);
    push(c, d);
}

#define SHAPE(t, X)                                                                            \
    void x64_##t##_all_true(struct x64 *c)                                                     \
    {                                                                                          \
        all_true(c, SSE_PCMPEQ##X);                                                            \
    }                                                                                          \
    void x64_##t##_neg(struct x64 *c)                                                          \
    {                                                                                          \
        negate(c, SSE_PSUB##X);                                                                \
    }
#define BITMASK(t, op)                                                                         \
    void x64_##t##_bitmask(struct x64 *c)                                                      \
    {                                                                                          \
        bitmask(c, op);                                                                        \
    }
SHAPE(i8x16, B)
SHAPE(i16x8, W)
SHAPE(i32x4, D)
SHAPE(i64x2, Q)
BITMASK(i8x16, SSE_PMOVMSKB)
BITMASK(i32x4, SSE_MOVMSKPS)
BITMASK(i64x2, SSE_MOVMSKPD)

/* ---- Arithmetic ---- */

/* With m = all ones where negative: (a ^ m) - m. */
void x64_i64x2_abs(struct x64 *c)
{
    unsigned a = x64_pop_xmm_tmp(c);
    x64_rr(&c->code, SSE_PXOR, XMM15, XMM15);
    x64_rr(&c->code, SSE_PCMPGTQ, XMM15, a);
    x64_rr(&c->code, SSE_PXOR, a, XMM15);
    x64_rr(&c->code, SSE_PSUBQ, a, XMM15);
    push(c, a);
}

/* From 32-bit halves: low a * low b + ((high a * low b + low a * high b) << 32). */
void x64_i64x2_mul(struct x64 *c)
{
    struct x64_asm *code = &c->code;
    struct pair p = pop_pair(c);
    unsigned t = x64_alloc_xmm(c);
    x64_simd_copy(c, t, p.a);
    x64_rri(code, SSE_SHIFT_Q, SSE_SHIFT_RIGHT, t, 32);
    x64_rr(code, SSE_PMULUDQ, t, p.b);
    x64_simd_copy(c, XMM15, p.b);
    x64_rri(code, SSE_SHIFT_Q, SSE_SHIFT_RIGHT, XMM15, 32);
    x64_rr(code, SSE_PMULUDQ, XMM15, p.a);
    x64_rr(code, SSE_PADDQ, t, XMM15);
    x64_rri(code, SSE_SHIFT_Q, SSE_SHIFT_LEFT, t, 32);
    x64_rr(code, SSE_PMULUDQ, p.a, p.b);
    x64_rr(code, SSE_PADDQ, p.a, t);
    push(c, p.a);
}

/* The bits of each half of a byte, by table. */
void x64_i8x16_popcnt(struct x64 *c)
{
    struct x64_asm *code = &c->code;
    const uint64_t low = 0x0f0f0f0f0f0f0f0f;
    unsigned a = x64_pop_xmm_tmp(c), t = x64_alloc_xmm(c);
    struct x64_mem table = x64_constant(c, 0x0302020102010100, 0x0403030203020201, 16);
    x64_simd_copy(c, t, a);
    x64_rri(code, SSE_SHIFT_W, SSE_SHIFT_RIGHT, t, 4);
    x64_rm(code, SSE_PAND, a, x64_simd_twice(c, low));
    x64_rm(code, SSE_PAND, t, x64_simd_twice(c, low));
    x64_rm(code, SSE_MOVAPS, XMM15, table);
    x64_rr(code, SSE_PSHUFB, XMM15, a);
    x64_rm(code, SSE_MOVAPS, a, table);
    x64_rr(code, SSE_PSHUFB, a, t);
    x64_rr(code, SSE_PADDB, a, XMM15);
    push(c, a);
}

/* Only -1 * -1 overflows, to 0x8000, which becomes 0x7fff. */
void x64_q15mulr(struct x64 *c)
{
    struct pair p = pop_pair(c);
    x64_rr(&c->code, SSE_PMULHRSW, p.a, p.b);
    x64_rm(&c->code, SSE_MOVAPS, XMM15, x64_simd_twice(c, 0x8000800080008000));
    x64_rr(&c->code, SSE_PCMPEQW, XMM15, p.a);
    x64_rr(&c->code, SSE_PXOR, p.a, XMM15);
    push(c, p.a);
}

/* ---- Widening ---- */

/* pmaddubsw takes its first operand unsigned, its second signed. */
void x64_i16x8_extadd_s(struct x64 *c)
{
    unsigned a = x64_pop_xmm(c), d = x64_alloc_xmm(c);
    x64_rm(&c->code, SSE_MOVAPS, d, x64_simd_twice(c, 0x0101010101010101));
    x64_rr(&c->code, SSE_PMADDUBSW, d, a);
    push(c, d);
}

/* Signed sums of lanes less 0x8000, which is added twice again. */
void x64_i32x4_extadd_u(struct x64 *c)
{
    unsigned a = x64_pop_xmm_tmp(c);
    x64_rm(&c->code, SSE_PXOR, a, x64_simd_twice(c, 0x8000800080008000));
    x64_rm(&c->code, SSE_PMADDWD, a, x64_simd_twice(c, 0x0001000100010001));
    x64_rm(&c->code, SSE_PADDD, a, x64_simd_twice(c, 0x0001000000010000));
    push(c, a);
}

static void extmul_high_8(struct x64 *c, uint32_t extend)
{
    struct pair p = pop_pair(c);
    x64_rri(&c->code, SSE_PSHUFD, XMM15, p.b, 0xee);
    x64_rr(&c->code, extend, XMM15, XMM15);
    x64_rri(&c->code, SSE_PSHUFD, p.a, p.a, 0xee);
    x64_rr(&c->code, extend, p.a, p.a);
    x64_rr(&c->code, SSE_PMULLW, p.a, XMM15);
    push(c, p.a);
}

/* Low and high words of the products, interleaved. */
static void extmul_16(struct x64 *c, uint32_t high_words, uint32_t interleave)
{
    struct pair p = pop_pair(c);
    x64_simd_copy(c, XMM15, p.a);
    x64_rr(&c->code, high_words, XMM15, p.b);
    x64_rr(&c->code, SSE_PMULLW, p.a, p.b);
    x64_rr(&c->code, interleave, p.a, XMM15);
    push(c, p.a);
}

/* `lanes` puts the two that are multiplied where pmuldq looks for them. */
static void extmul_32(struct x64 *c, uint32_t multiply, uint8_t lanes)
{
    struct pair p = pop_pair(c);
    x64_rri(&c->code, SSE_PSHUFD, XMM15, p.b, lanes);
    x64_rri(&c->code, SSE_PSHUFD, p.a, p.a, lanes);
    x64_rr(&c->code, multiply, p.a, XMM15);
    push(c, p.a);
}

#define EXTMUL(name, does, ...)                                                                \
    void x64_##name(struct x64 *c)                                                             \
    {                                                                                          \
        does(c, __VA_ARGS__);                                                                  \
    }
EXTMUL(i16x8_extmul_high_s, extmul_high_8, SSE_PMOVSXBW)
EXTMUL(i16x8_extmul_high_u, extmul_high_8, SSE_PMOVZXBW)
EXTMUL(i32x4_extmul_low_s, extmul_16, SSE_PMULHW, SSE_PUNPCKLWD)
EXTMUL(i32x4_extmul_high_s, extmul_16, SSE_PMULHW, SSE_PUNPCKHWD)
EXTMUL(i32x4_extmul_low_u, extmul_16, SSE_PMULHUW, SSE_PUNPCKLWD)
EXTMUL(i32x4_extmul_high_u, extmul_16, SSE_PMULHUW, SSE_PUNPCKHWD)
EXTMUL(i64x2_extmul_low_s, extmul_32, SSE_PMULDQ, 0x50)
EXTMUL(i64x2_extmul_high_s, extmul_32, SSE_PMULDQ, 0xfa)
EXTMUL(i64x2_extmul_low_u, extmul_32, SSE_PMULUDQ, 0x50)
EXTMUL(i64x2_extmul_high_u, extmul_32, SSE_PMULUDQ, 0xfa)
