/* Inside the compilation of vector instructions: what its files share.
 *
 * An instruction is a row of x64_simd_rows: most are one machine instruction and differ in
 * which, and in the order of their operands; the others have a sequence of their own, which
 * pops its operands and pushes its result. Sequences use XMM15 as a scratch register, but not
 * across an x64_pop or x64_alloc.
 */
#ifndef WASM_X64_SIMD_H
#define WASM_X64_SIMD_H

#include "../simd.h"
#include "compiler.h"
#include "sse.h"

/* The instructions' numbers: SIMD_i8x16_add = 0x6e. */
#define X64_SIMD_NUMBER(code, name, shape, T, log2) SIMD_##name = (code),
enum { WASM_SIMD(X64_SIMD_NUMBER) SIMD_v128_const = 0x0c };

/* How a row's instructions make the result of a, or of a and b. */
enum x64_simd_how {
    X64_ABSENT,
    X64_BINARY,      /* a = op(a, b) */
    X64_BINARY_IMM,  /* with immediate `imm` */
    X64_SWAPPED,     /* b = op(b, a) */
    X64_SWAPPED_IMM, /* with immediate `imm` */
    X64_INVERTED,    /* ~op(a, b) */
    X64_INVERTED_SWAPPED,
    X64_SAME,         /* op(a, b) == a, by compare `second` */
    X64_DIFFERENT,    /* ~(op(a, b) == a) */
    X64_UNARY,        /* op(a) */
    X64_UNARY_IMM,    /* with immediate `imm` */
    X64_HIGH,         /* op(upper half of a) */
    X64_WITH,         /* op(a, 16 bytes of `bits` twice) */
    X64_EXTENDED_LOW, /* second(op(a), op(b)) */
    X64_SEQUENCE
};

struct x64_simd_row {
    uint8_t how; /* enum x64_simd_how */
    uint8_t imm;
    uint32_t op;
    uint32_t second;
    uint64_t bits;
    void (*sequence)(struct x64 *c);
};

extern const struct x64_simd_row x64_simd_rows[256]; /* simd_table.c */

/* simd.c: `to` = `from`. */
void x64_simd_copy(struct x64 *c, unsigned to, unsigned from);
/* a's value in a register for the result, where it may be overwritten. *b, if that register was
 * its, moves to XMM15. */
unsigned x64_simd_begin(struct x64 *c, unsigned a, unsigned *b);
/* 16 bytes of the pool: `bits` twice. */
struct x64_mem x64_simd_twice(struct x64 *c, uint64_t bits);

/* simd_lanes.c: what names lanes, moves them, or touches memory. */
void x64_simd_access(struct x64 *c, uint32_t number);
void x64_simd_const(struct x64 *c);
void x64_simd_shuffle(struct x64 *c);
void x64_simd_splat(struct x64 *c, uint32_t number);
void x64_simd_extract(struct x64 *c, uint32_t number);
void x64_simd_replace(struct x64 *c, uint32_t number);

/* simd_shift.c. */
void x64_simd_shift(struct x64 *c, uint32_t number);

/* simd_integer.c and simd_float.c: sequences. */
void x64_swizzle(struct x64 *c);
void x64_bitselect(struct x64 *c);
void x64_v128_not(struct x64 *c);
void x64_any_true(struct x64 *c);
void x64_i8x16_all_true(struct x64 *c);
void x64_i16x8_all_true(struct x64 *c);
void x64_i32x4_all_true(struct x64 *c);
void x64_i64x2_all_true(struct x64 *c);
void x64_i8x16_bitmask(struct x64 *c);
void x64_i16x8_bitmask(struct x64 *c);
void x64_i32x4_bitmask(struct x64 *c);
void x64_i64x2_bitmask(struct x64 *c);
void x64_i8x16_neg(struct x64 *c);
void x64_i16x8_neg(struct x64 *c);
void x64_i32x4_neg(struct x64 *c);
void x64_i64x2_neg(struct x64 *c);
void x64_i64x2_abs(struct x64 *c);
void x64_i64x2_mul(struct x64 *c);
void x64_i8x16_popcnt(struct x64 *c);
void x64_q15mulr(struct x64 *c);
void x64_i16x8_extadd_s(struct x64 *c);
void x64_i32x4_extadd_u(struct x64 *c);
void x64_i16x8_extmul_high_s(struct x64 *c);
void x64_i16x8_extmul_high_u(struct x64 *c);
void x64_i32x4_extmul_low_s(struct x64 *c);
void x64_i32x4_extmul_high_s(struct x64 *c);
void x64_i32x4_extmul_low_u(struct x64 *c);
void x64_i32x4_extmul_high_u(struct x64 *c);
void x64_i64x2_extmul_low_s(struct x64 *c);
void x64_i64x2_extmul_high_s(struct x64 *c);
void x64_i64x2_extmul_low_u(struct x64 *c);
void x64_i64x2_extmul_high_u(struct x64 *c);
void x64_f32x4_min(struct x64 *c);
void x64_f32x4_max(struct x64 *c);
void x64_f64x2_min(struct x64 *c);
void x64_f64x2_max(struct x64 *c);
void x64_f32x4_convert_u(struct x64 *c);
void x64_f64x2_convert_u(struct x64 *c);
void x64_trunc_f32x4_s(struct x64 *c);
void x64_trunc_f32x4_u(struct x64 *c);
void x64_trunc_f64x2_s(struct x64 *c);
void x64_trunc_f64x2_u(struct x64 *c);

#endif
