/* Runs generated modules and says all that can be seen of each: differential.py compares what
 * the interpreter, the compiler and V8 (transcript.mjs, the same format) say.
 *
 * usage: wasm-transcript interpreter|compiler < LIST      LIST: a module's path on each line
 *
 * For each module "module PATH", then a line for each event, in order: a logged value, the end
 * of each exported function's call, and at the end every exported global and memory. Values are
 * TYPE:BITS; references only tell whether they are null.
 */
#include "wasm/wasm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The same in transcript.mjs, and V8 is told the first two by flags (differential.py). */
enum { MOST_PAGES = 256, MOST_ELEMENTS = 10000, STACK_BYTES = 1 << 20 };

/* V8 has one message for some pairs of kinds. An atomic access may be both unaligned and out of
 * bounds: which of them it says is not told by the specification. */
static const char *const TRAPS[] = {
    [WASM_TRAP_UNREACHABLE] = "unreachable",
    [WASM_TRAP_DIVIDE_BY_ZERO] = "zero",
    [WASM_TRAP_INTEGER_OVERFLOW] = "range",
    [WASM_TRAP_INVALID_CONVERSION] = "range",
    [WASM_TRAP_MEMORY] = "memory",
    [WASM_TRAP_TABLE] = "table",
    [WASM_TRAP_UNDEFINED_ELEMENT] = "table",
    [WASM_TRAP_UNINITIALIZED] = "signature",
    [WASM_TRAP_INDIRECT_TYPE] = "signature",
    [WASM_TRAP_STACK] = "stack",
    [WASM_TRAP_UNALIGNED] = "memory",
    [WASM_TRAP_NOT_SHARED] = "wait",
    [WASM_TRAP_WAIT] = "wait",
    [WASM_TRAP_HOST] = "host",
};

static void print_value(uint8_t type, const uint64_t *words)
{
    switch (type) {
    case WASM_I32:
        printf(" i32:%08" PRIx64, words[0]);
        break;
    case WASM_I64:
        printf(" i64:%016" PRIx64, words[0]);
        break;
    case WASM_F32:
        printf(" f32:%08" PRIx64, words[0]);
        break;
    case WASM_F64:
        printf(" f64:%016" PRIx64, words[0]);
        break;
    default:
        printf(words[0] ? " reference" : " null");
    }
}

/* A value of this type crosses to JavaScript: a v128 does not. */
static bool crosses(const uint8_t *types, uint32_t count)
{
    return count == 0 || !memchr(types, WASM_V128, count);
}

/* Any import: logs its arguments, returns zeros. */
static enum wasm_host_result log_call(void *context, struct wasm_caller *caller,
                                      uint64_t *values)
{
    const struct wasm_extern *import = context;
    const struct wasm_func_type *type = &import->type;
    if (!crosses(type->params, type->param_count) ||
        !crosses(type->results, type->result_count))
        return wasm_host_trap(caller, "a v128 does not cross");
    printf("log");
    for (uint32_t i = 0; i < type->param_count; i++)
        print_value(type->params[i], &values[i]);
    printf("\n");
    memset(values, 0, type->result_count * sizeof *values);
    return WASM_HOST_OK;
}

/* A trap says where: " at FUNCTION@OFFSET..." and the number of frames. A stack overflow does
 * not, since each engine's stack is another. */
static void print_end(enum wasm_status status, const struct wasm_trap *trap)
{
    if (status == WASM_TRAPPED) {
        printf(" trap %s", TRAPS[trap->kind] ? TRAPS[trap->kind] : trap->text);
        if (trap->kind != WASM_TRAP_STACK) {
            printf(" at");
            for (size_t i = 0; i < trap->frame_count; i++)
                printf(" %" PRIu32 "@%" PRIx32, trap->frames[i].function,
                       trap->frames[i].offset);
            printf(" of %zu", trap->depth);
        }
        printf("\n");
    } else if (status == WASM_OK)
        printf("\n");
    else
        printf(" status %d\n", status);
}

/* Arguments are small numbers of the parameter's place, references are null. */
static void call(struct wasm_func *function, struct wasm_name name)
{
    uint64_t args[1000] = {0}, results[1000];
    struct wasm_func_type type = wasm_func_type(function);
    struct wasm_trap trap;
    if (!crosses(type.params, type.param_count) || !crosses(type.results, type.result_count)) {
        printf("call %.*s v128\n", (int)name.length, name.bytes);
        return;
    }
    for (uint32_t i = 0; i < type.param_count; i++) {
        float f32 = (float)(i + 1);
        double f64 = i + 1;
        if (type.params[i] == WASM_F32)
            memcpy(&args[i], &f32, sizeof f32);
        else if (type.params[i] == WASM_F64)
            memcpy(&args[i], &f64, sizeof f64);
        else if (type.params[i] == WASM_I32 || type.params[i] == WASM_I64)
            args[i] = i + 1;
    }
    enum wasm_status status = wasm_call(function, args, type.param_count, results, &trap);
    printf("call %.*s", (int)name.length, name.bytes);
    for (uint32_t i = 0; status == WASM_OK && i < type.result_count; i++)
        print_value(type.results[i], &results[i]);
    print_end(status, &trap);
}

