/* libFuzzer: a module is run in the interpreter and compiled. Both end every call in the same
 * way, with the same results, and leave the same memories and globals. A NaN is as good as any
 * other (specification 4.3.3). Where a stack ends is an engine's own affair: from there on
 * nothing is compared. */
#include "fuzz.h"

enum { FUEL = 20000 };

static void differ(const char *what, struct wasm_name name)
{
    fprintf(stderr, "interpreter and compiler differ: %s of %.*s\n", what, (int)name.length,
            name.bytes);
    abort();
}

static bool is_nan(uint8_t type, uint64_t bits)
{
    return (type == WASM_F32 && (bits & 0x7fffffff) > 0x7f800000) ||
           (type == WASM_F64 && (bits & INT64_MAX) > (uint64_t)0x7ff << 52);
}

/* Words of vectors or of a memory, in which a lane may be a NaN. */
static bool same_words(const uint64_t *a, const uint64_t *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool same = a[i] == b[i] || (is_nan(WASM_F64, a[i]) && is_nan(WASM_F64, b[i]));
        for (unsigned shift = 0; !same && shift < 64; shift += 32) {
            uint32_t left = (uint32_t)(a[i] >> shift), right = (uint32_t)(b[i] >> shift);
            if (left != right && !(is_nan(WASM_F32, left) && is_nan(WASM_F32, right)))
                return false;
        }
    }
    return true;
}

/* References are pointers of their stores: only null is the same in both. */
static bool same_value(uint8_t type, const uint64_t *a, const uint64_t *b)
{
    if (type == WASM_FUNCREF || type == WASM_EXTERNREF)
        return !a[0] == !b[0];
    if (is_nan(type, a[0]) && is_nan(type, b[0]))
        return true;
    return type == WASM_V128 ? same_words(a, b, 2) : a[0] == b[0];
}

static void compare_call(struct fuzz_guest *guests, struct wasm_extern function,
                         uint32_t number, bool *overflowed)
{
    static struct fuzz_end ends[2];
    for (int i = 0; i < 2; i++) {
        wasm_store_set_fuel(guests[i].store, FUEL);
        fuzz_call(wasm_export_func(guests[i].instance, function.name), number, &ends[i]);
    }
    *overflowed = (ends[0].status == WASM_TRAPPED && ends[0].trap.kind == WASM_TRAP_STACK) ||
                  (ends[1].status == WASM_TRAPPED && ends[1].trap.kind == WASM_TRAP_STACK);
    if (*overflowed)
        return;
    if (ends[0].status != ends[1].status)
        differ("status", function.name);
    if (ends[0].status == WASM_TRAPPED && ends[0].trap.kind != ends[1].trap.kind)
        differ("trap", function.name);
    uint32_t word = 0;
    for (uint32_t i = 0; ends[0].status == WASM_OK && i < function.type.result_count; i++) {
        uint8_t type = function.type.results[i];
        if (!same_value(type, &ends[0].results[word], &ends[1].results[word]))
            differ("result", function.name);
        word += wasm_words(&type, 1);
    }
}

static void compare_state(const struct fuzz_guest *guests, struct wasm_extern export)
{
    if (export.kind == WASM_EXTERN_GLOBAL) {
        enum wasm_type type;
        uint64_t values[2][2];
        for (int i = 0; i < 2; i++)
            wasm_export_global(guests[i].instance, export.name, &type, values[i]);
        if (!same_value((uint8_t)type, values[0], values[1]))
            differ("global", export.name);
    } else if (export.kind == WASM_EXTERN_MEMORY) {
        struct wasm_memory *a = wasm_export_memory(guests[0].instance, export.name);
        struct wasm_memory *b = wasm_export_memory(guests[1].instance, export.name);
        uint64_t size = wasm_memory_size(a);
        if (size != wasm_memory_size(b) ||
            !same_words(wasm_memory_at(a, 0, 0), wasm_memory_at(b, 0, 0), size / 8))
            differ("memory", export.name);
    }
}

static void compare(const struct wasm_module *module)
{
    static struct fuzz_guest guests[2];
    for (int i = 0; i < 2; i++)
        fuzz_instantiate(&guests[i], module, FUEL, i == 0);
    struct wasm_name start = wasm_name("start");
    bool overflowed =
        guests[0].status == WASM_TRAPPED && guests[0].trap.kind == WASM_TRAP_STACK;
    if (guests[0].status != guests[1].status && !overflowed)
        differ("status", start);
    if (guests[0].status == WASM_OK && wasm_compiler_usable() &&
        !wasm_store_compiles(guests[1].store))
        differ("what runs it", start);
    uint32_t exports =
        overflowed || guests[0].status != WASM_OK ? 0 : wasm_module_export_count(module);
    for (uint32_t i = 0; i < exports && !overflowed; i++) {
        struct wasm_extern export = wasm_module_export(module, i);
        if (export.kind == WASM_EXTERN_FUNC)
            compare_call(guests, export, i, &overflowed);
    }
    for (uint32_t i = 0; i < exports && !overflowed; i++)
        compare_state(guests, wasm_module_export(module, i));
    for (int i = 0; i < 2; i++)
        wasm_store_free(guests[i].store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wasm_module *module;
    struct wasm_error error;
    if (wasm_module_load(data, size, WASM_FEATURES_ALL, &module, &error) == WASM_OK)
        compare(module);
    wasm_module_free(module);
    return 0;
}
