/* Handlers of floating-point arithmetic (specification 4.3.3). The host's arithmetic is IEEE
 * 754 with SSE2, so only what C's operators and libm define otherwise is spelled out. */
#include "interp.h"
#include "opcodes.h"

#include <math.h>

/* min and max: a NaN wins, and the zeros are ordered. a + b makes a quiet NaN of any NaN. */
static float f32_min(float a, float b)
{
    if (a != a || b != b)
        return a + b;
    if (a == b)
        return wasm_f32(wasm_f32_bits(a) | wasm_f32_bits(b));
    return a < b ? a : b;
}

static float f32_max(float a, float b)
{
    if (a != a || b != b)
        return a + b;
    if (a == b)
        return wasm_f32(wasm_f32_bits(a) & wasm_f32_bits(b));
    return a > b ? a : b;
}

static double f64_min(double a, double b)
{
    if (a != a || b != b)
        return a + b;
    if (a == b)
        return wasm_f64(wasm_f64_bits(a) | wasm_f64_bits(b));
    return a < b ? a : b;
}

static double f64_max(double a, double b)
{
    if (a != a || b != b)
        return a + b;
    if (a == b)
        return wasm_f64(wasm_f64_bits(a) & wasm_f64_bits(b));
    return a > b ? a : b;
}

#define SIGN32 ((uint64_t)1 << 31)
#define SIGN64 ((uint64_t)1 << 63)

/* Rounding: libm may hand a signalling NaN back as it is; adding 0 makes it quiet. */
#define FLOATS(t, T, suffix, SIGN)                                                             \
    BINARY_HANDLERS(t##_add, T, T, result = a + b)                                             \
    BINARY_HANDLERS(t##_sub, T, T, result = a - b)                                             \
    BINARY_HANDLERS(t##_mul, T, T, result = a * b)                                             \
    BINARY_HANDLERS(t##_div, T, T, result = a / b)                                             \
    BINARY_HANDLERS(t##_min, T, T, result = t##_min(a, b))                                     \
    BINARY_HANDLERS(t##_max, T, T, result = t##_max(a, b))                                     \
    BINARY_HANDLERS(t##_copysign, T, T,                                                        \
                    result =                                                                   \
                        wasm_##t((wasm_##t##_bits(a) & ~SIGN) | (wasm_##t##_bits(b) & SIGN)))  \
    BINARY_HANDLERS(t##_eq, T, I32, result = a == b)                                           \
    BINARY_HANDLERS(t##_ne, T, I32, result = a != b)                                           \
    BINARY_HANDLERS(t##_lt, T, I32, result = a < b)                                            \
    BINARY_HANDLERS(t##_gt, T, I32, result = a > b)                                            \
    BINARY_HANDLERS(t##_le, T, I32, result = a <= b)                                           \
    BINARY_HANDLERS(t##_ge, T, I32, result = a >= b)                                           \
    UNARY_HANDLERS(t##_abs, T, T, result = wasm_##t(wasm_##t##_bits(a) & ~SIGN))               \
    UNARY_HANDLERS(t##_neg, T, T, result = wasm_##t(wasm_##t##_bits(a) ^ SIGN))                \
    UNARY_HANDLERS(t##_ceil, T, T, result = a != a ? a + a : ceil##suffix(a))                  \
    UNARY_HANDLERS(t##_floor, T, T, result = a != a ? a + a : floor##suffix(a))                \
    UNARY_HANDLERS(t##_trunc, T, T, result = a != a ? a + a : trunc##suffix(a))                \
    UNARY_HANDLERS(t##_nearest, T, T, result = a != a ? a + a : rint##suffix(a))               \
    UNARY_HANDLERS(t##_sqrt, T, T, result = sqrt##suffix(a))

FLOATS(f32, F32, f, SIGN32)
FLOATS(f64, F64, , SIGN64)

/* A product and the addition of slot h[3] to it, each rounded as if alone. */
#define FUSED_HANDLER(name, suffix, B, target, ...)                                            \
    static void name##_##suffix##_##target(HANDLER_PARAMS)                                     \
    {                                                                                          \
        double product = GET_S_F64(1) * GET_##B##_F64(2);                                      \
        double c = GET_S_F64(3);                                                               \
        PUT_##target##_F64(__VA_ARGS__);                                                       \
        NEXT(2);                                                                               \
    }
#define FUSED_HANDLERS(name, ...)                                                              \
    FUSED_HANDLER(name, SS, S, S, __VA_ARGS__)                                                 \
    FUSED_HANDLER(name, SS, S, A, __VA_ARGS__)                                                 \
    FUSED_HANDLER(name, SA, A, S, __VA_ARGS__)                                                 \
    FUSED_HANDLER(name, SA, A, A, __VA_ARGS__)
#define FUSED_ROW(name)                                                                        \
    {                                                                                          \
        {                                                                                      \
            [WASM_SS] = {name##_SS_S, name##_SS_A}, [WASM_SA] = { name##_SA_S, name##_SA_A }   \
        }                                                                                      \
    }

FUSED_HANDLERS(f64_mul_add, product + c)
FUSED_HANDLERS(f64_mul_sub, product - c)
FUSED_HANDLERS(f64_mul_rsub, c - product)

const struct wasm_op wasm_mul_add_ops[3] = {FUSED_ROW(f64_mul_add), FUSED_ROW(f64_mul_sub),
                                            FUSED_ROW(f64_mul_rsub)};

#define BINARY_ENTRY(code, name, T, R) [code] = BINARY_ROW(name),
#define UNARY_ENTRIES(t, base)                                                                 \
    [base] = UNARY_ROW(t##_abs), [base + 1] = UNARY_ROW(t##_neg),                              \
    [base + 2] = UNARY_ROW(t##_ceil), [base + 3] = UNARY_ROW(t##_floor),                       \
    [base + 4] = UNARY_ROW(t##_trunc), [base + 5] = UNARY_ROW(t##_nearest),                    \
    [base + 6] = UNARY_ROW(t##_sqrt)

/* clang-format off */
const struct wasm_op wasm_float_ops[256] = {
    WASM_ARITHMETIC_F(BINARY_ENTRY, f32, F32, 0x92)
    WASM_ARITHMETIC_F(BINARY_ENTRY, f64, F64, 0xa0)
    WASM_COMPARE_F(BINARY_ENTRY, f32, F32, 0x5b)
    WASM_COMPARE_F(BINARY_ENTRY, f64, F64, 0x61)
    UNARY_ENTRIES(f32, 0x8b),
    UNARY_ENTRIES(f64, 0x99)
};
/* clang-format on */
