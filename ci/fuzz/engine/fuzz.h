/* What the engine's fuzz targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include "wasm/wasm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Instead of wasm_platform_sleep: an atomic wait may be told to take centuries. */
uint64_t __wrap_wasm_platform_sleep(uint64_t nanoseconds);
uint64_t __wrap_wasm_platform_sleep(uint64_t nanoseconds)
{
    (void)nanoseconds;
    return 0;
}

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

/* Calls one export with arguments made of its number; whatever happens must be one of the
 * documented ways to end. */
static void fuzz_call(struct wasm_func *function, uint32_t number)
{
    uint64_t args[2000], results[2000]; /* the engine's most, all v128 */
    uint32_t words = 0;
    struct wasm_trap trap;
    char text[1024];
    struct wasm_func_type type = wasm_func_type(function);
    for (uint32_t i = 0; i < type.param_count; i++) {
        bool reference = type.params[i] == WASM_FUNCREF || type.params[i] == WASM_EXTERNREF;
        for (uint32_t n = wasm_words(&type.params[i], 1); n > 0; n--, words++)
            args[words] = reference ? 0 : (uint64_t)number * (words + 1) * 0x10001;
    }
    enum wasm_status status = wasm_call(function, args, words, results, &trap);
    if (status == WASM_TRAPPED)
        wasm_trap_describe(&trap, text, sizeof text);
    else if (status != WASM_OK)
        abort();
}

/* Instantiates the module with a host function for each function it imports, and calls every
 * export that is a function. */
static void fuzz_run(const struct wasm_module *module, uint64_t fuel, bool interpret)
{
    struct wasm_func_type types[64];
    uint32_t imports = wasm_module_import_count(module);
    struct wasm_store *store =
        wasm_store_new((struct wasm_limits){4 << 20, 10000, 256 << 10, fuel});
    struct wasm_instance *instance;
    struct wasm_error error;
    struct wasm_trap trap;
    if (interpret)
        wasm_store_interpret(store);
    for (uint32_t i = 0; i < imports && i < 64; i++) {
        struct wasm_extern e = wasm_module_import(module, i);
        types[i] = e.type;
        if (e.kind == WASM_EXTERN_FUNC)
            wasm_define_func(store, e.module, e.name, e.type, fuzz_host, &types[i]);
    }
    if (imports <= 64 && wasm_instantiate(store, module, &instance, &error, &trap) == WASM_OK) {
        for (uint32_t i = 0; i < wasm_module_export_count(module); i++) {
            struct wasm_extern e = wasm_module_export(module, i);
            if (e.kind == WASM_EXTERN_FUNC)
                fuzz_call(wasm_export_func(instance, e.name), i);
        }
    }
    wasm_store_free(store);
}

#endif
