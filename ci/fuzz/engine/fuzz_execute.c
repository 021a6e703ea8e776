/* libFuzzer: a module is run, compiled and interpreted, with little of everything. It ends by
 * returning, by a trap or by its fuel; its memory stays its own. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wasm_module *module;
    struct wasm_error error;
    if (wasm_module_load(data, size, WASM_FEATURES_ALL, &module, &error) == WASM_OK) {
        fuzz_run(module, 20000, false);
        fuzz_run(module, 20000, true);
    }
    wasm_module_free(module);
    return 0;
}
