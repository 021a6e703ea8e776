/* What bounds a guest: stack, fuel, interruption, memory, tables, and a host without memory. */
#define _POSIX_C_SOURCE 200809L
#include "harness.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define U(n) ((uint64_t)(n))

static struct guest *limited(uint64_t memory, uint64_t table, uint64_t stack, uint64_t fuel)
{
    return guest_new((struct wasm_limits){memory, table, stack, fuel});
}

static void test_deep_recursion_traps(void **state)
{
    (void)state;
    struct guest *g = guest_new(WASM_LIMITS_DEFAULT);
    assert_trap(g, WASM_TRAP_STACK, "recurse", 1, U(0));
    assert_true(g->trap.depth > 100000);
    assert_int_equal(g->trap.frame_count, WASM_BACKTRACE_MAX);
    assert_string_equal(g->trap.frames[5].name, "recurse");
    assert_call(g, 1000, "depth", 1, U(1000));
    guest_free(g);
}

static void test_stack_limit_is_the_embedders(void **state)
{
    (void)state;
    struct guest *g = limited(U(1) << 32, 100, 4096, WASM_FUEL_UNLIMITED);
    assert_trap(g, WASM_TRAP_STACK, "recurse", 1, U(0));
    assert_true(g->trap.depth > 50 && g->trap.depth < 1024);
    assert_call(g, 20, "depth", 1, U(20));
    guest_free(g);
}

static void test_tail_calls_use_no_stack(void **state)
{
    (void)state;
    struct guest *g = limited(U(1) << 32, 100, 4096, WASM_FUEL_UNLIMITED);
    assert_call(g, U(3000000) * 3000001 / 2, "tail", 2, U(3000000), U(0));
    guest_free(g);
}

static void test_fuel_is_counted_exactly(void **state)
{
    (void)state;
    struct guest *g = limited(U(1) << 32, 100, 65536, 100000);
    /* One for the entry, one for each turn but the first. */
    assert_call(g, 1000, "count", 1, U(1000));
    assert_int_equal(wasm_store_fuel(g->store), 100000 - 1000);
    assert_call(g, 1000, "count_by_table", 1, U(1000));
    assert_int_equal(wasm_store_fuel(g->store), 100000 - 2000);
    assert_call(g, 98000, "count", 1, U(98000));
    assert_int_equal(wasm_store_fuel(g->store), 0);
    assert_trap(g, WASM_TRAP_FUEL, "count", 1, U(1));
    wasm_store_set_fuel(g->store, 5);
    assert_trap(g, WASM_TRAP_FUEL, "loop_forever", 0);
    assert_int_equal(g->trap.frame_count, 1);
    assert_string_equal(g->trap.frames[0].name, "loop_forever");
    assert_trap(g, WASM_TRAP_FUEL, "recurse", 1, U(0));
    guest_free(g);
}

static void test_bulk_instructions_cost_fuel(void **state)
{
    (void)state;
    struct guest *g = limited(U(1) << 32, 100, 65536, 66);
    assert_int_equal(call(g, "fill", NULL, 2, U(0), U(65536)), WASM_OK);
    assert_int_equal(wasm_store_fuel(g->store), 1);
    assert_trap(g, WASM_TRAP_FUEL, "fill", 2, U(0), U(65536));
    guest_free(g);
}

static void *interrupt_soon(void *store)
{
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    wasm_store_interrupt(store);
    return NULL;
}

static void test_another_thread_interrupts(void **state)
{
    (void)state;
    struct guest *g = guest_new(WASM_LIMITS_DEFAULT);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, g->store), 0);
    assert_trap(g, WASM_TRAP_INTERRUPT, "loop_forever", 0);
    pthread_join(thread, NULL);
    assert_false(wasm_store_interrupted(g->store));
    assert_call(g, 42, "add", 2, U(2), U(40));
    guest_free(g);
}

static void test_interrupts_are_seen_behind_host_calls_and_before_calls(void **state)
{
    (void)state;
    struct guest *g = guest_new(WASM_LIMITS_DEFAULT);
    assert_trap(g, WASM_TRAP_INTERRUPT, "interrupt_self", 0);
    wasm_store_interrupt(g->store);
    assert_true(wasm_store_interrupted(g->store));
    assert_trap(g, WASM_TRAP_INTERRUPT, "count", 1, U(1));
    assert_call(g, 1, "count", 1, U(1));
    guest_free(g);
}

