/* Handlers of atomic instructions (threads proposal); why an access is checked by a fault is
 * said in ops_memory.c.
 *
 * Cell 1: h[0] result, h[1] address, w[1] offset; cell 2: h[0] and h[1] further operands;
 * cell 3: p, the struct wasm_memory. */
#include "atomic.h"

#include "interp.h"
#include "wasm/platform.h"

/* The place of the access, `type` wide, as `at`: traps unless it is aligned. */
#define PLACE(type)                                                                            \
    uint64_t address = (uint64_t)(uint32_t)fp[ip[1].h[1]] + ip[1].w[1];                        \
    if (unlikely(address % sizeof(type)))                                                      \
        TRAP(WASM_TRAP_UNALIGNED);                                                             \
    type *at = (type *)(void *)(mem + address);                                                \
    x->ip = ip;                                                                                \
    atomic_signal_fence(memory_order_seq_cst)

#define FIRST  (fp[ip[2].h[0]])
#define SECOND (fp[ip[2].h[1]])
#define RESULT (fp[ip[1].h[0]])

#define DO_load(type)  RESULT = __atomic_load_n(at, __ATOMIC_SEQ_CST)
#define DO_store(type) __atomic_store_n(at, (type)FIRST, __ATOMIC_SEQ_CST)
#define DO_add(type)   RESULT = __atomic_fetch_add(at, (type)FIRST, __ATOMIC_SEQ_CST)
#define DO_sub(type)   RESULT = __atomic_fetch_sub(at, (type)FIRST, __ATOMIC_SEQ_CST)
#define DO_and(type)   RESULT = __atomic_fetch_and(at, (type)FIRST, __ATOMIC_SEQ_CST)
#define DO_or(type)    RESULT = __atomic_fetch_or(at, (type)FIRST, __ATOMIC_SEQ_CST)
#define DO_xor(type)   RESULT = __atomic_fetch_xor(at, (type)FIRST, __ATOMIC_SEQ_CST)
#define DO_xchg(type)  RESULT = __atomic_exchange_n(at, (type)FIRST, __ATOMIC_SEQ_CST)
/* What is expected is wrapped to the width, as what is stored is (threads proposal, overview).
 */
#define DO_cmpxchg(type)                                                                       \
    do {                                                                                       \
        type found = (type)FIRST;                                                              \
        __atomic_compare_exchange_n(at, &found, (type)SECOND, 0, __ATOMIC_SEQ_CST,             \
                                    __ATOMIC_SEQ_CST);                                         \
        RESULT = found;                                                                        \
    } while (0)

#define HANDLER(code, name, op, kind, T, type, log2)                                           \
    static void atomic_##name(HANDLER_PARAMS)                                                  \
    {                                                                                          \
        PLACE(type);                                                                           \
        DO_##op(type);                                                                         \
        NEXT(4);                                                                               \
    }

WASM_ATOMIC_ACCESSES(HANDLER)

static void atomic_notify(HANDLER_PARAMS)
{
    PLACE(uint32_t);
    (void)__atomic_load_n((volatile uint32_t *)at, __ATOMIC_SEQ_CST); /* may fault */
    RESULT = 0;
    NEXT(4);
}

/* It looks again after each slice, since an interrupt just before the sleep does not end it. */
bool wasm_atomic_sleep(struct wasm_exec *x, uint64_t timeout)
{
    const uint64_t SLICE = 100000000;
    while (timeout > 0 && !atomic_load(&x->interrupt)) {
        uint64_t slice = timeout < SLICE ? timeout : SLICE;
        timeout = timeout - slice + wasm_platform_sleep(slice);
    }
    return !atomic_exchange(&x->interrupt, false);
}

#define WAIT_HANDLER(bits)                                                                     \
    static void atomic_wait##bits(HANDLER_PARAMS)                                              \
    {                                                                                          \
        enum { NOT_EQUAL = 1, TIMED_OUT = 2 };                                                 \
        PLACE(uint##bits##_t);                                                                 \
        uint##bits##_t found = __atomic_load_n(at, __ATOMIC_SEQ_CST);                          \
        if (!((const struct wasm_memory *)ip[3].p)->declared.shared)                           \
            TRAP(WASM_TRAP_NOT_SHARED);                                                        \
        if (found != (uint##bits##_t)FIRST) {                                                  \
            RESULT = NOT_EQUAL;                                                                \
            NEXT(4);                                                                           \
        }                                                                                      \
        if ((int64_t)SECOND < 0)                                                               \
            TRAP(WASM_TRAP_WAIT);                                                              \
        CHARGE(SECOND / 1000000); /* a unit each millisecond */                                \
        if (!wasm_atomic_sleep(x, SECOND))                                                     \
            TRAP(WASM_TRAP_INTERRUPT);                                                         \
        RESULT = TIMED_OUT;                                                                    \
        NEXT(4);                                                                               \
    }

WAIT_HANDLER(32)
WAIT_HANDLER(64)

#define ENTRY(code, name, op, kind, T, type, log2)                                             \
    [code] = {atomic_##name, WASM_ATOMIC_##kind, WASM_##T, log2},

/* clang-format off */
const struct wasm_atomic_op wasm_atomic_ops[WASM_ATOMIC_OPS] = {
    [0x00] = {atomic_notify, WASM_ATOMIC_RMW, WASM_I32, 2},
    [0x01] = {atomic_wait32, WASM_ATOMIC_WAIT, WASM_I32, 2},
    [0x02] = {atomic_wait64, WASM_ATOMIC_WAIT, WASM_I64, 3},
    [0x03] = {NULL, WASM_ATOMIC_FENCE, WASM_I32, 0},
    WASM_ATOMIC_ACCESSES(ENTRY)
};
/* clang-format on */
