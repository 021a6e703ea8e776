/* The compiler as the rest of the engine sees it. x86_64/ implements it; on a machine without
 * a compiler no_compiler.c does, and the interpreter runs everything.
 *
 * A store is given to the compiler at its first instantiation, with all its instances.
 */
#ifndef WASM_COMPILE_H
#define WASM_COMPILE_H

#include "runtime.h"

/* Gives the store its code region, stack and stubs: store->native. False: there is no compiler
 * for this processor, or no memory. */
bool wasm_compile_begin(struct wasm_store *store);
void wasm_compile_end(struct wasm_store *store);

/* Gives `i` its data near the code: i->data, and room for its own globals, at i->own_globals.
 * False without memory. */
bool wasm_compile_data(struct wasm_instance *i);
/* Frees that data of an instance without code, the store's newest. */
void wasm_compile_take_back(struct wasm_instance *i);

/* Compiles all functions of `i`; false, with `*error` filled, where that is not possible. */
bool wasm_compile(struct wasm_instance *i, struct wasm_error *error);

/* Calls `f`; exec.status says how it ended. `results` are filled if it returned. */
void wasm_compile_call(struct wasm_func *f, const uint64_t *args, uint64_t *results);

/* A nested wasm_call begins: what is to be remembered of the running code; and ends. */
struct wasm_compiled_place wasm_compile_leave(struct wasm_store *store);
void wasm_compile_resume(struct wasm_store *store, struct wasm_compiled_place place);
/* Where the innermost activation is. */
struct wasm_compiled_place wasm_compile_place(struct wasm_store *store);

/* Calls add(trap, f, place) for each frame from `place` outwards: the instruction is the one
 * that wasm_compile_offset(f, place) gives. */
void wasm_compile_walk(const struct wasm_store *store, struct wasm_compiled_place place,
                       void (*add)(struct wasm_trap *trap, struct wasm_func *f, size_t place));
/* The module offset of the instruction of `f` whose code holds byte `place`. */
uint32_t wasm_compile_offset(struct wasm_func *f, size_t place);

#endif
