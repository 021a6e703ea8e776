/* Skipping instructions that cannot be reached: read over, neither translated nor compiled.
 * Called by the translator and the compiler, over bodies that validated. */
#include "atomic.h"
#include "opcodes.h"
#include "reader.h"
#include "simd.h"

static void skip_indices(struct wasm_reader *r, uint32_t count)
{
    while (count-- > 0)
        wasm_read_u32(r);
}

/* A memory argument (specification 5.4.6; bit 6 of the alignment: a memory index follows). */
static void skip_access(struct wasm_reader *r)
{
    skip_indices(r, wasm_read_u32(r) & 0x40 ? 2 : 1);
}

static void skip_prefixed(struct wasm_reader *r)
{
    static const uint8_t INDICES[] = {
        [OP_MEMORY_INIT] = 2, [OP_DATA_DROP] = 1, [OP_MEMORY_COPY] = 2, [OP_MEMORY_FILL] = 1,
        [OP_TABLE_INIT] = 2,  [OP_ELEM_DROP] = 1, [OP_TABLE_COPY] = 2,  [OP_TABLE_GROW] = 1,
        [OP_TABLE_SIZE] = 1,  [OP_TABLE_FILL] = 1};
    skip_indices(r, INDICES[wasm_read_u32(r)]);
}

static void skip_simd(struct wasm_reader *r)
{
    const struct wasm_simd_op *op = &wasm_simd_ops[wasm_read_u32(r)];
    switch (op->shape) {
    case WASM_SIMD_LOAD:
    case WASM_SIMD_STORE:
        skip_access(r);
        break;
    case WASM_SIMD_LOAD_LANE:
    case WASM_SIMD_STORE_LANE:
        skip_access(r);
        wasm_read_byte(r);
        break;
    case WASM_SIMD_CONST:
    case WASM_SIMD_SHUFFLE:
        wasm_read_bytes(r, 16);
        break;
    case WASM_SIMD_EXTRACT:
    case WASM_SIMD_REPLACE:
        wasm_read_byte(r);
        break;
    default:
        break;
    }
}

static void skip_atomic(struct wasm_reader *r)
{
    if (wasm_atomic_ops[wasm_read_u32(r)].kind == WASM_ATOMIC_FENCE)
        wasm_read_byte(r);
    else
        skip_access(r);
}

/* Reads the immediates of `opcode`. */
static void skip_immediates(struct wasm_reader *r, uint8_t opcode)
{
    switch (opcode) {
    case OP_BLOCK:
    case OP_LOOP:
    case OP_IF:
    case OP_I32_CONST:
    case OP_I64_CONST:
        wasm_read_s64(r);
        break;
    case OP_BR:
    case OP_BR_IF:
    case OP_CALL:
    case OP_RETURN_CALL:
    case OP_LOCAL_GET:
    case OP_LOCAL_SET:
    case OP_LOCAL_TEE:
    case OP_GLOBAL_GET:
    case OP_GLOBAL_SET:
    case OP_TABLE_GET:
    case OP_TABLE_SET:
    case OP_MEMORY_SIZE:
    case OP_MEMORY_GROW:
    case OP_REF_NULL:
    case OP_REF_FUNC:
        skip_indices(r, 1);
        break;
    case OP_CALL_INDIRECT:
    case OP_RETURN_CALL_INDIRECT:
    case OP_SELECT_TYPED:
        skip_indices(r, 2);
        break;
    case OP_BR_TABLE:
        skip_indices(r, wasm_read_u32(r));
        skip_indices(r, 1);
        break;
    case OP_F32_CONST:
        wasm_read_bytes(r, 4);
        break;
    case OP_F64_CONST:
        wasm_read_bytes(r, 8);
        break;
    case OP_PREFIX:
        skip_prefixed(r);
        break;
    case OP_SIMD:
        skip_simd(r);
        break;
    case OP_ATOMIC:
        skip_atomic(r);
        break;
    default:
        if (opcode >= OP_LOAD_FIRST && opcode <= OP_STORE_LAST)
            skip_access(r);
    }
}

void wasm_skip_dead(struct wasm_reader *r, uint8_t opcode, uint32_t *dead)
{
    if (opcode == OP_BLOCK || opcode == OP_LOOP || opcode == OP_IF)
        ++*dead;
    else if (opcode == OP_END)
        --*dead;
    skip_immediates(r, opcode);
}
