/* Translation of the atomic instructions; see translator.h and atomic.h. */
#include "atomic.h"
#include "translator.h"

void wasm_translate_atomic(struct wasm_translator *t)
{
    static const uint8_t OPERANDS[] = {[WASM_ATOMIC_STORE] = 1,
                                       [WASM_ATOMIC_RMW] = 1,
                                       [WASM_ATOMIC_CMPXCHG] = 2,
                                       [WASM_ATOMIC_WAIT] = 2};
    const struct wasm_atomic_op *op = &wasm_atomic_ops[wasm_read_u32(&t->r)];
    if (op->kind == WASM_ATOMIC_FENCE) {
        wasm_read_byte(&t->r);
        return; /* a thread sees its own accesses in order */
    }
    uint32_t align = wasm_read_u32(&t->r);
    uint32_t memory = align & 0x40 ? wasm_read_u32(&t->r) : 0;
    uint32_t offset = wasm_read_u32(&t->r);
    uint16_t operands[2] = {0, 0};
    for (unsigned i = OPERANDS[op->kind]; i-- > 0;)
        operands[i] = wasm_take_slot(t);
    uint16_t address = wasm_take_slot(t);
    if (memory)
        wasm_use_memory(t, memory);
    union wasm_cell *cells = op->kind == WASM_ATOMIC_STORE
                                 ? wasm_emit(t, op->fn, 3)
                                 : wasm_emit_plain_result(t, op->fn, 3);
    cells[1].h[1] = address;
    cells[1].w[1] = offset;
    cells[2].h[0] = operands[0];
    cells[2].h[1] = operands[1];
    cells[3].p = t->instance->memories[memory];
    if (memory)
        wasm_use_memory(t, 0);
}
