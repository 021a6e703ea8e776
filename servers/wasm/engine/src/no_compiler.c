/* compile.h where there is no compiler for the machine. */
#include "compile.h"

bool wasm_compiler_usable(void)
{
    return false;
}

bool wasm_compile_begin(struct wasm_store *store)
{
    (void)store;
    return false;
}

/* The others are never called, since no store has code. */

void wasm_compile_end(struct wasm_store *store)
{
    (void)store;
}

bool wasm_compile_data(struct wasm_instance *i)
{
    (void)i;
    return false;
}

void wasm_compile_take_back(struct wasm_instance *i)
{
    (void)i;
}

bool wasm_compile(struct wasm_instance *i, struct wasm_error *error)
{
    (void)i, (void)error;
    return false;
}

void wasm_compile_call(struct wasm_func *f, const uint64_t *args, uint64_t *results)
{
    (void)f, (void)args, (void)results;
}

struct wasm_compiled_place wasm_compile_leave(struct wasm_store *store)
{
    (void)store;
    return (struct wasm_compiled_place){0};
}

void wasm_compile_resume(struct wasm_store *store, struct wasm_compiled_place place)
{
    (void)store, (void)place;
}

struct wasm_compiled_place wasm_compile_place(struct wasm_store *store)
{
    (void)store;
    return (struct wasm_compiled_place){0};
}

void wasm_compile_walk(const struct wasm_store *store, struct wasm_compiled_place place,
                       void (*add)(struct wasm_trap *trap, struct wasm_func *f, size_t place))
{
    (void)store, (void)place, (void)add;
}

uint32_t wasm_compile_offset(struct wasm_func *f, size_t place)
{
    (void)f, (void)place;
    return 0;
}
