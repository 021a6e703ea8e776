/* Sequences for float lanes (specification 4.3.3, 4.3.4); see simd.h. A NaN that comes out has
 * the payload that the specification calls canonical, or an operand's made quiet; its sign is
 * whatever it is. */
#include "simd.h"

enum {
    NAN_TAIL_PS = 10,
    NAN_TAIL_PD = 13
}; /* all ones shifted by this: the bits a NaN clears */

/* Lanes of a that are unordered with those of t become NaNs: all ones without the payload's
 * tail. t becomes what it was elsewhere. `p` is 0 for floats, P66 for doubles. */
static void finish(struct x64 *c, uint32_t p, unsigned a, unsigned t)
{
    struct x64_asm *code = &c->code;
    x64_rri(code, p | SSE_CMPPS, a, t, SSE_UNORD);
    x64_rr(code, SSE_ORPS, t, a);
    x64_rri(code, p ? SSE_SHIFT_Q : SSE_SHIFT_D, SSE_SHIFT_RIGHT, a,
            p ? NAN_TAIL_PD : NAN_TAIL_PS);
    x64_rr(code, SSE_ANDNPS, a, t);
    x64_push_reg(c, WASM_V128, a);
}

/* minps and maxps give their second operand for zeros of any sign and for NaNs: done both ways
 * round, the two results together know all. */
static void minimum(struct x64 *c, uint32_t p)
{
    struct x64_asm *code = &c->code;
    unsigned b = x64_pop_xmm(c), a = x64_pop_xmm_tmp(c), t = x64_alloc_xmm(c);
    x64_simd_copy(c, t, b);
    x64_rr(code, p | SSE_MINPS, t, a);
    x64_rr(code, p | SSE_MINPS, a, b);
    x64_rr(code, SSE_ORPS, t, a); /* -0 and NaNs win */
    finish(c, p, a, t);
}

static void maximum(struct x64 *c, uint32_t p)
{
    struct x64_asm *code = &c->code;
    unsigned b = x64_pop_xmm(c), a = x64_pop_xmm_tmp(c), t = x64_alloc_xmm(c);
    x64_simd_copy(c, t, b);
    x64_rr(code, p | SSE_MAXPS, t, a);
    x64_rr(code, p | SSE_MAXPS, a, b);
    x64_rr(code, SSE_XORPS, a, t);     /* where they differ */
    x64_rr(code, SSE_ORPS, t, a);      /* NaNs win; zeros of two signs are -0 */
    x64_rr(code, p | SSE_SUBPS, t, a); /* -0 - -0 = 0 there */
    finish(c, p, a, t);
}

void x64_f32x4_min(struct x64 *c)
{
    minimum(c, 0);
}

void x64_f32x4_max(struct x64 *c)
{
    maximum(c, 0);
}

void x64_f64x2_min(struct x64 *c)
{
    minimum(c, P66);
}

void x64_f64x2_max(struct x64 *c)
{
    maximum(c, P66);
}

/* ---- Integers to floats ---- */

/* The low 16 bits, and half of the rest doubled: exact both, so their sum is rounded once. */
void x64_f32x4_convert_u(struct x64 *c)
{
    struct x64_asm *code = &c->code;
    unsigned a = x64_pop_xmm_tmp(c);
    x64_rr(code, SSE_PXOR, XMM15, XMM15);
    x64_rri(code, SSE_PBLENDW, XMM15, a, 0x55);
    x64_rr(code, SSE_PSUBD, a, XMM15);
    x64_rr(code, SSE_CVTDQ2PS, XMM15, XMM15);
    x64_rri(code, SSE_SHIFT_D, SSE_SHIFT_RIGHT, a, 1);
    x64_rr(code, SSE_CVTDQ2PS, a, a);
    x64_rr(code, SSE_ADDPS, a, a);
    x64_rr(code, SSE_ADDPS, a, XMM15);
    x64_push_reg(c, WASM_V128, a);
}

/* Below the exponent of 2^52 the integer is the low half of the fraction. */
void x64_f64x2_convert_u(struct x64 *c)
{
    unsigned a = x64_pop_xmm_tmp(c);
    x64_rm(&c->code, SSE_UNPCKLPS, a, x64_simd_twice(c, 0x4330000043300000));
    x64_rm(&c->code, P66 | SSE_SUBPS, a, x64_simd_twice(c, 0x4330000000000000));
    x64_push_reg(c, WASM_V128, a);
}

