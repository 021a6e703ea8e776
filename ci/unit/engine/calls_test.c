/* Calls of every shape, in calls.wat: what the compiler does by its calling convention. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARGS = 20 };

static uint64_t f64_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint32_t f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double f64_value(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The host's "mix": -1 if an argument is not what fill() made it, else their number. */
static enum wasm_host_result mix(void *context, struct wasm_caller *caller, uint64_t *values)
{
    const uint64_t *expected = context;
    (void)caller;
    values[0] = memcmp(values, expected, ARGS * sizeof *values) == 0 ? ARGS : UINT64_MAX;
    return WASM_HOST_OK;
}

static enum wasm_host_result three(void *context, struct wasm_caller *caller, uint64_t *values)
{
    (void)context, (void)caller;
    uint32_t n = (uint32_t)values[0];
    values[0] = n | (uint64_t)1 << 40; /* what is above an i32 does not count */
    values[1] = f64_bits(100.0 * n);
    values[2] = 10000 * (uint64_t)n;
    return WASM_HOST_OK;
}

static uint64_t expected_args[ARGS];

static void fill(uint64_t *args, uint32_t which)
{
    for (unsigned i = 0; i < 8; i++)
        args[i] = 3 * i + 1;
    for (unsigned i = 8; i < 18; i++)
        args[i] = f64_bits(i * 100);
    args[18] = which;
    args[19] = f32_bits(6);
    memcpy(expected_args, args, sizeof expected_args);
}

static void *load(void)
{
    static const uint8_t WIDE[ARGS] = {WASM_I64, WASM_I64, WASM_I64, WASM_I64, WASM_I64,
                                       WASM_I64, WASM_I64, WASM_I64, WASM_F64, WASM_F64,
                                       WASM_F64, WASM_F64, WASM_F64, WASM_F64, WASM_F64,
                                       WASM_F64, WASM_F64, WASM_F64, WASM_I32, WASM_F32};
    static const uint8_t I32[] = {WASM_I32}, THREE[] = {WASM_I32, WASM_F64, WASM_I64};
    struct guest *g = calloc(1, sizeof *g);
    size_t size;
    uint8_t *bytes = read_module("calls.wasm", &size);
    assert_non_null(g);
    assert_int_equal(wasm_module_load(bytes, size, WASM_FEATURES_ALL, &g->module, &g->error),
                     WASM_OK);
    free(bytes);
    g->store = wasm_store_new(WASM_LIMITS_DEFAULT);
    assert_int_equal(wasm_define_func(g->store, wasm_name("host"), wasm_name("mix"),
                                      (struct wasm_func_type){WIDE, WIDE, ARGS, 1}, mix,
                                      expected_args),
                     WASM_OK);
    assert_int_equal(wasm_define_func(g->store, wasm_name("host"), wasm_name("three"),
                                      (struct wasm_func_type){I32, THREE, 1, 3}, three, NULL),
                     WASM_OK);
    assert_int_equal(wasm_instantiate(g->store, g->module, &g->instance, &g->error, &g->trap),
                     WASM_OK);
    return g;
}

static int setup(void **state)
{
    *state = load();
    return 0;
}

static int teardown(void **state)
{
    guest_free(*state);
    return 0;
}

static uint64_t call_wide(struct guest *g, const char *name, uint32_t which)
{
    uint64_t args[ARGS], result = 0;
    fill(args, which);
    args[18] |= (uint64_t)7 << 32; /* the engine ignores it */
    struct wasm_func *f = wasm_export_func(g->instance, wasm_name(name));
    assert_int_equal(wasm_call(f, args, ARGS, &result, &g->trap), WASM_OK);
    return result;
}

/* What $weigh answers to fill()'s arguments, in order or turned round. */
static uint64_t weighed(bool turned, uint32_t which)
{
    static const unsigned WEIGHTS[] = {1, 2, 3, 5, 7, 11, 13, 17};
    uint64_t sum = 0;
    for (unsigned i = 0; i < 8; i++)
        sum += (3ull * (turned ? 7 - i : i) + 1) * WEIGHTS[i];
    sum += 100ull * (turned ? 17 : 8);
    for (unsigned i = 15; i < 18; i++)
        sum += 100ull * (turned ? 25 - i : i) * (i == 15 ? 19 : i == 16 ? 23 : 29);
    return sum + which * 31 + 6 * 37;
}

static void test_arguments_beyond_the_registers(void **state)
{
    struct guest *g = *state;
    assert_int_equal(call_wide(g, "weigh", 4), weighed(false, 4));
    assert_int_equal(call_wide(g, "direct", 4), weighed(true, 4));
    assert_int_equal(call_wide(g, "tail", 4), weighed(true, 4));
    static const char *const NAMES[] = {"indirect", "tail_indirect"};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(call_wide(g, NAMES[i], 0), weighed(false, 0));
        assert_int_equal(call_wide(g, NAMES[i], 1), ARGS);
        assert_int_equal(call_wide(g, NAMES[i], 2), weighed(true, 2));
    }
}

