/* What is left when something failed: a store after an instantiation that was refused, a call
 * after one inside it that trapped; and what messages say of names that are meant to mislead.
 */
#include "harness.h"

#include <stdlib.h>

#define HEADER "\0asm\1\0\0\0"

static struct wasm_error error;
static struct wasm_trap trap;

static struct wasm_module *load(const char *bytes, size_t size)
{
    struct wasm_module *module;
    assert_int_equal(wasm_module_load(bytes, size, WASM_FEATURES_ALL, &module, &error),
                     WASM_OK);
    return module;
}

#define LOAD(text) load(text, sizeof(text) - 1)

/* Memories of 3 pages and tables of 6 elements, two of each: one more than the limits hold.
 * What was made before the refusal is given back, so that a module that fits the limits exactly
 * is accepted, however often it went wrong before. */
static void test_a_refused_instance_gives_back_what_it_had(void **state)
{
    enum { TRIES = 100 };
    (void)state;
    struct wasm_limits limits = {4 * WASM_PAGE_BYTES, 8, 65536, WASM_FUEL_UNLIMITED};
    struct wasm_store *store = wasm_store_new(limits);
    struct wasm_module *memories = LOAD(HEADER "\x05\x05\x02\0\3\0\3"),
                       *tables = LOAD(HEADER "\x04\x07\x02\x70\0\6\x70\0\6"),
                       *fits = LOAD(HEADER "\x04\x04\x01\x70\0\x08\x05\x03\x01\0\4");
    struct wasm_instance *instance;
    for (unsigned i = 0; i < TRIES; i++) {
        assert_int_equal(wasm_instantiate(store, memories, &instance, &error, &trap),
                         WASM_NO_MEMORY);
        assert_null(instance);
    }
    assert_non_null(strstr(error.text, "a memory is refused"));
    assert_int_equal(wasm_instantiate(store, tables, &instance, &error, &trap), WASM_NO_MEMORY);
    assert_non_null(strstr(error.text, "a table is refused"));
    assert_int_equal(wasm_instantiate(store, fits, &instance, &error, &trap), WASM_OK);
    wasm_store_free(store);
    wasm_module_free(memories);
    wasm_module_free(tables);
    wasm_module_free(fits);
}

/* Calls the guest's "trap" and makes the best of it. */
static enum wasm_host_result cope(void *context, struct wasm_caller *caller, uint64_t *values)
{
    struct guest *g = context;
    struct wasm_trap inner;
    (void)caller;
    struct wasm_func *f = wasm_export_func(g->instance, wasm_name("trap"));
    assert_int_equal(wasm_call(f, NULL, 0, NULL, &inner), WASM_TRAPPED);
    assert_int_equal(inner.kind, WASM_TRAP_UNREACHABLE);
    values[0] = 5;
    return WASM_HOST_OK;
}

static struct guest *new_coper(void)
{
    static const uint8_t I32[] = {WASM_I32};
    struct guest *g = calloc(1, sizeof *g);
    size_t size;
    uint8_t *bytes = read_module("cope.wasm", &size);
    g->module = load((const char *)bytes, size);
    free(bytes);
    g->store = wasm_store_new(WASM_LIMITS_DEFAULT);
    assert_int_equal(wasm_define_func(g->store, wasm_name("host"), wasm_name("cope"),
                                      (struct wasm_func_type){NULL, I32, 0, 1}, cope, g),
                     WASM_OK);
    return g;
}

/* Whether a guest calls the host function or the embedder does: the trap was the inner call's.
 */
static void test_a_host_function_may_survive_a_trap(void **state)
{
    (void)state;
    struct guest *g = new_coper();
    assert_int_equal(wasm_instantiate(g->store, g->module, &g->instance, &error, &trap),
                     WASM_OK);
    assert_call(g, 5, "through", 0);
    assert_call(g, 5, "cope", 0);
    guest_free(g);
}

