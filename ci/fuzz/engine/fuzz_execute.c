/* libFuzzer: a module is run in the interpreter, with little of everything. It ends by
 * returning, by a trap or by its fuel; its memory stays its own. */
#include "fuzz.h"

static void run(const struct wasm_module *module)
{
    struct fuzz_guest guest;
    static struct fuzz_end end;
    fuzz_instantiate(&guest, module, 20000, true);
    for (uint32_t i = 0; guest.status == WASM_OK && i < wasm_module_export_count(module); i++) {
        struct wasm_extern e = wasm_module_export(module, i);
        if (e.kind == WASM_EXTERN_FUNC)
            fuzz_call(wasm_export_func(guest.instance, e.name), i, &end);
    }
    wasm_store_free(guest.store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wasm_module *module;
    struct wasm_error error;
    if (wasm_module_load(data, size, WASM_FEATURES_ALL, &module, &error) == WASM_OK)
        run(module);
    wasm_module_free(module);
    return 0;
}
