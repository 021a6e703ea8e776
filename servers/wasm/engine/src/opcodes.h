/* The instructions of the binary format (specification 5.4), written once.
 *
 * Numeric instructions and memory accesses are regular, so they are lists that the validator,
 * the translator and the interpreter expand; the others are named constants.
 */
#ifndef WASM_OPCODES_H
#define WASM_OPCODES_H

enum wasm_opcode {
    OP_UNREACHABLE = 0x00,
    OP_NOP = 0x01,
    OP_BLOCK = 0x02,
    OP_LOOP = 0x03,
    OP_IF = 0x04,
    OP_ELSE = 0x05,
    OP_END = 0x0b,
    OP_BR = 0x0c,
    OP_BR_IF = 0x0d,
    OP_BR_TABLE = 0x0e,
    OP_RETURN = 0x0f,
    OP_CALL = 0x10,
    OP_CALL_INDIRECT = 0x11,
    OP_RETURN_CALL = 0x12,
    OP_RETURN_CALL_INDIRECT = 0x13,
    OP_DROP = 0x1a,
    OP_SELECT = 0x1b,
    OP_SELECT_TYPED = 0x1c,
    OP_LOCAL_GET = 0x20,
    OP_LOCAL_SET = 0x21,
    OP_LOCAL_TEE = 0x22,
    OP_GLOBAL_GET = 0x23,
    OP_GLOBAL_SET = 0x24,
    OP_TABLE_GET = 0x25,
    OP_TABLE_SET = 0x26,
    OP_LOAD_FIRST = 0x28,
    OP_LOAD_LAST = 0x35,
    OP_STORE_FIRST = 0x36,
    OP_STORE_LAST = 0x3e,
    OP_MEMORY_SIZE = 0x3f,
    OP_MEMORY_GROW = 0x40,
    OP_I32_CONST = 0x41,
    OP_I64_CONST = 0x42,
    OP_F32_CONST = 0x43,
    OP_F64_CONST = 0x44,
    OP_NUMERIC_FIRST = 0x45,
    OP_I32_EQZ = 0x45,
    OP_I32_ADD = 0x6a,
    OP_I32_SUB = 0x6b,
    OP_I32_MUL = 0x6c,
    OP_I64_ADD = 0x7c,
    OP_I64_SUB = 0x7d,
    OP_I64_MUL = 0x7e,
    OP_NUMERIC_LAST = 0xc4,
    OP_REF_NULL = 0xd0,
    OP_REF_IS_NULL = 0xd1,
    OP_REF_FUNC = 0xd2,
    OP_PREFIX = 0xfc,
    OP_SIMD = 0xfd,   /* followed by a number: simd.h */
    OP_ATOMIC = 0xfe, /* likewise: atomic.h */
};

/* After OP_PREFIX. */
enum wasm_prefixed_opcode {
    OP_TRUNC_SAT_LAST = 7,
    OP_MEMORY_INIT = 8,
    OP_DATA_DROP = 9,
    OP_MEMORY_COPY = 10,
    OP_MEMORY_FILL = 11,
    OP_TABLE_INIT = 12,
    OP_ELEM_DROP = 13,
    OP_TABLE_COPY = 14,
    OP_TABLE_GROW = 15,
    OP_TABLE_SIZE = 16,
    OP_TABLE_FILL = 17,
};

