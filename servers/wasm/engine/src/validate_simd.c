/* Validation of the vector instructions (specification 3.3.3 and 3.3.7); see validate.h. */
#include "validator.h"

#include "simd.h"

static void read_lane(struct wasm_validator *v, unsigned lanes)
{
    if (wasm_read_byte(v->r) >= lanes)
        wasm_invalid(v, "invalid lane index: there are %u", lanes);
}

static void read_immediates(struct wasm_validator *v, const struct wasm_simd_op *op)
{
    unsigned lanes = 16u >> op->log2;
    switch (op->shape) {
    case WASM_SIMD_LOAD:
    case WASM_SIMD_STORE:
        wasm_read_access(v, op->log2);
        break;
    case WASM_SIMD_LOAD_LANE:
    case WASM_SIMD_STORE_LANE:
        wasm_read_access(v, op->log2);
        read_lane(v, lanes);
        break;
    case WASM_SIMD_CONST:
        wasm_read_bytes(v->r, 16);
        break;
    case WASM_SIMD_SHUFFLE:
        for (unsigned i = 0; i < 16; i++)
            read_lane(v, 32);
        break;
    case WASM_SIMD_EXTRACT:
    case WASM_SIMD_REPLACE:
        read_lane(v, lanes);
        break;
    default:
        break;
    }
}

static void pop_vectors(struct wasm_validator *v, unsigned count)
{
    while (count-- > 0)
        wasm_pop(v, WASM_V128);
}

/* Pops the operands; returns the result's type, 0 for none. */
static uint8_t pop_operands(struct wasm_validator *v, const struct wasm_simd_op *op)
{
    switch (op->shape) {
    case WASM_SIMD_LOAD:
        wasm_pop(v, WASM_I32);
        return WASM_V128;
    case WASM_SIMD_STORE:
    case WASM_SIMD_STORE_LANE:
    case WASM_SIMD_LOAD_LANE:
        wasm_pop(v, WASM_V128);
        wasm_pop(v, WASM_I32);
        return op->shape == WASM_SIMD_LOAD_LANE ? WASM_V128 : 0;
    case WASM_SIMD_SPLAT:
        wasm_pop(v, op->type);
        return WASM_V128;
    case WASM_SIMD_EXTRACT:
        wasm_pop(v, WASM_V128);
        return op->type;
    case WASM_SIMD_REPLACE:
    case WASM_SIMD_SHIFT:
        wasm_pop(v, op->type);
        wasm_pop(v, WASM_V128);
        return WASM_V128;
    case WASM_SIMD_UNARY:
        pop_vectors(v, 1);
        return WASM_V128;
    case WASM_SIMD_SHUFFLE:
    case WASM_SIMD_BINARY:
        pop_vectors(v, 2);
        return WASM_V128;
    case WASM_SIMD_TERNARY:
        pop_vectors(v, 3);
        return WASM_V128;
    case WASM_SIMD_TEST:
        pop_vectors(v, 1);
        return WASM_I32;
    default: /* WASM_SIMD_CONST */
        return WASM_V128;
    }
}

void wasm_validate_simd(struct wasm_validator *v)
{
    wasm_require(v->l, v->r, WASM_SIMD128);
    uint32_t number = wasm_read_u32(v->r);
    if (number >= 0x100 && number < 0x114)
        wasm_malformed(v->r,
                       "illegal opcode 0xfd %u: needs the feature relaxed SIMD, not supported",
                       number);
    if (number > 0xff || wasm_simd_ops[number].shape == WASM_SIMD_NONE)
        wasm_malformed(v->r, "illegal opcode 0xfd %u", number);
    const struct wasm_simd_op *op = &wasm_simd_ops[number];
    if (v->constant && op->shape != WASM_SIMD_CONST)
        wasm_invalid(v, "constant expression required: opcode 0xfd %u is not constant", number);
    read_immediates(v, op);
    uint8_t result = pop_operands(v, op);
    if (result)
        wasm_push(v, result);
}
