/* The 128-bit vector instructions (specification 5.4.8), written once.
 *
 * The validator and the translator read their shapes from wasm_simd_ops, the interpreter's
 * handlers carry their names. A v128 takes two slots, low word first, like two values: locals,
 * operands, arguments and branches move it word by word, so that nothing of the interpreter
 * but these handlers knows of vectors.
 */
#ifndef WASM_SIMD_H
#define WASM_SIMD_H

#include "code.h"

/* What an instruction takes and gives; m: a memory argument, l: a lane number, T: a scalar. */
enum wasm_simd_shape {
    WASM_SIMD_NONE,       /* no such instruction */
    WASM_SIMD_LOAD,       /* m: [i32] -> [v128] */
    WASM_SIMD_STORE,      /* m: [i32 v128] -> [] */
    WASM_SIMD_LOAD_LANE,  /* m l: [i32 v128] -> [v128] */
    WASM_SIMD_STORE_LANE, /* m l: [i32 v128] -> [] */
    WASM_SIMD_CONST,      /* 16 bytes: [] -> [v128] */
    WASM_SIMD_SHUFFLE,    /* 16 lane numbers below 32: [v128 v128] -> [v128] */
    WASM_SIMD_SPLAT,      /* [T] -> [v128] */
    WASM_SIMD_EXTRACT,    /* l: [v128] -> [T] */
    WASM_SIMD_REPLACE,    /* l: [v128 T] -> [v128] */
    WASM_SIMD_UNARY,      /* [v128] -> [v128] */
    WASM_SIMD_BINARY,     /* [v128 v128] -> [v128] */
    WASM_SIMD_TERNARY,    /* [v128 v128 v128] -> [v128] */
    WASM_SIMD_TEST,       /* [v128] -> [i32] */
    WASM_SIMD_SHIFT,      /* [v128 i32] -> [v128] */
};

struct wasm_simd_op {
    wasm_handler *fn;
    uint8_t shape; /* enum wasm_simd_shape */
    uint8_t type;  /* enum wasm_type: of T */
    uint8_t log2;  /* of the bytes accessed, or of the lane that is numbered */
};

/* By the number that follows OP_SIMD. */
extern const struct wasm_simd_op wasm_simd_ops[256]; /* simd.c */

