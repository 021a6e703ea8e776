/* Handlers of vector arithmetic on integers (specification 4.3.2). */
#include "interp_simd.h"

#define MIN(x, y) ((x) < (y) ? (x) : (y))
#define MAX(x, y) ((x) > (y) ? (x) : (y))

#define COMPARISONS_S(t, n, S, U)                                                              \
    LANES_2(t##_eq, n, S, U, -(x == y))                                                        \
    LANES_2(t##_ne, n, S, U, -(x != y))                                                        \
    LANES_2(t##_lt_s, n, S, S, -(x < y))                                                       \
    LANES_2(t##_gt_s, n, S, S, -(x > y))                                                       \
    LANES_2(t##_le_s, n, S, S, -(x <= y))                                                      \
    LANES_2(t##_ge_s, n, S, S, -(x >= y))
#define COMPARISONS_U(t, n, S, U)                                                              \
    LANES_2(t##_lt_u, n, S, U, -(x < y))                                                       \
    LANES_2(t##_gt_u, n, S, U, -(x > y))                                                       \
    LANES_2(t##_le_u, n, S, U, -(x <= y))                                                      \
    LANES_2(t##_ge_u, n, S, U, -(x >= y))

COMPARISONS_S(i8x16, 16, s8, u8)
COMPARISONS_S(i16x8, 8, s16, u16)
COMPARISONS_S(i32x4, 4, s32, u32)
COMPARISONS_S(i64x2, 2, s64, u64)
COMPARISONS_U(i8x16, 16, s8, u8)
COMPARISONS_U(i16x8, 8, s16, u16)
COMPARISONS_U(i32x4, 4, s32, u32)

/* A shift by the scalar operand, which the lane's width bounds. */
#define SHIFT(name, n, bits, field, op)                                                        \
    void wasm_simd_##name(HANDLER_PARAMS)                                                      \
    {                                                                                          \
        union wasm_v128 a = VECTOR(1);                                                         \
        unsigned count = (unsigned)fp[ip[1].h[2]] & (bits - 1);                                \
        for (unsigned i = 0; i < n; i++)                                                       \
            a.field[i] = (__typeof__(a.field[0]))(a.field[i] op count);                        \
        PUT_VECTOR(a);                                                                         \
        NEXT(2);                                                                               \
    }

#define ALL_TRUE(t, n, U)                                                                      \
    void wasm_simd_##t##_all_true(HANDLER_PARAMS)                                              \
    {                                                                                          \
        const union wasm_v128 a = VECTOR(1);                                                   \
        unsigned zeros = 0;                                                                    \
        for (unsigned i = 0; i < n; i++)                                                       \
            zeros |= a.U[i] == 0;                                                              \
        fp[ip[1].h[0]] = !zeros;                                                               \
        NEXT(2);                                                                               \
    }

#define BITMASK(t, n, S)                                                                       \
    void wasm_simd_##t##_bitmask(HANDLER_PARAMS)                                               \
    {                                                                                          \
        const union wasm_v128 a = VECTOR(1);                                                   \
        uint32_t mask = 0;                                                                     \
        for (unsigned i = 0; i < n; i++)                                                       \
            mask |= (uint32_t)(a.S[i] < 0) << i;                                               \
        fp[ip[1].h[0]] = mask;                                                                 \
        NEXT(2);                                                                               \
    }

#define INTEGERS(t, n, bits, S, U)                                                             \
    LANES_1(t##_abs, n, U, U, x >> (bits - 1) ? 0 - x : x)                                     \
    LANES_1(t##_neg, n, U, U, 0 - x)                                                           \
    LANES_2(t##_add, n, U, U, x + y)                                                           \
    LANES_2(t##_sub, n, U, U, x - y)                                                           \
    SHIFT(t##_shl, n, bits, U, <<)                                                             \
    SHIFT(t##_shr_s, n, bits, S, >>)                                                           \
    SHIFT(t##_shr_u, n, bits, U, >>)                                                           \
    ALL_TRUE(t, n, U)                                                                          \
    BITMASK(t, n, S)

INTEGERS(i8x16, 16, 8, s8, u8)
INTEGERS(i16x8, 8, 16, s16, u16)
INTEGERS(i32x4, 4, 32, s32, u32)
INTEGERS(i64x2, 2, 64, s64, u64)

#define MIN_MAX(t, n, S, U)                                                                    \
    LANES_2(t##_min_s, n, S, S, MIN(x, y))                                                     \
    LANES_2(t##_min_u, n, U, U, MIN(x, y))                                                     \
    LANES_2(t##_max_s, n, S, S, MAX(x, y))                                                     \
    LANES_2(t##_max_u, n, U, U, MAX(x, y))

MIN_MAX(i8x16, 16, s8, u8)
MIN_MAX(i16x8, 8, s16, u16)
MIN_MAX(i32x4, 4, s32, u32)

/* Saturation of a value that an int holds. */
static inline int saturate(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

#define SATURATING(t, n, S, U, least, most, umost)                                             \
    LANES_2(t##_add_sat_s, n, S, S, saturate(x + y, least, most))                              \
    LANES_2(t##_sub_sat_s, n, S, S, saturate(x - y, least, most))                              \
    LANES_2(t##_add_sat_u, n, U, U, saturate(x + y, 0, umost))                                 \
    LANES_2(t##_sub_sat_u, n, U, U, saturate(x - y, 0, umost))                                 \
    LANES_2(t##_avgr_u, n, U, U, (x + y + 1) / 2)

SATURATING(i8x16, 16, s8, u8, INT8_MIN, INT8_MAX, UINT8_MAX)
SATURATING(i16x8, 8, s16, u16, INT16_MIN, INT16_MAX, UINT16_MAX)

/* Both operands' lanes, read as signed and saturated to half their width. */
#define NARROW(name, half, out, in, least, most)                                               \
    void wasm_simd_##name(HANDLER_PARAMS)                                                      \
    {                                                                                          \
        const union wasm_v128 a = VECTOR(1), b = VECTOR(2);                                    \
        union wasm_v128 r;                                                                     \
        for (unsigned i = 0; i < half; i++)                                                    \
            r.out[i] = (__typeof__(r.out[0]))saturate(a.in[i], least, most);                   \
        for (unsigned i = 0; i < half; i++)                                                    \
            r.out[half + i] = (__typeof__(r.out[0]))saturate(b.in[i], least, most);            \
        PUT_VECTOR(r);                                                                         \
        NEXT(2);                                                                               \
    }

NARROW(i8x16_narrow_i16x8_s, 8, s8, s16, INT8_MIN, INT8_MAX)
NARROW(i8x16_narrow_i16x8_u, 8, u8, s16, 0, UINT8_MAX)
NARROW(i16x8_narrow_i32x4_s, 4, s16, s32, INT16_MIN, INT16_MAX)
NARROW(i16x8_narrow_i32x4_u, 4, u16, s32, 0, UINT16_MAX)

/* Lanes first .. first + n of the halves' shape, extended. */
#define EXTEND(name, n, first, out, in)                                                        \
    void wasm_simd_##name(HANDLER_PARAMS)                                                      \
    {                                                                                          \
        const union wasm_v128 a = VECTOR(1);                                                   \
        union wasm_v128 r;                                                                     \
        for (unsigned i = 0; i < n; i++)                                                       \
            r.out[i] = a.in[first + i];                                                        \
        PUT_VECTOR(r);                                                                         \
        NEXT(2);                                                                               \
    }

/* Multiplication is modulo the lane's width: the unsigned type `M`, at least int's, has it. */
#define EXTENSIONS(t, half, n, S, U, HS, HU, M)                                                \
    LANES_2(t##_mul, n, U, U, (M)x *y)                                                         \
    EXTEND(t##_extend_low_##half##_s, n, 0, S, HS)                                             \
    EXTEND(t##_extend_high_##half##_s, n, n, S, HS)                                            \
    EXTEND(t##_extend_low_##half##_u, n, 0, U, HU)                                             \
    EXTEND(t##_extend_high_##half##_u, n, n, U, HU)                                            \
    LANES_2_FROM(t##_extmul_low_##half##_s, n, 0, U, HS, (M)x *(M)y)                           \
    LANES_2_FROM(t##_extmul_high_##half##_s, n, n, U, HS, (M)x *(M)y)                          \
    LANES_2_FROM(t##_extmul_low_##half##_u, n, 0, U, HU, (M)x *(M)y)                           \
    LANES_2_FROM(t##_extmul_high_##half##_u, n, n, U, HU, (M)x *(M)y)

EXTENSIONS(i16x8, i8x16, 8, s16, u16, s8, u8, uint32_t)
EXTENSIONS(i32x4, i16x8, 4, s32, u32, s16, u16, uint32_t)
EXTENSIONS(i64x2, i32x4, 2, s64, u64, s32, u32, uint64_t)

#define PAIRWISE(name, n, out, in)                                                             \
    void wasm_simd_##name(HANDLER_PARAMS)                                                      \
    {                                                                                          \
        const union wasm_v128 a = VECTOR(1);                                                   \
        union wasm_v128 r;                                                                     \
        for (unsigned i = 0; i < n; i++)                                                       \
            r.out[i] = (__typeof__(r.out[0]))(a.in[2 * i] + a.in[2 * i + 1]);                  \
        PUT_VECTOR(r);                                                                         \
        NEXT(2);                                                                               \
    }

PAIRWISE(i16x8_extadd_pairwise_i8x16_s, 8, s16, s8)
PAIRWISE(i16x8_extadd_pairwise_i8x16_u, 8, u16, u8)
PAIRWISE(i32x4_extadd_pairwise_i16x8_s, 4, s32, s16)
PAIRWISE(i32x4_extadd_pairwise_i16x8_u, 4, u32, u16)

void wasm_simd_i32x4_dot_i16x8_s(HANDLER_PARAMS)
{
    const union wasm_v128 a = VECTOR(1), b = VECTOR(2);
    union wasm_v128 r;
    for (unsigned i = 0; i < 4; i++)
        r.u32[i] = (uint32_t)(a.s16[2 * i] * b.s16[2 * i]) +
                   (uint32_t)(a.s16[2 * i + 1] * b.s16[2 * i + 1]);
    PUT_VECTOR(r);
    NEXT(2);
}

LANES_2(i16x8_q15mulr_sat_s, 8, s16, s16,
        saturate((x * y + 0x4000) >> 15, INT16_MIN, INT16_MAX))
LANES_1(i8x16_popcnt, 16, u8, u8, __builtin_popcount(x))