/* ---- Floats to integers, saturating; a NaN gives 0 ---- */

/* cvttps2dq gives 0x80000000 for what does not fit: right below, inverted above. */
void x64_trunc_f32x4_s(struct x64 *c)
{
    struct x64_asm *code = &c->code;
    unsigned a = x64_pop_xmm_tmp(c);
    x64_simd_copy(c, XMM15, a);
    x64_rri(code, SSE_CMPPS, XMM15, XMM15, SSE_EQ);
    x64_rr(code, SSE_PAND, a, XMM15);
    x64_rr(code, SSE_PXOR, XMM15, a); /* its sign: a was not negative */
    x64_rr(code, SSE_CVTTPS2DQ, a, a);
    x64_rr(code, SSE_PAND, XMM15, a); /* and the result is */
    x64_rri(code, SSE_SHIFT_D, SSE_SHIFT_ARITHMETIC, XMM15, 31);
    x64_rr(code, SSE_PXOR, a, XMM15);
    x64_push_reg(c, WASM_V128, a);
}

/* The sum of what a signed conversion gives for a and of what is beyond 2^31, which is 0 below
 * and 0x7fffffff from 2^32 on. */
void x64_trunc_f32x4_u(struct x64 *c)
{
    struct x64_asm *code = &c->code;
    unsigned a = x64_pop_xmm_tmp(c), beyond = x64_alloc_xmm(c), top = x64_alloc_xmm(c);
    x64_rr(code, SSE_PXOR, XMM15, XMM15);
    x64_rr(code, SSE_MAXPS, a, XMM15); /* of a NaN and 0: 0 */
    x64_rm(code, SSE_MOVAPS, top, x64_simd_twice(c, 0x4f0000004f000000)); /* 2^31 */
    x64_simd_copy(c, beyond, a);
    x64_rr(code, SSE_SUBPS, beyond, top);
    x64_rri(code, SSE_CMPPS, top, beyond, SSE_LE);
    x64_rr(code, SSE_CVTTPS2DQ, beyond, beyond);
    x64_rr(code, SSE_PXOR, beyond, top);
    x64_rr(code, SSE_PMAXSD, beyond, XMM15);
    x64_rr(code, SSE_CVTTPS2DQ, a, a);
    x64_rr(code, SSE_PADDD, a, beyond);
    x64_push_reg(c, WASM_V128, a);
}

/* Not above 2^31 - 1, and 0 for a NaN: minpd gives its second operand then. */
void x64_trunc_f64x2_s(struct x64 *c)
{
    struct x64_asm *code = &c->code;
    unsigned a = x64_pop_xmm_tmp(c);
    x64_simd_copy(c, XMM15, a);
    x64_rri(code, P66 | SSE_CMPPS, XMM15, XMM15, SSE_EQ);
    x64_rm(code, SSE_PAND, XMM15, x64_simd_twice(c, 0x41dfffffffc00000));
    x64_rr(code, P66 | SSE_MINPS, a, XMM15);
    x64_rr(code, SSE_CVTTPD2DQ, a, a);
    x64_push_reg(c, WASM_V128, a);
}

/* Between 0 and 2^32 - 1, the integer is the low half of the fraction of a + 2^52. */
void x64_trunc_f64x2_u(struct x64 *c)
{
    struct x64_asm *code = &c->code;
    unsigned a = x64_pop_xmm_tmp(c);
    x64_rr(code, SSE_PXOR, XMM15, XMM15);
    x64_rr(code, P66 | SSE_MAXPS, a, XMM15);
    x64_rm(code, P66 | SSE_MINPS, a, x64_simd_twice(c, 0x41efffffffe00000));
    x64_rri(code, SSE_ROUNDPD, a, a, SSE_TRUNC);
    x64_rm(code, P66 | SSE_ADDPS, a, x64_simd_twice(c, 0x4330000000000000));
    x64_rri(code, SSE_SHUFPS, a, XMM15, 0x88);
    x64_push_reg(c, WASM_V128, a);
}
