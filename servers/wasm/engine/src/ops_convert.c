/* Handlers of conversions between integers and floats (specification 4.3.4). */
#include "interp.h"
#include "opcodes.h"

UNARY_HANDLERS(f32_convert_i32_s, I32, F32, result = (float)(int32_t)a)
UNARY_HANDLERS(f32_convert_i32_u, I32, F32, result = (float)a)
UNARY_HANDLERS(f32_convert_i64_s, I64, F32, result = (float)(int64_t)a)
UNARY_HANDLERS(f32_convert_i64_u, I64, F32, result = (float)a)
UNARY_HANDLERS(f64_convert_i32_s, I32, F64, result = (double)(int32_t)a)
UNARY_HANDLERS(f64_convert_i32_u, I32, F64, result = (double)a)
UNARY_HANDLERS(f64_convert_i64_s, I64, F64, result = (double)(int64_t)a)
UNARY_HANDLERS(f64_convert_i64_u, I64, F64, result = (double)a)
UNARY_HANDLERS(f32_demote_f64, F64, F32, result = (float)a)
UNARY_HANDLERS(f64_promote_f32, F32, F64, result = (double)a)

/* Truncation: a value converts if it lies strictly between `low` and `high`, the neighbours of
 * the target's range that the source can represent (or its end, where `low` is exact: then the
 * comparison says so by >=). */
#define FITS_I32_S_F32(a) ((a) >= -0x1p31f && (a) < 0x1p31f)
#define FITS_I32_U_F32(a) ((a) > -1.0f && (a) < 0x1p32f)
#define FITS_I32_S_F64(a) ((a) > -0x1.00000002p31 && (a) < 0x1p31)
#define FITS_I32_U_F64(a) ((a) > -1.0 && (a) < 0x1p32)
#define FITS_I64_S_F32(a) ((a) >= -0x1p63f && (a) < 0x1p63f)
#define FITS_I64_U_F32(a) ((a) > -1.0f && (a) < 0x1p64f)
#define FITS_I64_S_F64(a) ((a) >= -0x1p63 && (a) < 0x1p63)
#define FITS_I64_U_F64(a) ((a) > -1.0 && (a) < 0x1p64)

#define TRUNC_HANDLERS(t, f, T, F, sign, SIGN, type, least, most)                              \
    UNARY_HANDLERS(t##_trunc_##f##_##sign, F, T,                                               \
                   if (unlikely(!FITS_##T##_##SIGN##_##F(a))) TRAP(                            \
                       a != a ? WASM_TRAP_INVALID_CONVERSION : WASM_TRAP_INTEGER_OVERFLOW);    \
                   result = (CTYPE_##T)(type)a)                                                \
    UNARY_HANDLERS(t##_trunc_sat_##f##_##sign, F, T,                                           \
                   result = (CTYPE_##T)(FITS_##T##_##SIGN##_##F(a) ? (type)a                   \
                                        : a != a                   ? 0                         \
                                        : a < 0                    ? least                     \
                                                                   : most))

TRUNC_HANDLERS(i32, f32, I32, F32, s, S, int32_t, INT32_MIN, INT32_MAX)
TRUNC_HANDLERS(i32, f32, I32, F32, u, U, uint32_t, 0, UINT32_MAX)
TRUNC_HANDLERS(i32, f64, I32, F64, s, S, int32_t, INT32_MIN, INT32_MAX)
TRUNC_HANDLERS(i32, f64, I32, F64, u, U, uint32_t, 0, UINT32_MAX)
TRUNC_HANDLERS(i64, f32, I64, F32, s, S, int64_t, INT64_MIN, INT64_MAX)
TRUNC_HANDLERS(i64, f32, I64, F32, u, U, uint64_t, 0, UINT64_MAX)
TRUNC_HANDLERS(i64, f64, I64, F64, s, S, int64_t, INT64_MIN, INT64_MAX)
TRUNC_HANDLERS(i64, f64, I64, F64, u, U, uint64_t, 0, UINT64_MAX)

#define UNARY_ENTRY(code, name, T, R) [code] = UNARY_ROW(name),

/* clang-format off */
const struct wasm_op wasm_convert_ops[256] = {
    WASM_TRUNC(UNARY_ENTRY)
    [0xb2] = UNARY_ROW(f32_convert_i32_s),
    [0xb3] = UNARY_ROW(f32_convert_i32_u),
    [0xb4] = UNARY_ROW(f32_convert_i64_s),
    [0xb5] = UNARY_ROW(f32_convert_i64_u),
    [0xb6] = UNARY_ROW(f32_demote_f64),
    [0xb7] = UNARY_ROW(f64_convert_i32_s),
    [0xb8] = UNARY_ROW(f64_convert_i32_u),
    [0xb9] = UNARY_ROW(f64_convert_i64_s),
    [0xba] = UNARY_ROW(f64_convert_i64_u),
    [0xbb] = UNARY_ROW(f64_promote_f32),
};

const struct wasm_op wasm_saturating_ops[8] = {
    WASM_TRUNC_SAT(UNARY_ENTRY)
};
/* clang-format on */
