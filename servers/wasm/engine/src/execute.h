/* What the interpreter and the compiler share of execution: fuel and host functions. */
#ifndef WASM_EXECUTE_H
#define WASM_EXECUTE_H

#include "runtime.h"

/* Ticks were charged before `wanted` of them were missed: gives them back and hands out at
 * least so many. False, with `*kind` set, where there is not enough fuel or an interrupt
 * waits. */
bool wasm_refill(struct wasm_exec *x, int64_t *ticks, uint64_t wanted,
                 enum wasm_trap_kind *kind);

/* Calls host function f with its values at `values`; `memory` is its caller's, or NULL. False:
 * the guest is over, x->status says how. */
bool wasm_host_call(struct wasm_exec *x, struct wasm_func *f, uint64_t *values,
                    struct wasm_memory *memory);

#endif