static void test_tail_calls_of_all_sizes_use_no_stack(void **state)
{
    struct guest *g = *state;
    for (uint64_t n = 0; n < 10; n++)
        assert_call(g, n * (n + 1) / 2, "sum", 1, n);
    assert_call(g, 1000000ull * 1000001 / 2, "sum", 1, (uint64_t)1000000);
}

static void test_several_results(void **state)
{
    struct guest *g = *state;
    assert_call(g, 7 * 1111 + 49, "five", 1, (uint64_t)7);
    assert_call(g, 3 + 300 + 30000, "three", 1, (uint64_t)3);
}

/* The same in C. */
static double across(uint32_t n)
{
    uint32_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h;
    double x = 0, y = 0, z = 0;
    do {
        a++;
        b += a;
        c ^= b;
        d = b - d;
        x += 0.5;
        e += d;
        f += e;
        f = f << (a & 31) | f >> (-a & 31);
        g += f;
        h = g | 1;
        y = x + (y + 0.5);
        z = y - z;
    } while (a < n);
    return c + e + (g + h) + z + y;
}

static void test_values_live_across_calls(void **state)
{
    struct guest *g = *state;
    for (uint32_t n = 1; n < 200; n += 7) {
        uint64_t result;
        assert_int_equal(call(g, "across", &result, 1, (uint64_t)n), WASM_OK);
        assert_true(f64_value(result) == across(n));
    }
}

static uint32_t tree(uint32_t n)
{
    if (n < 2)
        return n;
    uint32_t a = tree(n - 1) * n, b = tree(n - 2);
    b = b * a + b;
    return (a + n) ^ b;
}

static void test_locals_outlive_calls(void **state)
{
    struct guest *g = *state;
    assert_call(g, 9 + 25 + 2, "swapped", 2, (uint64_t)3, (uint64_t)5);
    assert_call(g, tree(15), "tree", 1, (uint64_t)15);
    double x = 0;
    for (unsigned n = 0; n < 9; n++) {
        x = x * x + x;
        x -= x * 0.25 + 0.5;
    }
    uint64_t result;
    assert_int_equal(call(g, "kept", &result, 1, (uint64_t)9), WASM_OK);
    assert_true(f64_value(result) == x);
}

static void test_locals_outlive_helpers(void **state)
{
    struct guest *g = *state;
    uint32_t sums[8] = {0}, total = 0;
    for (uint32_t n = 20; n > 0; n--) {
        sums[0] += n;
        total += n;
        for (unsigned i = 1; i < 8; i++)
            sums[i] += sums[i - 1];
    }
    assert_call(g, sums[7] + total + 20, "helped", 1, (uint64_t)20);
}

/* In guest code memory 0 is in a register, which a call of another instance changes. */
static void test_each_instance_has_its_memory(void **state)
{
    struct guest *g = *state, caller = {.store = g->store};
    size_t size;
    uint8_t *bytes = read_module("caller.wasm", &size);
    assert_int_equal(
        wasm_module_load(bytes, size, WASM_FEATURES_ALL, &caller.module, &caller.error),
        WASM_OK);
    free(bytes);
    assert_int_equal(wasm_define_instance(g->store, wasm_name("calls"), g->instance), WASM_OK);
    assert_int_equal(wasm_instantiate(g->store, caller.module, &caller.instance, &caller.error,
                                      &caller.trap),
                     WASM_OK);
    assert_int_equal(call(g, "poke", NULL, 2, (uint64_t)64, (uint64_t)5), WASM_OK);
    assert_int_equal(call(&caller, "put", NULL, 2, (uint64_t)64, (uint64_t)7), WASM_OK);
    assert_call(&caller, 507, "both", 1, (uint64_t)64);
    assert_call(&caller, 507, "both_indirect", 1, (uint64_t)64);
    assert_call(&caller, 507, "both_tail", 1, (uint64_t)64);
    assert_call(&caller, 1000000, "hops", 1, (uint64_t)1000000);
    assert_call(&caller, 999999 - 7 + 5, "hops", 1, (uint64_t)999999);
    wasm_store_free(g->store);
    wasm_module_free(caller.module);
    g->store = NULL;
}

int run_calls_tests(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_arguments_beyond_the_registers),
        TEST(test_tail_calls_of_all_sizes_use_no_stack),
        TEST(test_several_results),
        TEST(test_values_live_across_calls),
        TEST(test_locals_outlive_calls),
        TEST(test_locals_outlive_helpers),
        TEST(test_each_instance_has_its_memory),
    };
    return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
