/* Unreachable code: read, not compiled. */
#include "../atomic.h"
#include "../simd.h"
#include "compiler.h"

static void skip_many(struct x64 *c, uint32_t count)
{
    while (count-- > 0)
        x64_u32(c);
}

static void skip_simd(struct x64 *c)
{
    switch (wasm_simd_ops[x64_u32(c)].shape) {
    case WASM_SIMD_LOAD:
    case WASM_SIMD_STORE:
        x64_read_memarg(c);
        break;
    case WASM_SIMD_LOAD_LANE:
    case WASM_SIMD_STORE_LANE:
        x64_read_memarg(c);
        c->at++;
        break;
    case WASM_SIMD_CONST:
    case WASM_SIMD_SHUFFLE:
        c->at += 16;
        break;
    case WASM_SIMD_EXTRACT:
    case WASM_SIMD_REPLACE:
        c->at++;
        break;
    default:
        break;
    }
}

static void skip_prefixed(struct x64 *c)
{
    uint32_t opcode = x64_u32(c);
    if (opcode == OP_MEMORY_INIT || opcode == OP_MEMORY_COPY || opcode == OP_TABLE_INIT ||
        opcode == OP_TABLE_COPY)
        skip_many(c, 2);
    else if (opcode > OP_TRUNC_SAT_LAST)
        skip_many(c, 1);
}

/* Immediates of the instructions that do not open or close a block. */
static void skip_immediates(struct x64 *c, uint8_t opcode)
{
    if (opcode >= OP_LOAD_FIRST && opcode <= OP_STORE_LAST) {
        x64_read_memarg(c);
        return;
    }
    switch (opcode) {
    case OP_BR_TABLE:
        skip_many(c, x64_u32(c) + 1);
        break;
    case OP_CALL_INDIRECT:
    case OP_RETURN_CALL_INDIRECT:
        skip_many(c, 2);
        break;
    case OP_SELECT_TYPED:
        x64_u32(c);
        c->at++;
        break;
    case OP_F32_CONST:
        c->at += 4;
        break;
    case OP_F64_CONST:
        c->at += 8;
        break;
    case OP_PREFIX:
        skip_prefixed(c);
        break;
    case OP_SIMD:
        skip_simd(c);
        break;
    case OP_ATOMIC:
        if (wasm_atomic_ops[x64_u32(c)].kind == WASM_ATOMIC_FENCE)
            c->at++;
        else
            x64_read_memarg(c);
        break;
    case OP_I32_CONST:
    case OP_I64_CONST:
        x64_s64(c);
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
        x64_u32(c);
        break;
    default:
        break;
    }
}

void x64_skip_dead(struct x64 *c, uint8_t opcode)
{
    if (opcode == OP_BLOCK || opcode == OP_LOOP || opcode == OP_IF) {
        x64_s64(c); /* a block type, as a number */
        c->dead++;
    } else if (opcode == OP_END) {
        c->dead--;
    } else {
        skip_immediates(c, opcode);
    }
}