/* Comparisons of integer lanes. */
#define WASM_SIMD_COMPARE_I(X, t, base)                                                        \
    X(base + 0, t##_eq, BINARY, I32, 0)                                                        \
    X(base + 1, t##_ne, BINARY, I32, 0)                                                        \
    X(base + 2, t##_lt_s, BINARY, I32, 0)                                                      \
    X(base + 3, t##_lt_u, BINARY, I32, 0)                                                      \
    X(base + 4, t##_gt_s, BINARY, I32, 0)                                                      \
    X(base + 5, t##_gt_u, BINARY, I32, 0)                                                      \
    X(base + 6, t##_le_s, BINARY, I32, 0)                                                      \
    X(base + 7, t##_le_u, BINARY, I32, 0)                                                      \
    X(base + 8, t##_ge_s, BINARY, I32, 0)                                                      \
    X(base + 9, t##_ge_u, BINARY, I32, 0)

#define WASM_SIMD_COMPARE_F(X, t, base)                                                        \
    X(base + 0, t##_eq, BINARY, I32, 0)                                                        \
    X(base + 1, t##_ne, BINARY, I32, 0)                                                        \
    X(base + 2, t##_lt, BINARY, I32, 0)                                                        \
    X(base + 3, t##_gt, BINARY, I32, 0)                                                        \
    X(base + 4, t##_le, BINARY, I32, 0)                                                        \
    X(base + 5, t##_ge, BINARY, I32, 0)

/* What every integer shape has, in the same places. */
#define WASM_SIMD_INTEGER(X, t, base)                                                          \
    X(base + 0x00, t##_abs, UNARY, I32, 0)                                                     \
    X(base + 0x01, t##_neg, UNARY, I32, 0)                                                     \
    X(base + 0x03, t##_all_true, TEST, I32, 0)                                                 \
    X(base + 0x04, t##_bitmask, TEST, I32, 0)                                                  \
    X(base + 0x0b, t##_shl, SHIFT, I32, 0)                                                     \
    X(base + 0x0c, t##_shr_s, SHIFT, I32, 0)                                                   \
    X(base + 0x0d, t##_shr_u, SHIFT, I32, 0)                                                   \
    X(base + 0x0e, t##_add, BINARY, I32, 0)                                                    \
    X(base + 0x11, t##_sub, BINARY, I32, 0)

/* Of the two narrow shapes. */
#define WASM_SIMD_NARROW(X, t, wide, base)                                                     \
    X(base + 0x05, t##_narrow_##wide##_s, BINARY, I32, 0)                                      \
    X(base + 0x06, t##_narrow_##wide##_u, BINARY, I32, 0)                                      \
    X(base + 0x0f, t##_add_sat_s, BINARY, I32, 0)                                              \
    X(base + 0x10, t##_add_sat_u, BINARY, I32, 0)                                              \
    X(base + 0x12, t##_sub_sat_s, BINARY, I32, 0)                                              \
    X(base + 0x13, t##_sub_sat_u, BINARY, I32, 0)                                              \
    X(base + 0x1b, t##_avgr_u, BINARY, I32, 0)

#define WASM_SIMD_MIN_MAX(X, t, base)                                                          \
    X(base + 0x16, t##_min_s, BINARY, I32, 0)                                                  \
    X(base + 0x17, t##_min_u, BINARY, I32, 0)                                                  \
    X(base + 0x18, t##_max_s, BINARY, I32, 0)                                                  \
    X(base + 0x19, t##_max_u, BINARY, I32, 0)

/* Of a shape made of halves of another. */
#define WASM_SIMD_EXTEND(X, t, half, base)                                                     \
    X(base + 0x07, t##_extend_low_##half##_s, UNARY, I32, 0)                                   \
    X(base + 0x08, t##_extend_high_##half##_s, UNARY, I32, 0)                                  \
    X(base + 0x09, t##_extend_low_##half##_u, UNARY, I32, 0)                                   \
    X(base + 0x0a, t##_extend_high_##half##_u, UNARY, I32, 0)                                  \
    X(base + 0x15, t##_mul, BINARY, I32, 0)                                                    \
    X(base + 0x1c, t##_extmul_low_##half##_s, BINARY, I32, 0)                                  \
    X(base + 0x1d, t##_extmul_high_##half##_s, BINARY, I32, 0)                                 \
    X(base + 0x1e, t##_extmul_low_##half##_u, BINARY, I32, 0)                                  \
    X(base + 0x1f, t##_extmul_high_##half##_u, BINARY, I32, 0)

#define WASM_SIMD_FLOAT(X, t, base)                                                            \
    X(base + 0, t##_abs, UNARY, I32, 0)                                                        \
    X(base + 1, t##_neg, UNARY, I32, 0)                                                        \
    X(base + 3, t##_sqrt, UNARY, I32, 0)                                                       \
    X(base + 4, t##_add, BINARY, I32, 0)                                                       \
    X(base + 5, t##_sub, BINARY, I32, 0)                                                       \
    X(base + 6, t##_mul, BINARY, I32, 0)                                                       \
    X(base + 7, t##_div, BINARY, I32, 0)                                                       \
    X(base + 8, t##_min, BINARY, I32, 0)                                                       \
    X(base + 9, t##_max, BINARY, I32, 0)                                                       \
    X(base + 10, t##_pmin, BINARY, I32, 0)                                                     \
    X(base + 11, t##_pmax, BINARY, I32, 0)

/* Every instruction but v128.const: X(number, name, shape, T, log2). */
#define WASM_SIMD(X)                                                                           \
    X(0x00, v128_load, LOAD, I32, 4)                                                           \
    X(0x01, v128_load8x8_s, LOAD, I32, 3)                                                      \
    X(0x02, v128_load8x8_u, LOAD, I32, 3)                                                      \
    X(0x03, v128_load16x4_s, LOAD, I32, 3)                                                     \
    X(0x04, v128_load16x4_u, LOAD, I32, 3)                                                     \
    X(0x05, v128_load32x2_s, LOAD, I32, 3)                                                     \
    X(0x06, v128_load32x2_u, LOAD, I32, 3)                                                     \
    X(0x07, v128_load8_splat, LOAD, I32, 0)                                                    \
    X(0x08, v128_load16_splat, LOAD, I32, 1)                                                   \
    X(0x09, v128_load32_splat, LOAD, I32, 2)                                                   \
    X(0x0a, v128_load64_splat, LOAD, I32, 3)                                                   \
    X(0x0b, v128_store, STORE, I32, 4)                                                         \
    X(0x0d, i8x16_shuffle, SHUFFLE, I32, 0)                                                    \
    X(0x0e, i8x16_swizzle, BINARY, I32, 0)                                                     \
    X(0x0f, i8x16_splat, SPLAT, I32, 0)                                                        \
    X(0x10, i16x8_splat, SPLAT, I32, 0)                                                        \
    X(0x11, i32x4_splat, SPLAT, I32, 0)                                                        \
    X(0x12, i64x2_splat, SPLAT, I64, 0)                                                        \
    X(0x13, f32x4_splat, SPLAT, F32, 0)                                                        \
    X(0x14, f64x2_splat, SPLAT, F64, 0)                                                        \
    X(0x15, i8x16_extract_lane_s, EXTRACT, I32, 0)                                             \
    X(0x16, i8x16_extract_lane_u, EXTRACT, I32, 0)                                             \
    X(0x17, i8x16_replace_lane, REPLACE, I32, 0)                                               \
    X(0x18, i16x8_extract_lane_s, EXTRACT, I32, 1)                                             \
    X(0x19, i16x8_extract_lane_u, EXTRACT, I32, 1)                                             \
    X(0x1a, i16x8_replace_lane, REPLACE, I32, 1)                                               \
    X(0x1b, i32x4_extract_lane, EXTRACT, I32, 2)                                               \
    X(0x1c, i32x4_replace_lane, REPLACE, I32, 2)                                               \
    X(0x1d, i64x2_extract_lane, EXTRACT, I64, 3)                                               \
    X(0x1e, i64x2_replace_lane, REPLACE, I64, 3)                                               \
    X(0x1f, f32x4_extract_lane, EXTRACT, F32, 2)                                               \
    X(0x20, f32x4_replace_lane, REPLACE, F32, 2)                                               \
    X(0x21, f64x2_extract_lane, EXTRACT, F64, 3)                                               \
    X(0x22, f64x2_replace_lane, REPLACE, F64, 3)                                               \
    WASM_SIMD_COMPARE_I(X, i8x16, 0x23)                                                        \
    WASM_SIMD_COMPARE_I(X, i16x8, 0x2d)                                                        \
    WASM_SIMD_COMPARE_I(X, i32x4, 0x37)                                                        \
    WASM_SIMD_COMPARE_F(X, f32x4, 0x41)                                                        \
    WASM_SIMD_COMPARE_F(X, f64x2, 0x47)                                                        \
    X(0x4d, v128_not, UNARY, I32, 0)                                                           \
    X(0x4e, v128_and, BINARY, I32, 0)                                                          \
    X(0x4f, v128_andnot, BINARY, I32, 0)                                                       \
    X(0x50, v128_or, BINARY, I32, 0)                                                           \
    X(0x51, v128_xor, BINARY, I32, 0)                                                          \
    X(0x52, v128_bitselect, TERNARY, I32, 0)                                                   \
    X(0x53, v128_any_true, TEST, I32, 0)                                                       \
    X(0x54, v128_load8_lane, LOAD_LANE, I32, 0)                                                \
    X(0x55, v128_load16_lane, LOAD_LANE, I32, 1)                                               \
    X(0x56, v128_load32_lane, LOAD_LANE, I32, 2)                                               \
    X(0x57, v128_load64_lane, LOAD_LANE, I32, 3)                                               \
    X(0x58, v128_store8_lane, STORE_LANE, I32, 0)                                              \
    X(0x59, v128_store16_lane, STORE_LANE, I32, 1)                                             \
    X(0x5a, v128_store32_lane, STORE_LANE, I32, 2)                                             \
    X(0x5b, v128_store64_lane, STORE_LANE, I32, 3)                                             \
    X(0x5c, v128_load32_zero, LOAD, I32, 2)                                                    \
    X(0x5d, v128_load64_zero, LOAD, I32, 3)                                                    \
    X(0x5e, f32x4_demote_f64x2_zero, UNARY, I32, 0)                                            \
    X(0x5f, f64x2_promote_low_f32x4, UNARY, I32, 0)                                            \
    WASM_SIMD_INTEGER(X, i8x16, 0x60)                                                          \
    WASM_SIMD_NARROW(X, i8x16, i16x8, 0x60)                                                    \
    WASM_SIMD_MIN_MAX(X, i8x16, 0x60)                                                          \
    X(0x62, i8x16_popcnt, UNARY, I32, 0)                                                       \
    X(0x67, f32x4_ceil, UNARY, I32, 0)                                                         \
    X(0x68, f32x4_floor, UNARY, I32, 0)                                                        \
    X(0x69, f32x4_trunc, UNARY, I32, 0)                                                        \
    X(0x6a, f32x4_nearest, UNARY, I32, 0)                                                      \
    X(0x74, f64x2_ceil, UNARY, I32, 0)                                                         \
    X(0x75, f64x2_floor, UNARY, I32, 0)                                                        \
    X(0x7a, f64x2_trunc, UNARY, I32, 0)                                                        \
    X(0x94, f64x2_nearest, UNARY, I32, 0)                                                      \
    X(0x7c, i16x8_extadd_pairwise_i8x16_s, UNARY, I32, 0)                                      \
    X(0x7d, i16x8_extadd_pairwise_i8x16_u, UNARY, I32, 0)                                      \
    X(0x7e, i32x4_extadd_pairwise_i16x8_s, UNARY, I32, 0)                                      \
    X(0x7f, i32x4_extadd_pairwise_i16x8_u, UNARY, I32, 0)                                      \
    WASM_SIMD_INTEGER(X, i16x8, 0x80)                                                          \
    WASM_SIMD_NARROW(X, i16x8, i32x4, 0x80)                                                    \
    WASM_SIMD_MIN_MAX(X, i16x8, 0x80)                                                          \
    WASM_SIMD_EXTEND(X, i16x8, i8x16, 0x80)                                                    \
    X(0x82, i16x8_q15mulr_sat_s, BINARY, I32, 0)                                               \
    WASM_SIMD_INTEGER(X, i32x4, 0xa0)                                                          \
    WASM_SIMD_MIN_MAX(X, i32x4, 0xa0)                                                          \
    WASM_SIMD_EXTEND(X, i32x4, i16x8, 0xa0)                                                    \
    X(0xba, i32x4_dot_i16x8_s, BINARY, I32, 0)                                                 \
    WASM_SIMD_INTEGER(X, i64x2, 0xc0)                                                          \
    WASM_SIMD_EXTEND(X, i64x2, i32x4, 0xc0)                                                    \
    X(0xd6, i64x2_eq, BINARY, I32, 0)                                                          \
    X(0xd7, i64x2_ne, BINARY, I32, 0)                                                          \
    X(0xd8, i64x2_lt_s, BINARY, I32, 0)                                                        \
    X(0xd9, i64x2_gt_s, BINARY, I32, 0)                                                        \
    X(0xda, i64x2_le_s, BINARY, I32, 0)                                                        \
    X(0xdb, i64x2_ge_s, BINARY, I32, 0)                                                        \
    WASM_SIMD_FLOAT(X, f32x4, 0xe0)                                                            \
    WASM_SIMD_FLOAT(X, f64x2, 0xec)                                                            \
    X(0xf8, i32x4_trunc_sat_f32x4_s, UNARY, I32, 0)                                            \
    X(0xf9, i32x4_trunc_sat_f32x4_u, UNARY, I32, 0)                                            \
    X(0xfa, f32x4_convert_i32x4_s, UNARY, I32, 0)                                              \
    X(0xfb, f32x4_convert_i32x4_u, UNARY, I32, 0)                                              \
    X(0xfc, i32x4_trunc_sat_f64x2_s_zero, UNARY, I32, 0)                                       \
    X(0xfd, i32x4_trunc_sat_f64x2_u_zero, UNARY, I32, 0)                                       \
    X(0xfe, f64x2_convert_low_i32x4_s, UNARY, I32, 0)                                          \
    X(0xff, f64x2_convert_low_i32x4_u, UNARY, I32, 0)

/* The handlers. Cell 1: h[0] result, h[1] first operand, and so on; a v128 is named by its low
 * word's slot. Lane numbers come behind the operands. Shuffle: lane numbers in cells 2 and 3.
 * Loads and stores: h[0] result or value, h[1] address, w[1] offset; with a lane, cell 2: h[0]
 * the vector operand, h[1] the lane. */
#define WASM_SIMD_DECLARE(code, name, shape, T, log2) wasm_handler wasm_simd_##name;
WASM_SIMD(WASM_SIMD_DECLARE)

/* The same for two words that other instructions move: ops_simd_lanes.c. */
wasm_handler wasm_simd_select;     /* h: to, if true, if false, condition */
wasm_handler wasm_simd_global_get; /* h[0]: to; p: struct wasm_global */
wasm_handler wasm_simd_global_set; /* h[1]: from; p */

#endif
