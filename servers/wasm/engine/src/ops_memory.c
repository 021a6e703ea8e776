/* Handlers of loads and stores (specification 4.4.7).
 *
 * Index plus offset stays below 8 GiB, all of it reserved for the memory, so an access is
 * either to committed bytes or faults; wasm_platform_run in call.c turns the fault into a
 * trap. The instruction pointer is written down before each access, for the trap to name the
 * place; the fence keeps the compiler from moving it behind the access. */
#include "interp.h"
#include "opcodes.h"

#define ADDRESS(source) (mem + (uint64_t)GET_##source##_I32(1) + ip[1].w[1])
#define MARK()                                                                                 \
    do {                                                                                       \
        x->ip = ip;                                                                            \
        atomic_signal_fence(memory_order_seq_cst);                                             \
    } while (0)

/* What a memory cell of C type gives as a value of its type, and the reverse. */
#define LOADED_I32_uint32_t(v) (v)
#define LOADED_I32_int8_t(v)   ((uint32_t)(v))
#define LOADED_I32_uint8_t(v)  (v)
#define LOADED_I32_int16_t(v)  ((uint32_t)(v))
#define LOADED_I32_uint16_t(v) (v)
#define LOADED_I64_uint64_t(v) (v)
#define LOADED_I64_int8_t(v)   ((uint64_t)(v))
#define LOADED_I64_uint8_t(v)  (v)
#define LOADED_I64_int16_t(v)  ((uint64_t)(v))
#define LOADED_I64_uint16_t(v) (v)
#define LOADED_I64_int32_t(v)  ((uint64_t)(v))
#define LOADED_I64_uint32_t(v) (v)
#define LOADED_F32_float(v)    (v)
#define LOADED_F64_double(v)   (v)

#define LOAD_HANDLER(name, T, type, source, target)                                            \
    static void name##_##source##_##target(HANDLER_PARAMS)                                     \
    {                                                                                          \
        const uint8_t *at = ADDRESS(source);                                                   \
        type value;                                                                            \
        MARK();                                                                                \
        memcpy(&value, at, sizeof value);                                                      \
        PUT_##target##_##T(LOADED_##T##_##type(value));                                        \
        NEXT(2);                                                                               \
    }
#define LOAD_HANDLERS(code, name, T, type, log2)                                               \
    LOAD_HANDLER(name, T, type, S, S)                                                          \
    LOAD_HANDLER(name, T, type, S, A)                                                          \
    LOAD_HANDLER(name, T, type, A, S)                                                          \
    LOAD_HANDLER(name, T, type, A, A)

/* The value operand: slot h[0], the accumulator, or a constant in cell 2. */
#define VALUE_S(T)    GET_S_##T(0)
#define VALUE_A(T)    GET_A_##T(0)
#define VALUE_K(T)    VALUE_K_##T
#define VALUE_K_I32   ((uint32_t)ip[2].q)
#define VALUE_K_I64   (ip[2].q)
#define VALUE_K_F32   (wasm_f32(ip[2].q))
#define VALUE_K_F64   (wasm_f64(ip[2].q))
#define STORE_CELLS_S 2
#define STORE_CELLS_A 2
#define STORE_CELLS_K 3

#define STORE_HANDLER(name, T, type, suffix, A, B)                                             \
    static void name##_##suffix(HANDLER_PARAMS)                                                \
    {                                                                                          \
        uint8_t *at = ADDRESS(A);                                                              \
        type value = (type)VALUE_##B(T);                                                       \
        MARK();                                                                                \
        memcpy(at, &value, sizeof value);                                                      \
        NEXT(STORE_CELLS_##B);                                                                 \
    }
#define STORE_HANDLERS(code, name, T, type, log2)                                              \
    STORE_HANDLER(name, T, type, SS, S, S)                                                     \
    STORE_HANDLER(name, T, type, SK, S, K)                                                     \
    STORE_HANDLER(name, T, type, AS, A, S)                                                     \
    STORE_HANDLER(name, T, type, SA, S, A)                                                     \
    STORE_HANDLER(name, T, type, AK, A, K)

WASM_LOAD(LOAD_HANDLERS)
WASM_STORE(STORE_HANDLERS)

#define LOAD_ENTRY(code, name, T, type, log2) [code - OP_LOAD_FIRST] = UNARY_ROW(name),
#define STORE_ENTRY(code, name, T, type, log2)                                                 \
    [code -                                                                                    \
        OP_STORE_FIRST] = {{{name##_SS}, {name##_SK}, {name##_AS}, {name##_SA}, {name##_AK}}},

const struct wasm_op wasm_load_ops[] = {WASM_LOAD(LOAD_ENTRY)};
const struct wasm_op wasm_store_ops[] = {WASM_STORE(STORE_ENTRY)};

void wasm_op_set_memory(HANDLER_PARAMS)
{
    mem = ip[1].p;
    NEXT(2);
}
