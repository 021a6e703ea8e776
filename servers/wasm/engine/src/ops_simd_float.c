/* Handlers of vector arithmetic on floats (specification 4.3.3): lane by lane what
 * ops_float.c does with scalars. */
#include "interp_simd.h"

#include <math.h>

/* min and max: a NaN wins, made quiet by the addition, and the zeros are ordered by sign. */
#define MINIMUM(U, F)                                                                          \
    static inline F minimum_##F(F x, F y)                                                      \
    {                                                                                          \
        if (x != x || y != y)                                                                  \
            return x + y;                                                                      \
        if (x == y)                                                                            \
            return signbit(x) ? x : y;                                                         \
        return x < y ? x : y;                                                                  \
    }                                                                                          \
    static inline F maximum_##F(F x, F y)                                                      \
    {                                                                                          \
        if (x != x || y != y)                                                                  \
            return x + y;                                                                      \
        if (x == y)                                                                            \
            return signbit(x) ? y : x;                                                         \
        return x > y ? x : y;                                                                  \
    }

MINIMUM(uint32_t, float)
MINIMUM(uint64_t, double)

/* pmin and pmax hand on an operand as it is, bits of a NaN included: chosen as integers. */
#define CHOOSE(name, n, U, F, condition)                                                       \
    void wasm_simd_##name(HANDLER_PARAMS)                                                      \
    {                                                                                          \
        const union wasm_v128 a = VECTOR(1), b = VECTOR(2);                                    \
        union wasm_v128 r;                                                                     \
        for (unsigned i = 0; i < n; i++)                                                       \
            r.U[i] = condition ? b.U[i] : a.U[i];                                              \
        PUT_VECTOR(r);                                                                         \
        NEXT(2);                                                                               \
    }

/* Rounding: libm may hand a signalling NaN back as it is; adding it to itself makes it
 * quiet. */
#define FLOATS(t, n, F, U, S, ctype, suffix, sign)                                             \
    LANES_1(t##_abs, n, U, U, x & ~(sign))                                                     \
    LANES_1(t##_neg, n, U, U, x ^ (sign))                                                      \
    LANES_1(t##_sqrt, n, F, F, sqrt##suffix(x))                                                \
    LANES_1(t##_ceil, n, F, F, x != x ? x + x : ceil##suffix(x))                               \
    LANES_1(t##_floor, n, F, F, x != x ? x + x : floor##suffix(x))                             \
    LANES_1(t##_trunc, n, F, F, x != x ? x + x : trunc##suffix(x))                             \
    LANES_1(t##_nearest, n, F, F, x != x ? x + x : rint##suffix(x))                            \
    LANES_2(t##_add, n, F, F, x + y)                                                           \
    LANES_2(t##_sub, n, F, F, x - y)                                                           \
    LANES_2(t##_mul, n, F, F, x *y)                                                            \
    LANES_2(t##_div, n, F, F, x / y)                                                           \
    LANES_2(t##_min, n, F, F, minimum_##ctype(x, y))                                           \
    LANES_2(t##_max, n, F, F, maximum_##ctype(x, y))                                           \
    CHOOSE(t##_pmin, n, U, F, b.F[i] < a.F[i])                                                 \
    CHOOSE(t##_pmax, n, U, F, a.F[i] < b.F[i])                                                 \
    LANES_2(t##_eq, n, S, F, -(x == y))                                                        \
    LANES_2(t##_ne, n, S, F, -(x != y))                                                        \
    LANES_2(t##_lt, n, S, F, -(x < y))                                                         \
    LANES_2(t##_gt, n, S, F, -(x > y))                                                         \
    LANES_2(t##_le, n, S, F, -(x <= y))                                                        \
    LANES_2(t##_ge, n, S, F, -(x >= y))

FLOATS(f32x4, 4, f32, u32, s32, float, f, (uint32_t)1 << 31)
FLOATS(f64x2, 2, f64, u64, s64, double, , (uint64_t)1 << 63)

/* Saturating truncation; a float is exact as a double. */
static inline int32_t truncate_s(double d)
{
    return d != d ? 0 : d <= INT32_MIN ? INT32_MIN : d >= INT32_MAX ? INT32_MAX : (int32_t)d;
}

static inline uint32_t truncate_u(double d)
{
    return !(d > 0) ? 0 : d >= UINT32_MAX ? UINT32_MAX : (uint32_t)d;
}

/* Where the shapes have different numbers of lanes, those left over of the result are zero. */
LANES_1(i32x4_trunc_sat_f32x4_s, 4, s32, f32, truncate_s((double)x))
LANES_1(i32x4_trunc_sat_f32x4_u, 4, u32, f32, truncate_u((double)x))
LANES_1(i32x4_trunc_sat_f64x2_s_zero, 2, s32, f64, truncate_s(x))
LANES_1(i32x4_trunc_sat_f64x2_u_zero, 2, u32, f64, truncate_u(x))
LANES_1(f32x4_convert_i32x4_s, 4, f32, s32, x)
LANES_1(f32x4_convert_i32x4_u, 4, f32, u32, x)
LANES_1(f64x2_convert_low_i32x4_s, 2, f64, s32, x)
LANES_1(f64x2_convert_low_i32x4_u, 2, f64, u32, x)
LANES_1(f32x4_demote_f64x2_zero, 2, f32, f64, x)
LANES_1(f64x2_promote_low_f32x4, 2, f64, f32, x)