/* X(opcode, name, operand type, result type) */
#define WASM_UNARY(X)                                                                          \
    X(0x45, i32_eqz, I32, I32)                                                                 \
    X(0x50, i64_eqz, I64, I32)                                                                 \
    X(0x67, i32_clz, I32, I32)                                                                 \
    X(0x68, i32_ctz, I32, I32)                                                                 \
    X(0x69, i32_popcnt, I32, I32)                                                              \
    X(0x79, i64_clz, I64, I64)                                                                 \
    X(0x7a, i64_ctz, I64, I64)                                                                 \
    X(0x7b, i64_popcnt, I64, I64)                                                              \
    X(0x8b, f32_abs, F32, F32)                                                                 \
    X(0x8c, f32_neg, F32, F32)                                                                 \
    X(0x8d, f32_ceil, F32, F32)                                                                \
    X(0x8e, f32_floor, F32, F32)                                                               \
    X(0x8f, f32_trunc, F32, F32)                                                               \
    X(0x90, f32_nearest, F32, F32)                                                             \
    X(0x91, f32_sqrt, F32, F32)                                                                \
    X(0x99, f64_abs, F64, F64)                                                                 \
    X(0x9a, f64_neg, F64, F64)                                                                 \
    X(0x9b, f64_ceil, F64, F64)                                                                \
    X(0x9c, f64_floor, F64, F64)                                                               \
    X(0x9d, f64_trunc, F64, F64)                                                               \
    X(0x9e, f64_nearest, F64, F64)                                                             \
    X(0x9f, f64_sqrt, F64, F64)                                                                \
    X(0xa7, i32_wrap_i64, I64, I32)                                                            \
    X(0xac, i64_extend_i32_s, I32, I64)                                                        \
    X(0xad, i64_extend_i32_u, I32, I64)                                                        \
    X(0xb2, f32_convert_i32_s, I32, F32)                                                       \
    X(0xb3, f32_convert_i32_u, I32, F32)                                                       \
    X(0xb4, f32_convert_i64_s, I64, F32)                                                       \
    X(0xb5, f32_convert_i64_u, I64, F32)                                                       \
    X(0xb6, f32_demote_f64, F64, F32)                                                          \
    X(0xb7, f64_convert_i32_s, I32, F64)                                                       \
    X(0xb8, f64_convert_i32_u, I32, F64)                                                       \
    X(0xb9, f64_convert_i64_s, I64, F64)                                                       \
    X(0xba, f64_convert_i64_u, I64, F64)                                                       \
    X(0xbb, f64_promote_f32, F32, F64)                                                         \
    X(0xbc, i32_reinterpret_f32, F32, I32)                                                     \
    X(0xbd, i64_reinterpret_f64, F64, I64)                                                     \
    X(0xbe, f32_reinterpret_i32, I32, F32)                                                     \
    X(0xbf, f64_reinterpret_i64, I64, F64)                                                     \
    X(0xc0, i32_extend8_s, I32, I32)                                                           \
    X(0xc1, i32_extend16_s, I32, I32)                                                          \
    X(0xc2, i64_extend8_s, I64, I64)                                                           \
    X(0xc3, i64_extend16_s, I64, I64)                                                          \
    X(0xc4, i64_extend32_s, I64, I64)

/* Unary instructions that trap when the value does not fit. */
#define WASM_TRUNC(X)                                                                          \
    X(0xa8, i32_trunc_f32_s, F32, I32)                                                         \
    X(0xa9, i32_trunc_f32_u, F32, I32)                                                         \
    X(0xaa, i32_trunc_f64_s, F64, I32)                                                         \
    X(0xab, i32_trunc_f64_u, F64, I32)                                                         \
    X(0xae, i64_trunc_f32_s, F32, I64)                                                         \
    X(0xaf, i64_trunc_f32_u, F32, I64)                                                         \
    X(0xb0, i64_trunc_f64_s, F64, I64)                                                         \
    X(0xb1, i64_trunc_f64_u, F64, I64)

/* After OP_PREFIX: unary too, and never trap. */
#define WASM_TRUNC_SAT(X)                                                                      \
    X(0, i32_trunc_sat_f32_s, F32, I32)                                                        \
    X(1, i32_trunc_sat_f32_u, F32, I32)                                                        \
    X(2, i32_trunc_sat_f64_s, F64, I32)                                                        \
    X(3, i32_trunc_sat_f64_u, F64, I32)                                                        \
    X(4, i64_trunc_sat_f32_s, F32, I64)                                                        \
    X(5, i64_trunc_sat_f32_u, F32, I64)                                                        \
    X(6, i64_trunc_sat_f64_s, F64, I64)                                                        \
    X(7, i64_trunc_sat_f64_u, F64, I64)

/* Comparisons of integers; base is the opcode of the first. In this order an instruction and
 * its negation, and an instruction and its mirror image, are found by table. */
