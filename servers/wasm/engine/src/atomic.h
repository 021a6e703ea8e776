/* The atomic instructions of the threads proposal, written once.
 *
 * A store is used by one thread, and its memories are shared between instances, not threads:
 * there is one agent. So a wait ends by its timeout alone, and notify wakes nobody.
 */
#ifndef WASM_ATOMIC_H
#define WASM_ATOMIC_H

#include "code.h"

/* What an instruction takes behind its address, and gives. All but the fence have a memory
 * argument. */
enum wasm_atomic_kind {
    WASM_ATOMIC_NONE,    /* no such instruction */
    WASM_ATOMIC_LOAD,    /* [i32] -> [T] */
    WASM_ATOMIC_STORE,   /* [i32 T] -> [] */
    WASM_ATOMIC_RMW,     /* [i32 T] -> [T]; notify: T is i32 */
    WASM_ATOMIC_CMPXCHG, /* [i32 T T] -> [T] */
    WASM_ATOMIC_WAIT,    /* [i32 T i64] -> [i32] */
    WASM_ATOMIC_FENCE,   /* a zero byte: [] -> [] */
};

struct wasm_atomic_op {
    wasm_handler *fn;
    uint8_t kind; /* enum wasm_atomic_kind */
    uint8_t type; /* enum wasm_type: T */
    uint8_t log2; /* of the bytes accessed: the alignment */
};

enum { WASM_ATOMIC_OPS = 0x4f };
/* By the number that follows OP_ATOMIC. */
extern const struct wasm_atomic_op wasm_atomic_ops[WASM_ATOMIC_OPS]; /* ops_atomic.c */

/* Sleeps for `timeout` nanoseconds; false if the guest was interrupted meanwhile. */
bool wasm_atomic_sleep(struct wasm_exec *x, uint64_t timeout); /* ops_atomic.c */

/* The seven widths of each operation: X(number, name, operation, kind, T, C type, log2). */
#define WASM_ATOMIC_WIDTHS(X, base, op, kind)                                                  \
    X(base + 0, i32_##op, op, kind, I32, uint32_t, 2)                                          \
    X(base + 1, i64_##op, op, kind, I64, uint64_t, 3)                                          \
    X(base + 2, i32_##op##_8, op, kind, I32, uint8_t, 0)                                       \
    X(base + 3, i32_##op##_16, op, kind, I32, uint16_t, 1)                                     \
    X(base + 4, i64_##op##_8, op, kind, I64, uint8_t, 0)                                       \
    X(base + 5, i64_##op##_16, op, kind, I64, uint16_t, 1)                                     \
    X(base + 6, i64_##op##_32, op, kind, I64, uint32_t, 2)

#define WASM_ATOMIC_ACCESSES(X)                                                                \
    WASM_ATOMIC_WIDTHS(X, 0x10, load, LOAD)                                                    \
    WASM_ATOMIC_WIDTHS(X, 0x17, store, STORE)                                                  \
    WASM_ATOMIC_WIDTHS(X, 0x1e, add, RMW)                                                      \
    WASM_ATOMIC_WIDTHS(X, 0x25, sub, RMW)                                                      \
    WASM_ATOMIC_WIDTHS(X, 0x2c, and, RMW)                                                      \
    WASM_ATOMIC_WIDTHS(X, 0x33, or, RMW)                                                       \
    WASM_ATOMIC_WIDTHS(X, 0x3a, xor, RMW)                                                      \
    WASM_ATOMIC_WIDTHS(X, 0x41, xchg, RMW)                                                     \
    WASM_ATOMIC_WIDTHS(X, 0x48, cmpxchg, CMPXCHG)

#endif
