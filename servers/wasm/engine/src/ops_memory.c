/* Handlers of loads and stores (specification 4.4.7).
 *
 * Index plus offset stays below 8 GiB, all of it reserved for the memory, so an access is
 * either to committed bytes or faults; wasm_platform_run in call.c turns the fault into a
 * trap. The instruction pointer is written down before each access, for the trap to name the
 * place; the fence keeps the compiler from moving it behind the access. */
#include "interp.h"
#include "opcodes.h"

#define ADDRESS_S (GET_S_I32(1))
#define ADDRESS_A (GET_A_I32(1))
/* A sum that is part of the instruction: cell 2 is that of the i32.add. */
#define ADDEND(i)  ((uint32_t)fp[ip[2].h[i]])
#define ADDRESS_SS (ADDEND(1) + ADDEND(2))
#define ADDRESS_SK (ADDEND(1) + ip[2].w[1])
#define ADDRESS_AS ((uint32_t)acc + ADDEND(2))
#define ADDRESS_SA (ADDEND(1) + (uint32_t)acc)
#define ADDRESS_AK ((uint32_t)acc + ip[2].w[1])
/* The sum of a base and a shifted index: cell 1 h[1] index; cell 2 h[0] shift, then the base.
 */
#define SHIFTED          (GET_S_I32(1) << (ip[2].h[0] & 31))
#define ADDRESS_INDEX_SS (ADDEND(1) + SHIFTED)
#define ADDRESS_INDEX_SK (SHIFTED + ip[2].w[1])
#define ADDRESS_FIXED    0u
#define ADDRESS(source)  (mem + (uint64_t)(ADDRESS_##source) + ip[1].w[1])
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

#define LOAD_HANDLER(name, T, type, source, target, cells)                                     \
    static void name##_##source##_##target(HANDLER_PARAMS)                                     \
    {                                                                                          \
        const uint8_t *at = ADDRESS(source);                                                   \
        type value;                                                                            \
        MARK();                                                                                \
        memcpy(&value, at, sizeof value);                                                      \
        PUT_##target##_##T(LOADED_##T##_##type(value));                                        \
        NEXT(cells);                                                                           \
    }
#define LOAD_BOTH(name, T, type, source, cells)                                                \
    LOAD_HANDLER(name, T, type, source, S, cells)                                              \
    LOAD_HANDLER(name, T, type, source, A, cells)
#define LOAD_HANDLERS(code, name, T, type, log2)                                               \
    LOAD_BOTH(name, T, type, S, 2)                                                             \
    LOAD_BOTH(name, T, type, A, 2)                                                             \
    LOAD_BOTH(name, T, type, FIXED, 2)                                                         \
    LOAD_BOTH(name, T, type, SS, 3)                                                            \
    LOAD_BOTH(name, T, type, SK, 3)                                                            \
    LOAD_BOTH(name, T, type, AS, 3)                                                            \
    LOAD_BOTH(name, T, type, SA, 3)                                                            \
    LOAD_BOTH(name, T, type, AK, 3)                                                            \
    LOAD_BOTH(name, T, type, INDEX_SS, 3)                                                      \
    LOAD_BOTH(name, T, type, INDEX_SK, 3)

/* The value operand: slot h[0], the accumulator, or a constant in cell 2. */
#define VALUE_S(T)  GET_S_##T(0)
#define VALUE_A(T)  GET_A_##T(0)
#define VALUE_K(T)  VALUE_K_##T
#define VALUE_K_I32 ((uint32_t)ip[2].q)
#define VALUE_K_I64 (ip[2].q)
#define VALUE_K_F32 (wasm_f32(ip[2].q))
#define VALUE_K_F64 (wasm_f64(ip[2].q))

#define STORE_HANDLER(name, T, type, suffix, A, B, cells)                                      \
    static void name##_##suffix(HANDLER_PARAMS)                                                \
    {                                                                                          \
        uint8_t *at = ADDRESS(A);                                                              \
        type value = (type)VALUE_##B(T);                                                       \
        MARK();                                                                                \
        memcpy(at, &value, sizeof value);                                                      \
        NEXT(cells);                                                                           \
    }