#define WASM_COMPARE_I(X, t, T, base)                                                          \
    X(base + 0, t##_eq, T, I32)                                                                \
    X(base + 1, t##_ne, T, I32)                                                                \
    X(base + 2, t##_lt_s, T, I32)                                                              \
    X(base + 3, t##_lt_u, T, I32)                                                              \
    X(base + 4, t##_gt_s, T, I32)                                                              \
    X(base + 5, t##_gt_u, T, I32)                                                              \
    X(base + 6, t##_le_s, T, I32)                                                              \
    X(base + 7, t##_le_u, T, I32)                                                              \
    X(base + 8, t##_ge_s, T, I32)                                                              \
    X(base + 9, t##_ge_u, T, I32)

#define WASM_COMPARE_F(X, t, T, base)                                                          \
    X(base + 0, t##_eq, T, I32)                                                                \
    X(base + 1, t##_ne, T, I32)                                                                \
    X(base + 2, t##_lt, T, I32)                                                                \
    X(base + 3, t##_gt, T, I32)                                                                \
    X(base + 4, t##_le, T, I32)                                                                \
    X(base + 5, t##_ge, T, I32)

#define WASM_ARITHMETIC_I(X, t, T, base)                                                       \
    X(base + 0, t##_add, T, T)                                                                 \
    X(base + 1, t##_sub, T, T)                                                                 \
    X(base + 2, t##_mul, T, T)                                                                 \
    X(base + 7, t##_and, T, T)                                                                 \
    X(base + 8, t##_or, T, T)                                                                  \
    X(base + 9, t##_xor, T, T)                                                                 \
    X(base + 10, t##_shl, T, T)                                                                \
    X(base + 11, t##_shr_s, T, T)                                                              \
    X(base + 12, t##_shr_u, T, T)                                                              \
    X(base + 13, t##_rotl, T, T)                                                               \
    X(base + 14, t##_rotr, T, T)

/* Divisions, which trap. */
#define WASM_DIVIDE(X)                                                                         \
    X(0x6d, i32_div_s, I32, I32)                                                               \
    X(0x6e, i32_div_u, I32, I32)                                                               \
    X(0x6f, i32_rem_s, I32, I32)                                                               \
    X(0x70, i32_rem_u, I32, I32)                                                               \
    X(0x7f, i64_div_s, I64, I64)                                                               \
    X(0x80, i64_div_u, I64, I64)                                                               \
    X(0x81, i64_rem_s, I64, I64)                                                               \
    X(0x82, i64_rem_u, I64, I64)

#define WASM_ARITHMETIC_F(X, t, T, base)                                                       \
    X(base + 0, t##_add, T, T)                                                                 \
    X(base + 1, t##_sub, T, T)                                                                 \
    X(base + 2, t##_mul, T, T)                                                                 \
    X(base + 3, t##_div, T, T)                                                                 \
    X(base + 4, t##_min, T, T)                                                                 \
    X(base + 5, t##_max, T, T)                                                                 \
    X(base + 6, t##_copysign, T, T)

/* Every binary instruction: X(opcode, name, operands' type, result type). */
#define WASM_BINARY(X)                                                                         \
    WASM_COMPARE_I(X, i32, I32, 0x46)                                                          \
    WASM_COMPARE_I(X, i64, I64, 0x51)                                                          \
    WASM_COMPARE_F(X, f32, F32, 0x5b)                                                          \
    WASM_COMPARE_F(X, f64, F64, 0x61)                                                          \
    WASM_ARITHMETIC_I(X, i32, I32, 0x6a)                                                       \
    WASM_ARITHMETIC_I(X, i64, I64, 0x7c)                                                       \
    WASM_DIVIDE(X)                                                                             \
    WASM_ARITHMETIC_F(X, f32, F32, 0x92)                                                       \
    WASM_ARITHMETIC_F(X, f64, F64, 0xa0)

/* X(opcode, name, value type, C type in memory, log2 of its bytes) */
#define WASM_LOAD(X)                                                                           \
    X(0x28, i32_load, I32, uint32_t, 2)                                                        \
    X(0x29, i64_load, I64, uint64_t, 3)                                                        \
    X(0x2a, f32_load, F32, float, 2)                                                           \
    X(0x2b, f64_load, F64, double, 3)                                                          \
    X(0x2c, i32_load8_s, I32, int8_t, 0)                                                       \
    X(0x2d, i32_load8_u, I32, uint8_t, 0)                                                      \
    X(0x2e, i32_load16_s, I32, int16_t, 1)                                                     \
    X(0x2f, i32_load16_u, I32, uint16_t, 1)                                                    \
    X(0x30, i64_load8_s, I64, int8_t, 0)                                                       \
    X(0x31, i64_load8_u, I64, uint8_t, 0)                                                      \
    X(0x32, i64_load16_s, I64, int16_t, 1)                                                     \
    X(0x33, i64_load16_u, I64, uint16_t, 1)                                                    \
    X(0x34, i64_load32_s, I64, int32_t, 2)                                                     \
    X(0x35, i64_load32_u, I64, uint32_t, 2)

#define WASM_STORE(X)                                                                          \
    X(0x36, i32_store, I32, uint32_t, 2)                                                       \
    X(0x37, i64_store, I64, uint64_t, 3)                                                       \
    X(0x38, f32_store, F32, float, 2)                                                          \
    X(0x39, f64_store, F64, double, 3)                                                         \
    X(0x3a, i32_store8, I32, uint8_t, 0)                                                       \
    X(0x3b, i32_store16, I32, uint16_t, 1)                                                     \
    X(0x3c, i64_store8, I64, uint8_t, 0)                                                       \
    X(0x3d, i64_store16, I64, uint16_t, 1)                                                     \
    X(0x3e, i64_store32, I64, uint32_t, 2)

#endif
