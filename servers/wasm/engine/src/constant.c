/* The value of a constant expression (specification 3.3.10) that validated. */
#include "runtime.h"

#include "opcodes.h"

static uint64_t binary(uint8_t opcode, uint64_t a, uint64_t b)
{
    switch (opcode) {
    case OP_I32_ADD:
        return (uint32_t)(a + b);
    case OP_I32_SUB:
        return (uint32_t)(a - b);
    case OP_I32_MUL:
        return (uint32_t)(a * b);
    case OP_I64_ADD:
        return a + b;
    case OP_I64_SUB:
        return a - b;
    default: /* OP_I64_MUL */
        return a * b;
    }
}

static struct wasm_value leaf(const struct wasm_instance *instance, struct wasm_reader *r,
                              uint8_t opcode)
{
    switch (opcode) {
    case OP_I32_CONST:
        return (struct wasm_value){(uint32_t)wasm_read_s32(r), 0};
    case OP_I64_CONST:
        return (struct wasm_value){(uint64_t)wasm_read_s64(r), 0};
    case OP_F32_CONST:
        return (struct wasm_value){wasm_read_fixed(r, 4), 0};
    case OP_F64_CONST:
        return (struct wasm_value){wasm_read_fixed(r, 8), 0};
    case OP_GLOBAL_GET:
        return instance->globals[wasm_read_u32(r)]->value;
    case OP_REF_FUNC:
        return (struct wasm_value){(uintptr_t)instance->funcs[wasm_read_u32(r)], 0};
    case OP_SIMD: { /* v128.const */
        wasm_read_u32(r);
        uint64_t low = wasm_read_fixed(r, 8);
        return (struct wasm_value){low, wasm_read_fixed(r, 8)};
    }
    default: /* OP_REF_NULL */
        wasm_read_byte(r);
        return (struct wasm_value){0, 0};
    }
}

struct wasm_value wasm_constant_value(const struct wasm_instance *instance, uint32_t *offset)
{
    const struct wasm_module *m = instance->module;
    struct wasm_reader r = {m->bytes, m->bytes + *offset, m->bytes + m->size, NULL};
    struct wasm_value stack[WASM_MAX_CONSTANT_DEPTH];
    unsigned depth = 0;
    uint8_t opcode;
    while ((opcode = wasm_read_byte(&r)) != OP_END) {
        if (opcode >= OP_I32_ADD && opcode <= OP_I64_MUL) {
            depth--;
            stack[depth - 1].low = binary(opcode, stack[depth - 1].low, stack[depth].low);
        } else {
            stack[depth++] = leaf(instance, &r, opcode);
        }
    }
    *offset = (uint32_t)wasm_reader_offset(&r);
    return stack[0];
}
