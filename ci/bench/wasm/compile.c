/* Loads a module and instantiates it with a host function for each import, so that every
 * function is validated and compiled: what is timed from outside, and against V8. Nothing is
 * run.
 *
 * usage: wasm-compile FILE     prints "BYTES-OF-CODE-SECTION", the CPU time and the peak memory
 *                              of the whole process: "code N cpu_ms N peak_kb N"
 */
#include "wasm/wasm.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { CODE_SECTION = 10 };

static enum wasm_host_result nothing(void *context, struct wasm_caller *caller,
                                     uint64_t *values)
{
    (void)context, (void)values;
    return wasm_host_trap(caller, "called by nobody");
}

static uint8_t *read_file(const char *name, size_t *size)
{
    FILE *file = fopen(name, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size);
    if (bytes && fread(bytes, 1, *size, file) != *size)
        bytes = NULL;
    fclose(file);
    return bytes;
}

static size_t read_length(const uint8_t *bytes, size_t *at)
{
    size_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = bytes[(*at)++];
        value |= (size_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

/* Of a module that is valid. */
static size_t code_bytes(const uint8_t *bytes, size_t size)
{
    for (size_t at = 8; at < size;) {
        uint8_t id = bytes[at++];
        size_t length = read_length(bytes, &at);
        if (id == CODE_SECTION)
            return length;
        at += length;
    }
    return 0;
}

static int instantiate(const struct wasm_module *module)
{
    struct wasm_store *store = wasm_store_new(WASM_LIMITS_DEFAULT);
    struct wasm_instance *instance;
    struct wasm_error error;
    struct wasm_trap trap;
    for (uint32_t i = 0; i < wasm_module_import_count(module); i++) {
        struct wasm_extern import = wasm_module_import(module, i);
        if (import.kind == WASM_EXTERN_FUNC &&
            wasm_define_func(store, import.module, import.name, import.type, nothing, NULL) !=
                WASM_OK)
            return 1;
    }
    if (wasm_instantiate(store, module, &instance, &error, &trap) == WASM_OK)
        return wasm_store_compiles(store)
                   ? 0
                   : (fprintf(stderr, "wasm-compile: not compiled\n"), 1);
    fprintf(stderr, "wasm-compile: %s\n", error.text);
    return 1;
}

int main(int argc, char **argv)
{
    size_t size = 0;
    uint8_t *bytes = argc == 2 ? read_file(argv[1], &size) : NULL;
    struct wasm_module *module;
    struct wasm_error error;
    struct rusage used;
    if (!bytes)
        return fprintf(stderr, "usage: wasm-compile FILE\n"), 2;
    size_t code = 0;
    if (wasm_module_load(bytes, size, WASM_FEATURES_ALL, &module, &error) != WASM_OK)
        return fprintf(stderr, "wasm-compile: %s\n", error.text), 1;
    code = code_bytes(bytes, size);
    free(bytes);
    if (instantiate(module) != 0)
        return 1;
    getrusage(RUSAGE_SELF, &used);
    printf("code %zu cpu_ms %.1f peak_kb %ld\n", code,
           (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3,
           used.ru_maxrss);
    return 0;
}
