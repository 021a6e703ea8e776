/* The compiler as the rest of the engine sees it. x86_64/ implements it; where there is no
 * compiler for the machine, no_compiler.c does, and the interpreter runs everything. */
#ifndef WASM_COMPILE_H
#define WASM_COMPILE_H

#include "runtime.h"

/* Gives the store its code region, stack and stubs. False: the interpreter is to be used. */
bool wasm_compile_begin(struct wasm_store *store);
void wasm_compile_end(struct wasm_store *store);

/* Gives `i` its data near the code, with room for its own globals, which it points own_globals
 * at. False without memory. */
bool wasm_compile_data(struct wasm_instance *i);

/* Compiles all functions of `i`; false, with `*error` filled, where that is not possible. */
bool wasm_compile(struct wasm_instance *i, struct wasm_error *error);

/* Calls `f` with `args`; x->status says how it ended. */
void wasm_compile_call(struct wasm_func *f, const uint64_t *args, uint64_t *results);

/* What a running activation's frames are found by, when a nested call begins. */
struct wasm_compiled_place {
    uint64_t ip, sp, guest_sp;
};
struct wasm_compiled_place wasm_compile_place(const struct wasm_store *store);
void wasm_compile_return(struct wasm_store *store, struct wasm_compiled_place place);

/* The frames from `place` outwards; `add` is called for each with the instruction's module
 * offset as a function of... see trap.c. */
void wasm_compile_walk(struct wasm_store *store, struct wasm_compiled_place place,
                       void (*add)(struct wasm_trap *trap, struct wasm_func *f, size_t at));

/* The module offset of the instruction of `f` whose code holds byte `at`. */
uint32_t wasm_compile_offset(struct wasm_func *f, size_t at);

#endif
