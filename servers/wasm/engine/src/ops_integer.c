/* Handlers of integer arithmetic and comparison (specification 4.3.2). */
#include "interp.h"
#include "opcodes.h"

#define ARITHMETIC(t, T, S, bits)                                                              \
    BINARY_HANDLERS(t##_add, T, T, result = a + b)                                             \
    BINARY_HANDLERS(t##_sub, T, T, result = a - b)                                             \
    BINARY_HANDLERS(t##_mul, T, T, result = a * b)                                             \
    BINARY_HANDLERS(t##_and, T, T, result = a & b)                                             \
    BINARY_HANDLERS(t##_or, T, T, result = a | b)                                              \
    BINARY_HANDLERS(t##_xor, T, T, result = a ^ b)                                             \
    BINARY_HANDLERS(t##_shl, T, T, result = a << (b & (bits - 1)))                             \
    BINARY_HANDLERS(t##_shr_s, T, T, result = (CTYPE_##T)((S)a >> (b & (bits - 1))))           \
    BINARY_HANDLERS(t##_shr_u, T, T, result = a >> (b & (bits - 1)))                           \
    BINARY_HANDLERS(t##_rotl, T, T, result = a << (b & (bits - 1)) | a >> (-b & (bits - 1)))   \
    BINARY_HANDLERS(t##_rotr, T, T, result = a >> (b & (bits - 1)) | a << (-b & (bits - 1)))

#define COMPARISONS(t, T, S)                                                                   \
    BINARY_HANDLERS(t##_eq, T, I32, result = a == b)                                           \
    BINARY_HANDLERS(t##_ne, T, I32, result = a != b)                                           \
    BINARY_HANDLERS(t##_lt_s, T, I32, result = (S)a < (S)b)                                    \
    BINARY_HANDLERS(t##_lt_u, T, I32, result = a < b)                                          \
    BINARY_HANDLERS(t##_gt_s, T, I32, result = (S)a > (S)b)                                    \
    BINARY_HANDLERS(t##_gt_u, T, I32, result = a > b)                                          \
    BINARY_HANDLERS(t##_le_s, T, I32, result = (S)a <= (S)b)                                   \
    BINARY_HANDLERS(t##_le_u, T, I32, result = a <= b)                                         \
    BINARY_HANDLERS(t##_ge_s, T, I32, result = (S)a >= (S)b)                                   \
    BINARY_HANDLERS(t##_ge_u, T, I32, result = a >= b)

/* The quotient of the least integer and -1 does not exist; its remainder is 0. */
#define DIVISIONS(t, T, S, least)                                                              \
    BINARY_HANDLERS(t##_div_s, T, T, if (unlikely(b == 0)) TRAP(WASM_TRAP_DIVIDE_BY_ZERO);     \
                    if (unlikely((S)a == least && (S)b == -1))                                 \
                        TRAP(WASM_TRAP_INTEGER_OVERFLOW);                                      \
                    result = (CTYPE_##T)((S)a / (S)b))                                         \
    BINARY_HANDLERS(t##_div_u, T, T, if (unlikely(b == 0)) TRAP(WASM_TRAP_DIVIDE_BY_ZERO);     \
                    result = a / b)                                                            \
    BINARY_HANDLERS(t##_rem_s, T, T, if (unlikely(b == 0)) TRAP(WASM_TRAP_DIVIDE_BY_ZERO);     \
                    result = (S)b == -1 ? 0 : (CTYPE_##T)((S)a % (S)b))                        \
    BINARY_HANDLERS(t##_rem_u, T, T, if (unlikely(b == 0)) TRAP(WASM_TRAP_DIVIDE_BY_ZERO);     \
                    result = a % b)

ARITHMETIC(i32, I32, int32_t, 32)
ARITHMETIC(i64, I64, int64_t, 64)
COMPARISONS(i32, I32, int32_t)
COMPARISONS(i64, I64, int64_t)
DIVISIONS(i32, I32, int32_t, INT32_MIN)
DIVISIONS(i64, I64, int64_t, INT64_MIN)

UNARY_HANDLERS(i32_eqz, I32, I32, result = a == 0)
UNARY_HANDLERS(i64_eqz, I64, I32, result = a == 0)
UNARY_HANDLERS(i32_clz, I32, I32, result = a ? (uint32_t)__builtin_clz(a) : 32)
UNARY_HANDLERS(i32_ctz, I32, I32, result = a ? (uint32_t)__builtin_ctz(a) : 32)
UNARY_HANDLERS(i32_popcnt, I32, I32, result = (uint32_t)__builtin_popcount(a))
UNARY_HANDLERS(i64_clz, I64, I64, result = a ? (uint64_t)__builtin_clzll(a) : 64)
UNARY_HANDLERS(i64_ctz, I64, I64, result = a ? (uint64_t)__builtin_ctzll(a) : 64)
UNARY_HANDLERS(i64_popcnt, I64, I64, result = (uint64_t)__builtin_popcountll(a))
UNARY_HANDLERS(i32_wrap_i64, I64, I32, result = (uint32_t)a)
UNARY_HANDLERS(i64_extend_i32_s, I32, I64, result = (uint64_t)(int32_t)a)
UNARY_HANDLERS(i32_extend8_s, I32, I32, result = (uint32_t)(int8_t)a)
UNARY_HANDLERS(i32_extend16_s, I32, I32, result = (uint32_t)(int16_t)a)
UNARY_HANDLERS(i64_extend8_s, I64, I64, result = (uint64_t)(int8_t)a)
UNARY_HANDLERS(i64_extend16_s, I64, I64, result = (uint64_t)(int16_t)a)
UNARY_HANDLERS(i64_extend32_s, I64, I64, result = (uint64_t)(int32_t)a)

#define BINARY_ENTRY(code, name, T, R) [code] = BINARY_ROW(name),
#define UNARY_ENTRY(code, name)        [code] = UNARY_ROW(name)

/* clang-format off */
const struct wasm_op wasm_integer_ops[256] = {
    WASM_ARITHMETIC_I(BINARY_ENTRY, i32, I32, 0x6a)
    WASM_ARITHMETIC_I(BINARY_ENTRY, i64, I64, 0x7c)
    WASM_COMPARE_I(BINARY_ENTRY, i32, I32, 0x46)
    WASM_COMPARE_I(BINARY_ENTRY, i64, I64, 0x51)
    WASM_DIVIDE(BINARY_ENTRY)
    UNARY_ENTRY(0x45, i32_eqz),
    UNARY_ENTRY(0x50, i64_eqz),
    UNARY_ENTRY(0x67, i32_clz),
    UNARY_ENTRY(0x68, i32_ctz),
    UNARY_ENTRY(0x69, i32_popcnt),
    UNARY_ENTRY(0x79, i64_clz),
    UNARY_ENTRY(0x7a, i64_ctz),
    UNARY_ENTRY(0x7b, i64_popcnt),
    UNARY_ENTRY(0xa7, i32_wrap_i64),
    UNARY_ENTRY(0xac, i64_extend_i32_s),
    UNARY_ENTRY(0xc0, i32_extend8_s),
    UNARY_ENTRY(0xc1, i32_extend16_s),
    UNARY_ENTRY(0xc2, i64_extend8_s),
    UNARY_ENTRY(0xc3, i64_extend16_s),
    UNARY_ENTRY(0xc4, i64_extend32_s),
};
/* clang-format on */
