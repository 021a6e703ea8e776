/* Validation of the atomic instructions (threads proposal); see validate.h. */
#include "validator.h"

#include "atomic.h"

void wasm_validate_atomic(struct wasm_validator *v)
{
    wasm_require(v->l, v->r, WASM_THREADS);
    uint32_t number = wasm_read_u32(v->r);
    if (number >= WASM_ATOMIC_OPS || wasm_atomic_ops[number].kind == WASM_ATOMIC_NONE)
        wasm_malformed(v->r, "illegal opcode 0xfe %u", number);
    const struct wasm_atomic_op *op = &wasm_atomic_ops[number];
    if (op->kind == WASM_ATOMIC_FENCE) {
        if (wasm_read_byte(v->r) != 0)
            wasm_malformed(v->r, "zero byte expected");
        return;
    }
    if (wasm_read_access(v, op->log2) != op->log2)
        wasm_invalid(v, "alignment must be equal to natural");
    if (op->kind == WASM_ATOMIC_WAIT)
        wasm_pop(v, WASM_I64);
    if (op->kind == WASM_ATOMIC_CMPXCHG)
        wasm_pop(v, op->type);
    if (op->kind != WASM_ATOMIC_LOAD)
        wasm_pop(v, op->type);
    wasm_pop(v, WASM_I32);
    if (op->kind != WASM_ATOMIC_STORE)
        wasm_push(v, op->kind == WASM_ATOMIC_WAIT ? WASM_I32 : op->type);
}
