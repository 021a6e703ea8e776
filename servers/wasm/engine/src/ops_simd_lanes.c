/* Handlers of vector instructions that move lanes or work on all bits alike (specification
 * 4.4.3), and of what moves whole vectors. */
#include "interp_simd.h"

LANES_1(v128_not, 2, u64, u64, ~x)
LANES_2(v128_and, 2, u64, u64, x &y)
LANES_2(v128_andnot, 2, u64, u64, x & ~y)
LANES_2(v128_or, 2, u64, u64, x | y)
LANES_2(v128_xor, 2, u64, u64, x ^ y)

void wasm_simd_v128_bitselect(HANDLER_PARAMS)
{
    const union wasm_v128 a = VECTOR(1), b = VECTOR(2), mask = VECTOR(3);
    union wasm_v128 r;
    for (unsigned i = 0; i < 2; i++)
        r.u64[i] = (a.u64[i] & mask.u64[i]) | (b.u64[i] & ~mask.u64[i]);
    PUT_VECTOR(r);
    NEXT(2);
}

void wasm_simd_v128_any_true(HANDLER_PARAMS)
{
    const union wasm_v128 a = VECTOR(1);
    fp[ip[1].h[0]] = (a.u64[0] | a.u64[1]) != 0;
    NEXT(2);
}

/* Lanes 0 to 15 are the first operand's, 16 to 31 the second's. */
void wasm_simd_i8x16_shuffle(HANDLER_PARAMS)
{
    const union wasm_v128 a = VECTOR(1), b = VECTOR(2), lanes = wasm_v128_read(&ip[2]);
    union wasm_v128 r;
    for (unsigned i = 0; i < 16; i++)
        r.u8[i] = lanes.u8[i] < 16 ? a.u8[lanes.u8[i]] : b.u8[lanes.u8[i] - 16];
    PUT_VECTOR(r);
    NEXT(4);
}

void wasm_simd_i8x16_swizzle(HANDLER_PARAMS)
{
    const union wasm_v128 a = VECTOR(1), lanes = VECTOR(2);
    union wasm_v128 r;
    for (unsigned i = 0; i < 16; i++)
        r.u8[i] = lanes.u8[i] < 16 ? a.u8[lanes.u8[i]] : 0;
    PUT_VECTOR(r);
    NEXT(2);
}

/* A scalar slot holds a lane's bits in its low end, whatever the lane's type. */

#define LANES_OF(t, n, U)                                                                      \
    void wasm_simd_##t##_splat(HANDLER_PARAMS)                                                 \
    {                                                                                          \
        union wasm_v128 r;                                                                     \
        for (unsigned i = 0; i < n; i++)                                                       \
            r.U[i] = (__typeof__(r.U[0]))fp[ip[1].h[1]];                                       \
        PUT_VECTOR(r);                                                                         \
        NEXT(2);                                                                               \
    }                                                                                          \
    void wasm_simd_##t##_replace_lane(HANDLER_PARAMS)                                          \
    {                                                                                          \
        union wasm_v128 a = VECTOR(1);                                                         \
        a.U[ip[1].h[3]] = (__typeof__(a.U[0]))fp[ip[1].h[2]];                                  \
        PUT_VECTOR(a);                                                                         \
        NEXT(2);                                                                               \
    }
#define EXTRACT(name, field, type)                                                             \
    void wasm_simd_##name(HANDLER_PARAMS)                                                      \
    {                                                                                          \
        const union wasm_v128 a = VECTOR(1);                                                   \
        fp[ip[1].h[0]] = (type)a.field[ip[1].h[2]];                                            \
        NEXT(2);                                                                               \
    }

LANES_OF(i8x16, 16, u8)
LANES_OF(i16x8, 8, u16)
LANES_OF(i32x4, 4, u32)
LANES_OF(i64x2, 2, u64)
LANES_OF(f32x4, 4, u32)
LANES_OF(f64x2, 2, u64)
EXTRACT(i8x16_extract_lane_s, s8, uint32_t)
EXTRACT(i8x16_extract_lane_u, u8, uint32_t)
EXTRACT(i16x8_extract_lane_s, s16, uint32_t)
EXTRACT(i16x8_extract_lane_u, u16, uint32_t)
EXTRACT(i32x4_extract_lane, u32, uint32_t)
EXTRACT(i64x2_extract_lane, u64, uint64_t)
EXTRACT(f32x4_extract_lane, u32, uint32_t)
EXTRACT(f64x2_extract_lane, u64, uint64_t)

void wasm_simd_select(HANDLER_PARAMS)
{
    const uint64_t *from = &fp[ip[1].h[(uint32_t)fp[ip[1].h[3]] ? 1 : 2]];
    PUT_VECTOR(wasm_v128_read(from));
    NEXT(2);
}

void wasm_simd_global_get(HANDLER_PARAMS)
{
    const struct wasm_global *global = ip[2].p;
    uint64_t *to = &fp[ip[1].h[0]];
    to[0] = global->value.low;
    to[1] = global->value.high;
    NEXT(3);
}

void wasm_simd_global_set(HANDLER_PARAMS)
{
    struct wasm_global *global = ip[2].p;
    const uint64_t *from = &fp[ip[1].h[1]];
    global->value = (struct wasm_value){from[0], from[1]};
    NEXT(3);
}
