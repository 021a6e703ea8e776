/* What the engine's fuzz targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wasm/wasm.h"

enum { FUZZ_WORDS = 2000, FUZZ_IMPORTS = 64 }; /* the engine's most in a function, all v128 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Instead of wasm_platform_sleep: an atomic wait may be told to take centuries. */
uint64_t __wrap_wasm_platform_sleep(uint64_t nanoseconds);
uint64_t __wrap_wasm_platform_sleep(uint64_t nanoseconds)
{
    (void)nanoseconds;
    return 0;
}

/* One instantiation. */
struct fuzz_guest {
    struct wasm_store *store;
    struct wasm_instance *instance;
    struct wasm_func_type types[FUZZ_IMPORTS];
    enum wasm_status status; /* of the instantiation */
    struct wasm_trap trap;
};

/* How a call ended. */
struct fuzz_end {
    enum wasm_status status;
    struct wasm_trap trap;
    uint32_t words;
    uint64_t results[FUZZ_WORDS];
};

/* A host function for any import: returns zeros. */
static enum wasm_host_result fuzz_host(void *context, struct wasm_caller *caller,
                                       uint64_t *values)
{
    const struct wasm_func_type *type = context;
    (void)caller;
    uint32_t words = wasm_words(type->results, type->result_count);
    for (uint32_t i = 0; i < words; i++)
        values[i] = 0;
    return WASM_HOST_OK;
}

/* Calls the function with arguments made of `number`; whatever happens must be one of the
 * documented ways to end. */
static void fuzz_call(struct wasm_func *function, uint32_t number, struct fuzz_end *end)
{
    uint64_t args[FUZZ_WORDS];
    uint32_t words = 0;
    char text[1024];
    struct wasm_func_type type = wasm_func_type(function);
    for (uint32_t i = 0; i < type.param_count; i++) {
        bool reference = type.params[i] == WASM_FUNCREF || type.params[i] == WASM_EXTERNREF;
        for (uint32_t n = wasm_words(&type.params[i], 1); n > 0; n--, words++)
            args[words] = reference ? 0 : (uint64_t)number * (words + 1) * 0x10001;
    }
    end->words = wasm_words(type.results, type.result_count);
    end->status = wasm_call(function, args, words, end->results, &end->trap);
    if (end->status == WASM_TRAPPED)
        wasm_trap_describe(&end->trap, text, sizeof text);
    else if (end->status != WASM_OK)
        abort();
}

/* Instantiates the module with a host function for each function it imports. */
static void fuzz_instantiate(struct fuzz_guest *g, const struct wasm_module *module,
                             uint64_t fuel, bool interpret)
{
    struct wasm_error error;
    uint32_t imports = wasm_module_import_count(module);
    g->store = wasm_store_new((struct wasm_limits){4 << 20, 10000, 256 << 10, fuel});
    if (interpret)
        wasm_store_interpret(g->store);
    for (uint32_t i = 0; i < imports && i < FUZZ_IMPORTS; i++) {
        struct wasm_extern e = wasm_module_import(module, i);
        g->types[i] = e.type;
        if (e.kind == WASM_EXTERN_FUNC)
            wasm_define_func(g->store, e.module, e.name, e.type, fuzz_host, &g->types[i]);
    }
    g->status = imports > FUZZ_IMPORTS
                    ? WASM_UNLINKABLE
                    : wasm_instantiate(g->store, module, &g->instance, &error, &g->trap);
}

#endif
