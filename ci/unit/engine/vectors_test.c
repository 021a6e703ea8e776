/* Vectors through the interface and through everything that moves values: two words each. What
 * their instructions compute is the specification suite's business. */
#include "harness.h"

#include <stdlib.h>

#define U(n) ((uint64_t)(n))

/* (i32 a, v128 (b, c), i64 d) -> (i64 a + d, v128 (c + 1, b + 1)) */
static enum wasm_host_result host_mix(void *context, struct wasm_caller *caller,
                                      uint64_t *values)
{
    (void)context, (void)caller;
    uint64_t a = values[0], b = values[1], c = values[2], d = values[3];
    values[0] = a + d;
    values[1] = c + 1;
    values[2] = b + 1;
    return WASM_HOST_OK;
}

static int setup(void **state)
{
    static const uint8_t PARAMS[] = {WASM_I32, WASM_V128, WASM_I64},
                         RESULTS[] = {WASM_I64, WASM_V128};
    struct guest *g = calloc(1, sizeof *g);
    assert_non_null(g);
    size_t size;
    uint8_t *bytes = read_module("vectors.wasm", &size);
    assert_int_equal(wasm_module_load(bytes, size, WASM_FEATURES_ALL, &g->module, &g->error),
                     WASM_OK);
    free(bytes);
    g->store = wasm_store_new(WASM_LIMITS_DEFAULT);
    assert_non_null(g->store);
    assert_int_equal(wasm_define_func(g->store, wasm_name("host"), wasm_name("mix"),
                                      (struct wasm_func_type){PARAMS, RESULTS, 3, 2}, host_mix,
                                      NULL),
                     WASM_OK);
    assert_int_equal(wasm_instantiate(g->store, g->module, &g->instance, &g->error, &g->trap),
                     WASM_OK);
    *state = g;
    return 0;
}

static int teardown(void **state)
{
    guest_free(*state);
    return 0;
}

/* Asserts that these words were got. */
static void expect(const uint64_t *got, size_t count, ...)
{
    va_list list;
    va_start(list, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(got[i], va_arg(list, uint64_t));
    va_end(list);
}

static void test_words_of_types(void **state)
{
    (void)state;
    static const uint8_t TYPES[] = {WASM_I32, WASM_V128, WASM_F64, WASM_V128};
    assert_int_equal(wasm_words(TYPES, 0), 0);
    assert_int_equal(wasm_words(TYPES, 1), 1);
    assert_int_equal(wasm_words(TYPES, 4), 6);
}

static void test_host_functions_get_and_give_vectors(void **state)
{
    static const char *const WAYS[] = {"host", "host_indirect", "host_tail"};
    struct guest *g = *state;
    uint64_t results[3];
    for (size_t i = 0; i < 3; i++) {
        /* The high half of an i32 is nobody's business, wherever the i32 is. */
        assert_int_equal(call(g, WAYS[i], results, 4, U(0xdead00000001), U(20), U(30), U(4)),
                         WASM_OK);
        expect(results, 3, U(5), U(31), U(21));
        assert_int_equal(call(g, WAYS[i], results, 3, U(1), U(20), U(4)), WASM_MISUSED);
    }
}

static void test_calls_carry_vectors(void **state)
{
    struct guest *g = *state;
    uint64_t results[3];
    assert_int_equal(call(g, "turn", results, 3, U(9), U(1), U(2)), WASM_OK);
    expect(results, 3, U(9), U(2), U(1));
    assert_int_equal(call(g, "turn_tail", results, 2, U(1), U(2)), WASM_OK);
    expect(results, 3, U(3), U(2), U(1));
}

static void test_operands_outlive_their_local(void **state)
{
    struct guest *g = *state;
    uint64_t results[2];
    assert_int_equal(call(g, "old_local", results, 2, U(101), U(203)), WASM_OK);
    expect(results, 2, U(1), U(3));
}

static void test_globals_are_two_words(void **state)
{
    struct guest *g = *state;
    uint64_t results[2], value[2];
    enum wasm_type type;
    assert_true(wasm_export_global(g->instance, wasm_name("state"), &type, value));
    assert_int_equal(type, WASM_V128);
    expect(value, 2, U(7), U(8));
    assert_int_equal(call(g, "globals", results, 2, U(1000), U(2000)), WASM_OK);
    expect(results, 2, U(1012), U(2014));
    assert_true(wasm_export_global(g->instance, wasm_name("state"), &type, value));
    expect(value, 2, U(1000), U(2000));
}

static void test_branches_carry_vectors(void **state)
{
    struct guest *g = *state;
    uint64_t results[3];
    assert_int_equal(call(g, "branch", results, 3, U(0), U(100), U(200)), WASM_OK);
    expect(results, 3, U(103), U(203), U(30));
    assert_int_equal(call(g, "branch", results, 3, U(1), U(100), U(200)), WASM_OK);
    expect(results, 3, U(102), U(202), U(30));
    assert_int_equal(call(g, "branch", results, 3, U(2), U(100), U(200)), WASM_OK);
    expect(results, 3, U(100), U(200), U(10));
    assert_int_equal(call(g, "loop", results, 1, U(100)), WASM_OK);
    expect(results, 2, U(5050), U(5050));
}

static void test_select(void **state)
{
    struct guest *g = *state;
    uint64_t results[2];
    assert_int_equal(call(g, "select", results, 5, U(1), U(2), U(3), U(4), U(1)), WASM_OK);
    expect(results, 2, U(1), U(2));
    assert_int_equal(call(g, "select", results, 5, U(1), U(2), U(3), U(4), U(0)), WASM_OK);
    expect(results, 2, U(3), U(4));
}

static void test_memory_bounds(void **state)
{
    struct guest *g = *state;
    uint64_t results[2];
    assert_int_equal(call(g, "store", NULL, 3, U(65520), ~U(0), U(5)), WASM_OK);
    assert_int_equal(call(g, "load", results, 1, U(65519)), WASM_OK);
    expect(results, 2, ~U(0), U(5));
    assert_trap(g, WASM_TRAP_MEMORY, "load", 1, U(65520));
    assert_trap(g, WASM_TRAP_MEMORY, "load", 1, U(0xffffffff));
    /* A store across the end writes nothing. */
    assert_trap(g, WASM_TRAP_MEMORY, "store", 3, U(65528), U(1), U(1));
    assert_int_equal(call(g, "load", results, 1, U(65519)), WASM_OK);
    expect(results, 2, ~U(0), U(5));
    assert_int_equal(call(g, "lanes", results, 2, U(0x1111), U(0x2222) << 48), WASM_OK);
    expect(results, 2, U(0x2222), U(0x2222) << 48);
}

int run_vector_tests(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_types),
        TEST(test_host_functions_get_and_give_vectors),
        TEST(test_calls_carry_vectors),
        TEST(test_operands_outlive_their_local),
        TEST(test_globals_are_two_words),
        TEST(test_branches_carry_vectors),
        TEST(test_select),
        TEST(test_memory_bounds),
    };
    return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