static void test_memory_limit(void **state)
{
    (void)state;
    struct guest *g = limited(2 * 65536, 100, 65536, WASM_FUEL_UNLIMITED);
    assert_call(g, 0xffffffff, "grow", 1, U(2));
    assert_call(g, 1, "grow", 1, U(1));
    assert_call(g, 0xffffffff, "grow", 1, U(1));
    struct wasm_instance *second;
    assert_int_equal(wasm_instantiate(g->store, g->module, &second, &g->error, &g->trap),
                     WASM_NO_MEMORY);
    assert_non_null(strstr(g->error.text, "memory"));
    guest_free(g);
}

/* A table that grows one by one is moved a few times only, and holds all that the limit says;
 * where the host refuses, it stays as it was. */
static void test_a_table_grows_in_few_steps(void **state)
{
    enum { ELEMENTS = 100000, MOVES = 20 };
    static const char MODULE[] = "\0asm\1\0\0\0\x01\x06\x01\x60\1\x7f\1\x7f\x03\x02\x01\0"
                                 "\x04\x04\x01\x70\0\0\x07\x05\x01\x01g\0\0"
                                 "\x0a\x0b\x01\x09\0\xd0\x70\x20\0\xfc\x0f\0\x0b";
    (void)state;
    struct guest *g = calloc(1, sizeof *g);
    struct wasm_limits limits = WASM_LIMITS_DEFAULT;
    limits.table_elements = ELEMENTS;
    g->store = wasm_store_new(limits);
    assert_int_equal(
        wasm_module_load(MODULE, sizeof MODULE - 1, WASM_FEATURES_ALL, &g->module, &g->error),
        WASM_OK);
    assert_int_equal(wasm_instantiate(g->store, g->module, &g->instance, &g->error, &g->trap),
                     WASM_OK);
    assert_call(g, 0, "g", 1, U(1));
    allocations_left = 0;
    assert_call(g, 0xffffffff, "g", 1, U(1));
    allocations_left = MOVES;
    for (unsigned i = 1; i < ELEMENTS; i++)
        assert_call(g, i, "g", 1, U(1));
    allocations_left = -1;
    assert_call(g, 0xffffffff, "g", 1, U(1));
    guest_free(g);
}

static void test_table_limit(void **state)
{
    (void)state;
    struct guest *g = limited(U(1) << 32, 6, 65536, WASM_FUEL_UNLIMITED);
    assert_call(g, 0xffffffff, "grow_table", 1, U(3));
    assert_call(g, 4, "grow_table", 1, U(2));
    assert_call(g, 0xffffffff, "grow_table", 1, U(1));
    guest_free(g);
}

/* Loads, instantiates and calls with an allocator that gives `count` times; true if all went
 * well. Nothing may leak or crash, and the reason must be the right one. */
static bool survive(const uint8_t *bytes, size_t size, long count)
{
    struct guest g = {0};
    uint64_t result = 0;
    allocations_left = count;
    enum wasm_status status =
        wasm_module_load(bytes, size, WASM_FEATURES_ALL, &g.module, &g.error);
    if (status == WASM_OK) {
        g.store = wasm_store_new(WASM_LIMITS_DEFAULT);
        status = g.store ? define_host(g.store, &g) : WASM_NO_MEMORY;
    }
    if (status == WASM_OK)
        status = wasm_instantiate(g.store, g.module, &g.instance, &g.error, &g.trap);
    if (status == WASM_OK)
        status = call(&g, "outer", &result, 1, U(3));
    allocations_left = -1;
    if (status == WASM_TRAPPED)
        assert_int_equal(g.trap.kind, WASM_TRAP_NO_MEMORY);
    else if (status != WASM_OK)
        assert_int_equal(status, WASM_NO_MEMORY);
    else
        assert_int_equal(result, 5);
    wasm_store_free(g.store);
    wasm_module_free(g.module);
    return status == WASM_OK;
}

static void test_host_without_memory(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = read_module("guest.wasm", &size);
    long count = 0;
    while (!survive(bytes, size, count))
        count++;
    assert_true(count > 30);
    free(bytes);
}

int run_limits_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deep_recursion_traps),
        cmocka_unit_test(test_stack_limit_is_the_embedders),
        cmocka_unit_test(test_tail_calls_use_no_stack),
        cmocka_unit_test(test_fuel_is_counted_exactly),
        cmocka_unit_test(test_bulk_instructions_cost_fuel),
        cmocka_unit_test(test_another_thread_interrupts),
        cmocka_unit_test(test_interrupts_are_seen_behind_host_calls_and_before_calls),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_table_limit),
        cmocka_unit_test(test_a_table_grows_in_few_steps),
        cmocka_unit_test(test_host_without_memory),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
