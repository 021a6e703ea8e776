/* libFuzzer: any bytes as a module. Decoder and validator either accept or refuse with a
 * reason; what they accept must survive compilation, which trusts them. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wasm_module *module;
    struct wasm_error error;
    /* The last byte chooses among the features. */
    uint32_t features = size && data[size - 1] & 1 ? WASM_FEATURES_CORE : WASM_FEATURES_ALL;
    enum wasm_status status = wasm_module_load(data, size, features, &module, &error);
    if ((status == WASM_OK) != (module != NULL) || (status != WASM_OK && !error.text[0]))
        abort();
    if (module) {
        struct fuzz_guest guest;
        fuzz_instantiate(&guest, module, 0, false);
        wasm_store_free(guest.store);
    }
    wasm_module_free(module);
    return 0;
}
