/* What handlers of vector instructions are written with: see simd.h and interp.h.
 *
 * Lanes are numbered from the low end, as they lie in memory on a little-endian host. Each
 * macro makes a handler from an expression over one lane; loops over all lanes of a constant
 * number are what compilers turn into vector instructions. Operands are read in full before
 * the result is written, since it may share their slots. */
#ifndef WASM_INTERP_SIMD_H
#define WASM_INTERP_SIMD_H

#include "interp.h"
#include "simd.h"

union wasm_v128 {
    uint8_t u8[16];
    int8_t s8[16];
    uint16_t u16[8];
    int16_t s16[8];
    uint32_t u32[4];
    int32_t s32[4];
    uint64_t u64[2];
    int64_t s64[2];
    float f32[4];
    double f64[2];
};
_Static_assert(sizeof(union wasm_v128) == 16, "two slots hold a vector");

static inline union wasm_v128 wasm_v128_read(const void *from)
{
    union wasm_v128 v;
    memcpy(&v, from, sizeof v);
    return v;
}

#define VECTOR(i) (wasm_v128_read(&fp[ip[1].h[i]]))
#define PUT_VECTOR(v)                                                                          \
    do {                                                                                       \
        union wasm_v128 put = (v);                                                             \
        memcpy(&fp[ip[1].h[0]], &put, sizeof put);                                             \
    } while (0)

/* Lane i of the result, of `n`, in field `out`: from x, of the operand's field `in`. */
#define LANES_1(name, n, out, in, ...)                                                         \
    void wasm_simd_##name(HANDLER_PARAMS)                                                      \
    {                                                                                          \
        const union wasm_v128 a = VECTOR(1);                                                   \
        union wasm_v128 r = {.u64 = {0, 0}};                                                   \
        for (unsigned i = 0; i < (n); i++) {                                                   \
            const __typeof__(a.in[0]) x = a.in[i];                                             \
            r.out[i] = (__typeof__(r.out[0]))(__VA_ARGS__);                                    \
        }                                                                                      \
        PUT_VECTOR(r);                                                                         \
        NEXT(2);                                                                               \
    }

/* The same from x and y, lanes `first` + i of both operands. */
#define LANES_2_FROM(name, n, first, out, in, ...)                                             \
    void wasm_simd_##name(HANDLER_PARAMS)                                                      \
    {                                                                                          \
        const union wasm_v128 a = VECTOR(1), b = VECTOR(2);                                    \
        union wasm_v128 r;                                                                     \
        for (unsigned i = 0; i < (n); i++) {                                                   \
            const __typeof__(a.in[0]) x = a.in[(first) + i], y = b.in[(first) + i];            \
            r.out[i] = (__typeof__(r.out[0]))(__VA_ARGS__);                                    \
        }                                                                                      \
        PUT_VECTOR(r);                                                                         \
        NEXT(2);                                                                               \
    }
#define LANES_2(name, n, out, in, ...) LANES_2_FROM(name, n, 0, out, in, __VA_ARGS__)

#endif
