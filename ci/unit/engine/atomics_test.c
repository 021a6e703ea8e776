/* Atomics of the one thread that there is: alignment, bounds, and waits that end. What the
 * operations compute is the specification suite's business. */
#define _POSIX_C_SOURCE 200809L
#include "harness.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define U(n) ((uint64_t)(n))

enum { NOT_EQUAL = 1, TIMED_OUT = 2 };

static struct guest *load(const char *name)
{
    struct guest *g = calloc(1, sizeof *g);
    assert_non_null(g);
    size_t size;
    uint8_t *bytes = read_module(name, &size);
    assert_int_equal(wasm_module_load(bytes, size, WASM_FEATURES_ALL, &g->module, &g->error),
                     WASM_OK);
    free(bytes);
    g->store = wasm_store_new(WASM_LIMITS_DEFAULT);
    assert_non_null(g->store);
    assert_int_equal(wasm_instantiate(g->store, g->module, &g->instance, &g->error, &g->trap),
                     WASM_OK);
    return g;
}

static int setup(void **state)
{
    *state = load("atomics.wasm");
    return 0;
}

static int teardown(void **state)
{
    guest_free(*state);
    return 0;
}

static void test_alignment_and_bounds(void **state)
{
    struct guest *g = *state;
    assert_int_equal(call(g, "store", NULL, 2, U(65528), U(77)), WASM_OK);
    assert_call(g, 77, "load", 1, U(65520));
    /* The offset, 8, is part of the address. */
    assert_trap(g, WASM_TRAP_UNALIGNED, "load", 1, U(65516));
    assert_int_equal(g->trap.frame_count, 1);
    assert_string_equal(g->trap.text, "unaligned atomic");
    assert_trap(g, WASM_TRAP_MEMORY, "load", 1, U(65528));
    assert_trap(g, WASM_TRAP_MEMORY, "load", 1, U(0xfffffff8));
    assert_trap(g, WASM_TRAP_MEMORY, "store", 2, U(65536), U(1));
    assert_trap(g, WASM_TRAP_MEMORY, "add", 2, U(65536), U(1));
    assert_trap(g, WASM_TRAP_UNALIGNED, "add", 2, U(1), U(1));
    assert_trap(g, WASM_TRAP_MEMORY, "exchange", 3, U(65536), U(256), U(1));
    assert_trap(g, WASM_TRAP_MEMORY, "notify", 1, U(65536));
    assert_trap(g, WASM_TRAP_MEMORY, "wait", 3, U(65536), U(0), U(0));
}

static void test_narrow_accesses_wrap(void **state)
{
    struct guest *g = *state;
    assert_int_equal(call(g, "store", NULL, 2, U(8), U(0x1234fffe)), WASM_OK);
    assert_call(g, 0xfffe, "add", 2, U(8), U(0x50003));
    assert_call(g, 0x12340001, "load", 1, U(0));
    assert_call(g, 1, "exchange", 3, U(8), U(0x102), U(9));
    assert_call(g, 0x12340001, "load", 1, U(0));
    assert_call(g, 1, "exchange", 3, U(8), U(0x101), U(0x209));
    assert_call(g, 0x12340009, "load", 1, U(0));
    assert_call(g, 7, "dead", 0);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void test_waits(void **state)
{
    struct guest *g = *state;
    double start = seconds();
    assert_call(g, NOT_EQUAL, "wait", 3, U(0), U(5), ~U(0));
    assert_call(g, TIMED_OUT, "wait", 3, U(0), U(0), U(150000000));
    assert_true(seconds() - start >= 0.15);
    assert_trap(g, WASM_TRAP_WAIT, "wait", 3, U(0), U(0), ~U(0));
    assert_trap(g, WASM_TRAP_UNALIGNED, "wait", 3, U(2), U(0), U(0));
    assert_call(g, 0, "notify", 1, U(0));
    wasm_store_set_fuel(g->store, 100);
    assert_trap(g, WASM_TRAP_FUEL, "wait", 3, U(0), U(0), U(INT64_MAX));
    assert_call(g, TIMED_OUT, "wait", 3, U(0), U(0), U(2000000));
    assert_int_equal(wasm_store_fuel(g->store), 96);
    struct guest *unshared = load("unshared.wasm");
    assert_trap(unshared, WASM_TRAP_NOT_SHARED, "wait", 3, U(0), U(0), U(0));
    guest_free(unshared);
}

static void *interrupt_soon(void *store)
{
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    wasm_store_interrupt(store);
    return NULL;
}

static void test_waits_are_interrupted(void **state)
{
    struct guest *g = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, g->store), 0);
    assert_trap(g, WASM_TRAP_INTERRUPT, "wait", 3, U(0), U(0), U(INT64_MAX));
    pthread_join(thread, NULL);
    assert_false(wasm_store_interrupted(g->store));
    assert_call(g, TIMED_OUT, "wait", 3, U(0), U(0), U(1));
}

int run_atomics_tests(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_alignment_and_bounds),
        TEST(test_narrow_accesses_wrap),
        TEST(test_waits),
        TEST(test_waits_are_interrupted),
    };
    return cmocka_run_group_tests_name("atomics", tests, NULL, NULL);
}
