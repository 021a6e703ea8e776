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

static uint64_t leaf(const struct wasm_instance *instance, struct wasm_reader *r,
                     uint8_t opcode)
{
    switch (opcode) {
    case OP_I32_CONST:
        return (uint32_t)wasm_read_s32(r);
    case OP_I64_CONST:
        return (uint64_t)wasm_read_s64(r);
    case OP_F32_CONST:
        return wasm_read_fixed(r, 4);
    case OP_F64_CONST:
        return wasm_read_fixed(r, 8);
    case OP_GLOBAL_GET:
        return instance->globals[wasm_read_u32(r)]->value;
    case OP_REF_FUNC:
        return (uintptr_t)instance->funcs[wasm_read_u32(r)];
    default: /* OP_REF_NULL */
        wasm_read_byte(r);
        return 0;
    }
}

uint64_t wasm_constant_value(const struct wasm_instance *instance, uint32_t *offset)
{
    const struct wasm_module *m = instance->module;
    struct wasm_reader r = {m->bytes, m->bytes + *offset, m->bytes + m->size, NULL};
    uint64_t stack[WASM_MAX_CONSTANT_DEPTH];
    unsigned depth = 0;
    uint8_t opcode;
    while ((opcode = wasm_read_byte(&r)) != OP_END) {
        if (opcode >= OP_I32_ADD && opcode <= OP_I64_MUL) {
            depth--;
            stack[depth - 1] = binary(opcode, stack[depth - 1], stack[depth]);
        } else {
            stack[depth++] = leaf(instance, &r, opcode);
        }
    }
    *offset = (uint32_t)wasm_reader_offset(&r);
    return stack[0];
}
