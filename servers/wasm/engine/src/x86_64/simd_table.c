/* Vector instructions as rows: which machine instruction, and how; see simd.h. */
#include "simd.h"

#define ROW(name, does, code)       [SIMD_##name] = {.how = (does), .op = (code)}
#define IMM(name, does, code, byte) [SIMD_##name] = {.how = (does), .op = (code), .imm = (byte)}
#define TWO(name, does, code, then)                                                            \
    [SIMD_##name] = {.how = (does), .op = (code), .second = (then)}
#define WITH(name, code, word) [SIMD_##name] = {.how = X64_WITH, .op = (code), .bits = (word)}
#define OWN(name, does)        [SIMD_##name] = {.how = X64_SEQUENCE, .sequence = (does)}

/* Comparisons of signed and unsigned lanes: greater exists, less is greater the other way
 * round; unsigned ones go by which of the two is the minimum or maximum. */
#define COMPARE_S(t, X)                                                                        \
    ROW(t##_eq, X64_BINARY, SSE_PCMPEQ##X), ROW(t##_ne, X64_INVERTED, SSE_PCMPEQ##X),          \
        ROW(t##_lt_s, X64_SWAPPED, SSE_PCMPGT##X), ROW(t##_gt_s, X64_BINARY, SSE_PCMPGT##X)
#define COMPARE(t, X)                                                                          \
    COMPARE_S(t, X), TWO(t##_le_s, X64_SAME, SSE_PMINS##X, SSE_PCMPEQ##X),                     \
        TWO(t##_ge_s, X64_SAME, SSE_PMAXS##X, SSE_PCMPEQ##X),                                  \
        TWO(t##_le_u, X64_SAME, SSE_PMINU##X, SSE_PCMPEQ##X),                                  \
        TWO(t##_ge_u, X64_SAME, SSE_PMAXU##X, SSE_PCMPEQ##X),                                  \
        TWO(t##_lt_u, X64_DIFFERENT, SSE_PMAXU##X, SSE_PCMPEQ##X),                             \
        TWO(t##_gt_u, X64_DIFFERENT, SSE_PMINU##X, SSE_PCMPEQ##X)

#define MIN_MAX(t, X)                                                                          \
    ROW(t##_min_s, X64_BINARY, SSE_PMINS##X), ROW(t##_min_u, X64_BINARY, SSE_PMINU##X),        \
        ROW(t##_max_s, X64_BINARY, SSE_PMAXS##X), ROW(t##_max_u, X64_BINARY, SSE_PMAXU##X)

#define ARITHMETIC(t, X)                                                                       \
    ROW(t##_add, X64_BINARY, SSE_PADD##X), ROW(t##_sub, X64_BINARY, SSE_PSUB##X),              \
        OWN(t##_neg, x64_##t##_neg), OWN(t##_all_true, x64_##t##_all_true),                    \
        OWN(t##_bitmask, x64_##t##_bitmask)

#define SATURATING(t, X)                                                                       \
    ROW(t##_add_sat_s, X64_BINARY, SSE_PADDS##X),                                              \
        ROW(t##_add_sat_u, X64_BINARY, SSE_PADDUS##X),                                         \
        ROW(t##_sub_sat_s, X64_BINARY, SSE_PSUBS##X),                                          \
        ROW(t##_sub_sat_u, X64_BINARY, SSE_PSUBUS##X),                                         \
        ROW(t##_avgr_u, X64_BINARY, SSE_PAVG##X)

#define EXTEND(t, half, X)                                                                     \
    ROW(t##_extend_low_##half##_s, X64_UNARY, SSE_PMOVSX##X),                                  \
        ROW(t##_extend_high_##half##_s, X64_HIGH, SSE_PMOVSX##X),                              \
        ROW(t##_extend_low_##half##_u, X64_UNARY, SSE_PMOVZX##X),                              \
        ROW(t##_extend_high_##half##_u, X64_HIGH, SSE_PMOVZX##X)

/* `P` is P66 for doubles; `sign` the sign bits of eight bytes. */
#define FLOAT(t, P, ROUND, sign)                                                               \
    WITH(t##_abs, SSE_PAND, ~(uint64_t)(sign)), WITH(t##_neg, SSE_PXOR, (sign)),               \
        ROW(t##_sqrt, X64_UNARY, (P) | SSE_SQRTPS),                                            \
        IMM(t##_ceil, X64_UNARY_IMM, ROUND, SSE_CEIL),                                         \
        IMM(t##_floor, X64_UNARY_IMM, ROUND, SSE_FLOOR),                                       \
        IMM(t##_trunc, X64_UNARY_IMM, ROUND, SSE_TRUNC),                                       \
        IMM(t##_nearest, X64_UNARY_IMM, ROUND, SSE_NEAREST),                                   \
        ROW(t##_add, X64_BINARY, (P) | SSE_ADDPS), ROW(t##_sub, X64_BINARY, (P) | SSE_SUBPS),  \
        ROW(t##_mul, X64_BINARY, (P) | SSE_MULPS), ROW(t##_div, X64_BINARY, (P) | SSE_DIVPS),  \
        OWN(t##_min, x64_##t##_min), OWN(t##_max, x64_##t##_max),                              \
        ROW(t##_pmin, X64_SWAPPED, (P) | SSE_MINPS),                                           \
        ROW(t##_pmax, X64_SWAPPED, (P) | SSE_MAXPS),                                           \
        IMM(t##_eq, X64_BINARY_IMM, (P) | SSE_CMPPS, SSE_EQ),                                  \
        IMM(t##_ne, X64_BINARY_IMM, (P) | SSE_CMPPS, SSE_NEQ),                                 \
        IMM(t##_lt, X64_BINARY_IMM, (P) | SSE_CMPPS, SSE_LT),                                  \
        IMM(t##_gt, X64_SWAPPED_IMM, (P) | SSE_CMPPS, SSE_LT),                                 \
        IMM(t##_le, X64_BINARY_IMM, (P) | SSE_CMPPS, SSE_LE),                                  \
        IMM(t##_ge, X64_SWAPPED_IMM, (P) | SSE_CMPPS, SSE_LE)

const struct x64_simd_row x64_simd_rows[256] = {
    OWN(v128_not, x64_v128_not),
    ROW(v128_and, X64_BINARY, SSE_PAND),
    ROW(v128_andnot, X64_SWAPPED, SSE_PANDN),
    ROW(v128_or, X64_BINARY, SSE_POR),
    ROW(v128_xor, X64_BINARY, SSE_PXOR),
    OWN(v128_bitselect, x64_bitselect),
    OWN(v128_any_true, x64_any_true),
    OWN(i8x16_swizzle, x64_swizzle),

    COMPARE(i8x16, B),
    ARITHMETIC(i8x16, B),
    SATURATING(i8x16, B),
    MIN_MAX(i8x16, B),
    ROW(i8x16_abs, X64_UNARY, SSE_PABSB),
    ROW(i8x16_narrow_i16x8_s, X64_BINARY, SSE_PACKSSWB),
    ROW(i8x16_narrow_i16x8_u, X64_BINARY, SSE_PACKUSWB),
    OWN(i8x16_popcnt, x64_i8x16_popcnt),

    COMPARE(i16x8, W),
    ARITHMETIC(i16x8, W),
    SATURATING(i16x8, W),
    MIN_MAX(i16x8, W),
    EXTEND(i16x8, i8x16, BW),
    ROW(i16x8_abs, X64_UNARY, SSE_PABSW),
    ROW(i16x8_mul, X64_BINARY, SSE_PMULLW),
    ROW(i16x8_narrow_i32x4_s, X64_BINARY, SSE_PACKSSDW),
    ROW(i16x8_narrow_i32x4_u, X64_BINARY, SSE_PACKUSDW),
    TWO(i16x8_extmul_low_i8x16_s, X64_EXTENDED_LOW, SSE_PMOVSXBW, SSE_PMULLW),
    TWO(i16x8_extmul_low_i8x16_u, X64_EXTENDED_LOW, SSE_PMOVZXBW, SSE_PMULLW),
    OWN(i16x8_extmul_high_i8x16_s, x64_i16x8_extmul_high_s),
    OWN(i16x8_extmul_high_i8x16_u, x64_i16x8_extmul_high_u),
    OWN(i16x8_extadd_pairwise_i8x16_s, x64_i16x8_extadd_s),
    WITH(i16x8_extadd_pairwise_i8x16_u, SSE_PMADDUBSW, 0x0101010101010101),
    OWN(i16x8_q15mulr_sat_s, x64_q15mulr),

    COMPARE(i32x4, D),
    ARITHMETIC(i32x4, D),
    MIN_MAX(i32x4, D),
    EXTEND(i32x4, i16x8, WD),
    ROW(i32x4_abs, X64_UNARY, SSE_PABSD),
    ROW(i32x4_mul, X64_BINARY, SSE_PMULLD),
    ROW(i32x4_dot_i16x8_s, X64_BINARY, SSE_PMADDWD),
    OWN(i32x4_extmul_low_i16x8_s, x64_i32x4_extmul_low_s),
    OWN(i32x4_extmul_high_i16x8_s, x64_i32x4_extmul_high_s),
    OWN(i32x4_extmul_low_i16x8_u, x64_i32x4_extmul_low_u),
    OWN(i32x4_extmul_high_i16x8_u, x64_i32x4_extmul_high_u),
    WITH(i32x4_extadd_pairwise_i16x8_s, SSE_PMADDWD, 0x0001000100010001),
    OWN(i32x4_extadd_pairwise_i16x8_u, x64_i32x4_extadd_u),

    COMPARE_S(i64x2, Q),
    ROW(i64x2_le_s, X64_INVERTED, SSE_PCMPGTQ),
    ROW(i64x2_ge_s, X64_INVERTED_SWAPPED, SSE_PCMPGTQ),
    ARITHMETIC(i64x2, Q),
    EXTEND(i64x2, i32x4, DQ),
    OWN(i64x2_abs, x64_i64x2_abs),
    OWN(i64x2_mul, x64_i64x2_mul),
    OWN(i64x2_extmul_low_i32x4_s, x64_i64x2_extmul_low_s),
    OWN(i64x2_extmul_high_i32x4_s, x64_i64x2_extmul_high_s),
    OWN(i64x2_extmul_low_i32x4_u, x64_i64x2_extmul_low_u),
    OWN(i64x2_extmul_high_i32x4_u, x64_i64x2_extmul_high_u),

    FLOAT(f32x4, 0, SSE_ROUNDPS, 0x8000000080000000),
    FLOAT(f64x2, P66, SSE_ROUNDPD, 0x8000000000000000),
    OWN(i32x4_trunc_sat_f32x4_s, x64_trunc_f32x4_s),
    OWN(i32x4_trunc_sat_f32x4_u, x64_trunc_f32x4_u),
    OWN(i32x4_trunc_sat_f64x2_s_zero, x64_trunc_f64x2_s),
    OWN(i32x4_trunc_sat_f64x2_u_zero, x64_trunc_f64x2_u),
    ROW(f32x4_convert_i32x4_s, X64_UNARY, SSE_CVTDQ2PS),
    OWN(f32x4_convert_i32x4_u, x64_f32x4_convert_u),
    ROW(f64x2_convert_low_i32x4_s, X64_UNARY, SSE_CVTDQ2PD),
    OWN(f64x2_convert_low_i32x4_u, x64_f64x2_convert_u),
    ROW(f32x4_demote_f64x2_zero, X64_UNARY, SSE_CVTPD2PS),
    ROW(f64x2_promote_low_f32x4, X64_UNARY, SSE_CVTPS2PD),
};