#define STORE_HANDLERS(code, name, T, type, log2)                                              \
    STORE_HANDLER(name, T, type, SS, S, S, 2)                                                  \
    STORE_HANDLER(name, T, type, SK, S, K, 3)                                                  \
    STORE_HANDLER(name, T, type, AS, A, S, 2)                                                  \
    STORE_HANDLER(name, T, type, SA, S, A, 2)                                                  \
    STORE_HANDLER(name, T, type, AK, A, K, 3)                                                  \
    STORE_HANDLER(name, T, type, fixed_S, FIXED, S, 2)                                         \
    STORE_HANDLER(name, T, type, fixed_A, FIXED, A, 2)                                         \
    STORE_HANDLER(name, T, type, sum_SS, SS, S, 3)                                             \
    STORE_HANDLER(name, T, type, sum_SK, SK, S, 3)                                             \
    STORE_HANDLER(name, T, type, sum_AS, AS, S, 3)                                             \
    STORE_HANDLER(name, T, type, sum_SA, SA, S, 3)                                             \
    STORE_HANDLER(name, T, type, sum_AK, AK, S, 3)                                             \
    STORE_HANDLER(name, T, type, index_SS, INDEX_SS, S, 3)                                     \
    STORE_HANDLER(name, T, type, index_SK, INDEX_SK, S, 3)

WASM_LOAD(LOAD_HANDLERS)
WASM_STORE(STORE_HANDLERS)

#define LOAD_ENTRY(code, name, T, type, log2) [code] = UNARY_ROW(name),
#define LOAD_FIXED_ENTRY(code, name, T, type, log2)                                            \
    [code] = {{[WASM_SS] = {name##_FIXED_S, name##_FIXED_A}}},
#define STORE_FIXED_ENTRY(code, name, T, type, log2)                                           \
    [code] = {{[WASM_SS] = {name##_fixed_S}, [WASM_AS] = {name##_fixed_A}}},
#define LOAD_SUM_ENTRY(code, name, T, type, log2) [code] = BINARY_ROW(name),
#define LOAD_INDEX_ENTRY(code, name, T, type, log2)                                            \
    [code] = {{[WASM_SS] = {name##_INDEX_SS_S, name##_INDEX_SS_A},                             \
               [WASM_SK] = {name##_INDEX_SK_S, name##_INDEX_SK_A}}},
#define STORE_ENTRY(code, name, T, type, log2)                                                 \
    [code] = {{{name##_SS}, {name##_SK}, {name##_AS}, {name##_SA}, {name##_AK}}},
#define STORE_SUM_ENTRY(code, name, T, type, log2)                                             \
    [code] = {{{name##_sum_SS},                                                                \
               {name##_sum_SK},                                                                \
               {name##_sum_AS},                                                                \
               {name##_sum_SA},                                                                \
               {name##_sum_AK}}},
#define STORE_INDEX_ENTRY(code, name, T, type, log2)                                           \
    [code] = {{[WASM_SS] = {name##_index_SS}, [WASM_SK] = {name##_index_SK}}},

/* clang-format off */
const struct wasm_op wasm_access_ops[64] = {
    WASM_LOAD(LOAD_ENTRY) WASM_STORE(STORE_ENTRY)
};
const struct wasm_op wasm_access_fixed_ops[64] = {
    WASM_LOAD(LOAD_FIXED_ENTRY) WASM_STORE(STORE_FIXED_ENTRY)
};
const struct wasm_op wasm_access_sum_ops[64] = {
    WASM_LOAD(LOAD_SUM_ENTRY) WASM_STORE(STORE_SUM_ENTRY)
};
const struct wasm_op wasm_access_index_ops[64] = {
    WASM_LOAD(LOAD_INDEX_ENTRY) WASM_STORE(STORE_INDEX_ENTRY)
};
/* clang-format on */

void wasm_op_set_memory(HANDLER_PARAMS)
{
    mem = ip[1].p;
    NEXT(2);
}