static void print_memory(struct wasm_name name, const struct wasm_memory *memory)
{
    uint64_t size = wasm_memory_size(memory);
    const uint8_t *bytes = wasm_memory_at(memory, 0, (uint32_t)size);
    uint32_t hash = 2166136261u;
    for (uint64_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    printf("memory %.*s %" PRIu64 " %08" PRIx32 "\n", (int)name.length, name.bytes, size, hash);
}

static void print_global(const struct wasm_instance *instance, struct wasm_name name)
{
    enum wasm_type type;
    uint64_t value[2];
    wasm_export_global(instance, name, &type, value);
    printf("global %.*s", (int)name.length, name.bytes);
    if (type == WASM_V128)
        printf(" v128");
    else
        print_value((uint8_t)type, value);
    printf("\n");
}

/* Calls everything, each time with the generator's limit of turns restored. */
static void run(const struct wasm_module *module, struct wasm_instance *instance)
{
    struct wasm_func *restore = wasm_export_func(instance, wasm_name("hangLimitInitializer"));
    for (uint32_t i = 0; i < wasm_module_export_count(module); i++) {
        struct wasm_extern export = wasm_module_export(module, i);
        struct wasm_trap trap;
        if (export.kind != WASM_EXTERN_FUNC)
            continue;
        if (restore && wasm_call(restore, NULL, 0, NULL, &trap) != WASM_OK)
            printf("hangLimitInitializer failed\n");
        call(wasm_export_func(instance, export.name), export.name);
    }
    for (uint32_t i = 0; i < wasm_module_export_count(module); i++) {
        struct wasm_extern export = wasm_module_export(module, i);
        if (export.kind == WASM_EXTERN_MEMORY)
            print_memory(export.name, wasm_export_memory(instance, export.name));
        else if (export.kind == WASM_EXTERN_GLOBAL)
            print_global(instance, export.name);
    }
}

static void instantiate(const struct wasm_module *module, bool compile)
{
    struct wasm_store *store =
        wasm_store_new((struct wasm_limits){(uint64_t)MOST_PAGES * WASM_PAGE_BYTES,
                                            MOST_ELEMENTS, STACK_BYTES, WASM_FUEL_UNLIMITED});
    struct wasm_instance *instance;
    struct wasm_error error;
    struct wasm_trap trap;
    if (!compile)
        wasm_store_interpret(store);
    uint32_t count = wasm_module_import_count(module);
    struct wasm_extern *imports = calloc(count + 1, sizeof *imports);
    for (uint32_t i = 0; i < count; i++) {
        imports[i] = wasm_module_import(module, i);
        if (imports[i].kind == WASM_EXTERN_FUNC)
            wasm_define_func(store, imports[i].module, imports[i].name, imports[i].type,
                             log_call, &imports[i]);
    }
    enum wasm_status status = wasm_instantiate(store, module, &instance, &error, &trap);
    printf("instantiate");
    print_end(status, &trap);
    if (compile && !wasm_store_compiles(store))
        printf("not compiled\n");
    if (status == WASM_OK)
        run(module, instance);
    wasm_store_free(store);
    free(imports);
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    if (file && fseek(file, 0, SEEK_END) == 0 && (bytes = malloc((size_t)ftell(file) + 1))) {
        *size = (size_t)ftell(file);
        rewind(file);
        *size = fread(bytes, 1, *size, file);
    }
    if (file)
        fclose(file);
    return bytes;
}

int main(int argc, char **argv)
{
    char path[4096];
    bool compile = argc == 2 && strcmp(argv[1], "compiler") == 0;
    if (argc != 2 || (!compile && strcmp(argv[1], "interpreter") != 0)) {
        fprintf(stderr, "usage: wasm-transcript interpreter|compiler < LIST\n");
        return 2;
    }
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        size_t size = 0;
        uint8_t *bytes = read_file(path, &size);
        struct wasm_module *module = NULL;
        struct wasm_error error;
        printf("module %s\n", path);
        if (!bytes)
            printf("unreadable\n");
        else if (wasm_module_load(bytes, size, WASM_FEATURES_ALL, &module, &error) != WASM_OK)
            printf("refused: %s\n", error.text);
        else
            instantiate(module, compile);
        fflush(stdout);
        wasm_module_free(module);
        free(bytes);
    }
    return 0;
}
