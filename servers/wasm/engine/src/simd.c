/* The table of the vector instructions: see simd.h. */
#include "simd.h"

#define ENTRY(code, name, shape, T, log2)                                                      \
    [code] = {wasm_simd_##name, WASM_SIMD_##shape, WASM_##T, log2},

/* clang-format off */
const struct wasm_simd_op wasm_simd_ops[256] = {
    WASM_SIMD(ENTRY)
    [0x0c] = {NULL, WASM_SIMD_CONST, WASM_I32, 0},
};
/* clang-format on */
