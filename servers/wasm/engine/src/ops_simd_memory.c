/* Handlers of vector loads and stores (specification 4.4.7); why an access is checked by a
 * fault is said in ops_memory.c. */
#include "interp_simd.h"

#define ADDRESS (mem + (uint64_t)(uint32_t)fp[ip[1].h[1]] + ip[1].w[1])

/* The bytes at the address, which may fault, into `value`. */
#define FETCH(value)                                                                           \
    do {                                                                                       \
        const uint8_t *at = ADDRESS;                                                           \
        x->ip = ip;                                                                            \
        atomic_signal_fence(memory_order_seq_cst);                                             \
        memcpy(&(value), at, sizeof(value));                                                   \
    } while (0)

void wasm_simd_v128_load(HANDLER_PARAMS)
{
    union wasm_v128 r;
    FETCH(r);
    PUT_VECTOR(r);
    NEXT(2);
}

/* The last byte is read first: hosts that write 16 bytes in two steps must not write one half
 * of what reaches beyond the memory. */
void wasm_simd_v128_store(HANDLER_PARAMS)
{
    const union wasm_v128 value = VECTOR(0);
    uint8_t *at = ADDRESS;
    x->ip = ip;
    atomic_signal_fence(memory_order_seq_cst);
    (void)*(volatile uint8_t *)(at + sizeof value - 1);
    memcpy(at, &value, sizeof value);
    NEXT(2);
}

/* Half a vector, each lane extended to twice its width. */
#define LOAD_EXTEND(name, n, out, type)                                                        \
    void wasm_simd_##name(HANDLER_PARAMS)                                                      \
    {                                                                                          \
        type half[n];                                                                          \
        FETCH(half);                                                                           \
        union wasm_v128 r;                                                                     \
        for (unsigned i = 0; i < n; i++)                                                       \
            r.out[i] = half[i];                                                                \
        PUT_VECTOR(r);                                                                         \
        NEXT(2);                                                                               \
    }

LOAD_EXTEND(v128_load8x8_s, 8, s16, int8_t)
LOAD_EXTEND(v128_load8x8_u, 8, u16, uint8_t)
LOAD_EXTEND(v128_load16x4_s, 4, s32, int16_t)
LOAD_EXTEND(v128_load16x4_u, 4, u32, uint16_t)
LOAD_EXTEND(v128_load32x2_s, 2, s64, int32_t)
LOAD_EXTEND(v128_load32x2_u, 2, u64, uint32_t)

#define LOAD_SPLAT(bits, n)                                                                    \
    void wasm_simd_v128_load##bits##_splat(HANDLER_PARAMS)                                     \
    {                                                                                          \
        uint##bits##_t value;                                                                  \
        FETCH(value);                                                                          \
        union wasm_v128 r;                                                                     \
        for (unsigned i = 0; i < n; i++)                                                       \
            r.u##bits[i] = value;                                                              \
        PUT_VECTOR(r);                                                                         \
        NEXT(2);                                                                               \
    }

#define LOAD_ZERO(bits)                                                                        \
    void wasm_simd_v128_load##bits##_zero(HANDLER_PARAMS)                                      \
    {                                                                                          \
        uint##bits##_t value;                                                                  \
        FETCH(value);                                                                          \
        fp[ip[1].h[0]] = value;                                                                \
        fp[ip[1].h[0] + 1] = 0;                                                                \
        NEXT(2);                                                                               \
    }

/* Cell 2: h[0] vector, h[1] lane. */
#define LANE_ACCESS(bits)                                                                      \
    void wasm_simd_v128_load##bits##_lane(HANDLER_PARAMS)                                      \
    {                                                                                          \
        union wasm_v128 r = wasm_v128_read(&fp[ip[2].h[0]]);                                   \
        uint##bits##_t value;                                                                  \
        FETCH(value);                                                                          \
        r.u##bits[ip[2].h[1]] = value;                                                         \
        PUT_VECTOR(r);                                                                         \
        NEXT(3);                                                                               \
    }                                                                                          \
    void wasm_simd_v128_store##bits##_lane(HANDLER_PARAMS)                                     \
    {                                                                                          \
        const union wasm_v128 a = wasm_v128_read(&fp[ip[2].h[0]]);                             \
        uint##bits##_t value = a.u##bits[ip[2].h[1]];                                          \
        uint8_t *at = ADDRESS;                                                                 \
        x->ip = ip;                                                                            \
        atomic_signal_fence(memory_order_seq_cst);                                             \
        memcpy(at, &value, sizeof value);                                                      \
        NEXT(3);                                                                               \
    }

LOAD_SPLAT(8, 16)
LOAD_SPLAT(16, 8)
LOAD_SPLAT(32, 4)
LOAD_SPLAT(64, 2)
LOAD_ZERO(32)
LOAD_ZERO(64)
LANE_ACCESS(8)
LANE_ACCESS(16)
LANE_ACCESS(32)
LANE_ACCESS(64)