/* The system refuses to seal the code: nothing may run what is not executable. The host
 * function's code was among it, and is made again for the next instance. */
static void test_code_that_cannot_be_sealed_is_forgotten(void **state)
{
    (void)state;
    struct guest *g = new_coper();
    seals_left = 1; /* the store's own; then the instance's fails */
    enum wasm_status status =
        wasm_instantiate(g->store, g->module, &g->instance, &error, &trap);
    seals_left = -1;
    if (wasm_store_compiles(g->store)) {
        assert_int_equal(status, WASM_NO_MEMORY);
        assert_int_equal(wasm_instantiate(g->store, g->module, &g->instance, &error, &trap),
                         WASM_OK);
    }
    assert_call(g, 5, "through", 0);
    guest_free(g);
}

/* Calls that push 1,000 values each, in two bytes: refused when the bound of a function is
 * reached, not when its end is, with a hundred megabytes of values. */
static void test_operands_are_bounded_as_they_are_pushed(void **state)
{
    enum { CALLS = 100000, VALUES = 1000, LARGEST = 1 << 20 };
    (void)state;
    uint8_t *bytes = malloc(2 * CALLS + 2 * VALUES), *at = bytes;
#define PUT(text) (memcpy(at, text, sizeof(text) - 1), at += sizeof(text) - 1)
    PUT(HEADER "\x01\xf0\x07\x02\x60\0\0\x60\0\xe8\x07"); /* [] -> [] and [] -> 1,000 of i32 */
    at = (uint8_t *)memset(at, WASM_I32, VALUES) + VALUES;
    PUT("\x03\x03\x02\1\0\x0a\xcc\x9a\x8c\0\x02\x03\0\0\x0b\xc3\x9a\x8c\0\0");
    for (unsigned i = 0; i < CALLS; i++)
        PUT("\x10\0");
    PUT("\0\x0b");
    struct wasm_module *module;
    largest_allocation = 0;
    assert_int_equal(
        wasm_module_load(bytes, (size_t)(at - bytes), WASM_FEATURES_ALL, &module, &error),
        WASM_INVALID);
    assert_non_null(strstr(error.text, "more than the 65000 slots"));
    assert_true(largest_allocation < LARGEST);
    free(bytes);
}

/* A module's names cannot colour, clear or retitle the terminal that shows the message. */
static void test_names_in_messages_are_harmless(void **state)
{
    (void)state;
    struct wasm_module *module =
        LOAD(HEADER "\x01\x04\x01\x60\0\0\x02\x0b\x01\x05\x1b[31m\x01x\0\0");
    struct wasm_store *store = wasm_store_new(WASM_LIMITS_DEFAULT);
    struct wasm_instance *instance;
    assert_int_equal(wasm_instantiate(store, module, &instance, &error, &trap),
                     WASM_UNLINKABLE);
    assert_string_equal(error.text, "unknown import: function \"x\" of module \"?[31m\"");
    wasm_store_free(store);
    wasm_module_free(module);
    const char TWICE[] = HEADER "\x01\x04\x01\x60\0\0\x03\x02\x01\0"
                                "\x07\x09\x02\x01\x07\0\0\x01\x07\0\0\x0a\x04\x01\x02\0\x0b";
    assert_int_equal(
        wasm_module_load(TWICE, sizeof TWICE - 1, WASM_FEATURES_ALL, &module, &error),
        WASM_INVALID);
    assert_string_equal(error.text, "export section, offset 0x1d: duplicate export name \"?\"");
}

int run_refusal_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refused_instance_gives_back_what_it_had),
        cmocka_unit_test(test_a_host_function_may_survive_a_trap),
        cmocka_unit_test(test_code_that_cannot_be_sealed_is_forgotten),
        cmocka_unit_test(test_operands_are_bounded_as_they_are_pushed),
        cmocka_unit_test(test_names_in_messages_are_harmless),
    };
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
