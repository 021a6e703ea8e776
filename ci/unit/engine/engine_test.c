/* The engine through its interface: linking, calls, traps and backtraces. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#define U(n) ((uint64_t)(n))

static int setup(void **state)
{
    *state = guest_new(WASM_LIMITS_DEFAULT);
    return 0;
}

static int teardown(void **state)
{
    guest_free(*state);
    return 0;
}

static void test_imports_and_exports_are_listed(void **state)
{
    struct guest *g = *state;
    assert_int_equal(wasm_module_import_count(g->module), 5);
    struct wasm_extern e = wasm_module_import(g->module, 0);
    assert_int_equal(e.kind, WASM_EXTERN_FUNC);
    assert_memory_equal(e.module.bytes, "host", e.module.length);
    assert_memory_equal(e.name.bytes, "add", e.name.length);
    assert_int_equal(e.type.param_count, 2);
    assert_int_equal(e.type.params[1], WASM_I64);
    assert_int_equal(e.type.results[0], WASM_I64);
    e = wasm_module_export(g->module, 0);
    assert_int_equal(e.kind, WASM_EXTERN_MEMORY);
    assert_memory_equal(e.name.bytes, "memory", e.name.length);
    assert_null(wasm_export_func(g->instance, wasm_name("memory")));
    assert_null(wasm_export_func(g->instance, wasm_name("absent")));
    assert_null(wasm_export_memory(g->instance, wasm_name("add")));
}

static void test_host_functions_get_and_give_values(void **state)
{
    struct guest *g = *state;
    assert_call(g, 42, "add", 2, U(2), U(40));
    /* High halves of an i32 are nobody's business. */
    assert_call(g, 42, "add", 2, U(0xdead00000002), U(40));
}

static void test_wrong_number_of_arguments_calls_nothing(void **state)
{
    struct guest *g = *state;
    uint64_t result;
    assert_int_equal(call(g, "add", &result, 1, U(1)), WASM_MISUSED);
}

static void test_several_results(void **state)
{
    struct guest *g = *state;
    double d = 2.5;
    uint64_t bits, results[2];
    memcpy(&bits, &d, sizeof bits);
    assert_int_equal(call(g, "swap", results, 2, U(9), bits), WASM_OK);
    assert_int_equal(results[0], bits);
    assert_int_equal(results[1], 9);
}

static void test_globals(void **state)
{
    struct guest *g = *state;
    enum wasm_type type;
    uint64_t value[2];
    assert_int_equal(call(g, "bump", NULL, 0), WASM_OK);
    assert_true(wasm_export_global(g->instance, wasm_name("counter"), &type, value));
    assert_int_equal(type, WASM_I64);
    assert_int_equal(value[0], 8);
    assert_int_equal(value[1], 0);
    assert_false(wasm_export_global(g->instance, wasm_name("none"), &type, value));
}

static void test_host_traps_and_exits(void **state)
{
    struct guest *g = *state;
    assert_trap(g, WASM_TRAP_HOST, "trap_in_host", 0);
    assert_string_equal(g->trap.text, "the host says no");
    assert_int_equal(g->trap.frame_count, 1);
    assert_int_equal(call(g, "exit", NULL, 1, U(77)), WASM_EXITED);
    assert_int_equal(g->trap.exit_code, 77);
    assert_call(g, 42, "add", 2, U(2), U(40));
}

static void test_host_functions_may_call_back(void **state)
{
    struct guest *g = *state;
    assert_call(g, 10, "again", 1, U(10));
    assert_trap(g, WASM_TRAP_HOST, "again", 1, U(1000));
    assert_string_equal(g->trap.text, "call stack exhausted");
    assert_call(g, 3, "again", 1, U(3));
}

/* The byte of the module at a frame's offset. */
static uint8_t byte_at(uint32_t offset)
{
    size_t size;
    uint8_t *bytes = read_module("guest.wasm", &size);
    assert_true(offset < size);
    uint8_t byte = bytes[offset];
    free(bytes);
    return byte;
}

static void test_backtrace_names_functions_and_offsets(void **state)
{
    struct guest *g = *state;
    assert_trap(g, WASM_TRAP_DIVIDE_BY_ZERO, "outer", 1, U(0));
    assert_int_equal(g->trap.depth, 3);
    assert_int_equal(g->trap.frame_count, 3);
    assert_string_equal(g->trap.frames[0].name, "divide");
    assert_string_equal(g->trap.frames[1].name, "middle");
    assert_string_equal(g->trap.frames[2].name, "outer");
    assert_int_equal(byte_at(g->trap.frames[0].offset), 0x6d); /* i32.div_s */
    assert_int_equal(byte_at(g->trap.frames[1].offset), 0x10); /* call */
    assert_int_equal(byte_at(g->trap.frames[2].offset), 0x10);
    char text[512];
    size_t length = wasm_trap_describe(&g->trap, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_non_null(strstr(text, "trap: integer divide by zero\n  #0 divide (function 11, "));
    char small[8];
    assert_int_equal(wasm_trap_describe(&g->trap, small, sizeof small), length);
    assert_string_equal(small, "trap: i");
}

static void test_fault_has_a_backtrace_too(void **state)
{
    struct guest *g = *state;
    assert_trap(g, WASM_TRAP_MEMORY, "load", 1, U(65533));
    assert_int_equal(g->trap.frame_count, 1);
    assert_string_equal(g->trap.frames[0].name, "load");
    assert_int_equal(byte_at(g->trap.frames[0].offset), 0x28); /* i32.load */
}

static void test_memory_bounds(void **state)
{
    struct guest *g = *state;
    assert_call(g, 0, "load", 1, U(65532));
    assert_trap(g, WASM_TRAP_MEMORY, "load", 1, U(65533));
    assert_trap(g, WASM_TRAP_MEMORY, "load", 1, U(0xffffffff));
    assert_trap(g, WASM_TRAP_MEMORY, "load_far", 1, U(0));
    assert_trap(g, WASM_TRAP_MEMORY, "load_far", 1, U(0xffffffff));
    /* A store across the end writes nothing. */
    assert_trap(g, WASM_TRAP_MEMORY, "store", 2, U(65530), ~U(0));
    assert_call(g, 0, "load", 1, U(65532));
    assert_trap(g, WASM_TRAP_MEMORY, "fill", 2, U(65535), U(2));
    struct wasm_memory *m = wasm_export_memory(g->instance, wasm_name("memory"));
    assert_int_equal(wasm_memory_size(m), 65536);
    assert_non_null(wasm_memory_at(m, 65535, 1));
    assert_null(wasm_memory_at(m, 65535, 2));
    assert_non_null(wasm_memory_at(m, 65536, 0));
    assert_null(wasm_memory_at(m, 65537, 0));
    assert_null(wasm_memory_at(m, 0xffffffff, 0xffffffff));
}

static void test_memory_grows_in_place(void **state)
{
    struct guest *g = *state;
    struct wasm_memory *m = wasm_export_memory(g->instance, wasm_name("memory"));
    uint8_t *base = wasm_memory_at(m, 0, 1);
    assert_call(g, 1, "grow", 1, U(2));
    assert_call(g, 0, "load", 1, U(3 * 65536 - 4));
    assert_trap(g, WASM_TRAP_MEMORY, "load", 1, U(3 * 65536 - 3));
    assert_ptr_equal(wasm_memory_at(m, 0, 1), base);
    assert_call(g, 0xffffffff, "grow", 1, U(2));
    assert_call(g, 3, "grow", 1, U(0));
}

static void test_indirect_calls(void **state)
{
    struct guest *g = *state;
    assert_call(g, 3, "indirect", 1, U(0));
    assert_trap(g, WASM_TRAP_INDIRECT_TYPE, "indirect", 1, U(1));
    assert_trap(g, WASM_TRAP_UNINITIALIZED, "indirect", 1, U(3));
    assert_trap(g, WASM_TRAP_UNDEFINED_ELEMENT, "indirect", 1, U(4));
    assert_trap(g, WASM_TRAP_UNDEFINED_ELEMENT, "indirect", 1, U(0xffffffff));
}

static void test_operands_outlive_their_local(void **state)
{
    struct guest *g = *state;
    assert_call(g, (uint32_t)-93, "old_local", 1, U(7));
    assert_call(g, 7050, "old_local_in_branch", 2, U(7), U(1));
    assert_call(g, 7007, "old_local_in_branch", 2, U(7), U(0));
    assert_call(g, 40, "carry", 1, U(4));
    assert_call(g, 45, "carry", 1, U(3));
}

static void test_float_accumulator(void **state)
{
    struct guest *g = *state;
    double expected = 0, got;
    for (int i = 1000; i > 0; i--)
        expected += 1.0 / i;
    uint64_t bits;
    assert_int_equal(call(g, "float_loop", &bits, 1, U(1000)), WASM_OK);
    memcpy(&got, &bits, sizeof got);
    assert_true(got == expected);
}

static void test_calls_between_instances_switch_memories(void **state)
{
    struct guest *g = *state;
    size_t size;
    uint8_t *bytes = read_module("other.wasm", &size);
    struct guest other = {.store = g->store};
    assert_int_equal(
        wasm_module_load(bytes, size, WASM_FEATURES_ALL, &other.module, &other.error), WASM_OK);
    free(bytes);
    assert_int_equal(wasm_define_instance(g->store, wasm_name("guest"), g->instance), WASM_OK);
    assert_int_equal(
        wasm_instantiate(g->store, other.module, &other.instance, &other.error, &other.trap),
        WASM_OK);
    /* $theirs is memory 0 of both; $mine is the other's second. */
    assert_call(&other, 20 + 1 + 2000, "both", 1, U(64));
    assert_int_equal(call(&other, "put", NULL, 2, U(12), U(345)), WASM_OK);
    /* The guest calls into the other through the shared table. */
    assert_call(g, 345, "indirect", 1, U(2));
    /* The store goes before the modules in it. */
    wasm_store_free(g->store);
    wasm_module_free(other.module);
    g->store = NULL;
}

static void test_missing_import_is_named(void **state)
{
    struct guest *g = *state;
    struct wasm_store *empty = wasm_store_new(WASM_LIMITS_DEFAULT);
    struct wasm_instance *instance;
    assert_int_equal(wasm_instantiate(empty, g->module, &instance, &g->error, &g->trap),
                     WASM_UNLINKABLE);
    assert_null(instance);
    assert_string_equal(g->error.text, "unknown import: function \"add\" of module \"host\"");
    wasm_store_free(empty);
}

/* No page of this process is writable and executable; there is sealed code if it compiles. */
static void test_nothing_is_writable_and_executable(void **state)
{
    (void)state;
    char line[512], rights[5], path[256];
    bool generated = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        path[0] = 0;
        assert_true(sscanf(line, "%*s %4s %*s %*s %*s %255s", rights, path) >= 1);
        assert_false(rights[1] == 'w' && rights[2] == 'x');
        generated |= rights[2] == 'x' && !path[0];
    }
    fclose(maps);
    assert_int_equal(generated, !interpret && wasm_compiler_usable());
}

int main(int argc, char **argv)
{
    interpret = argc > 1 && strcmp(argv[1], "--interpret") == 0;
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_imports_and_exports_are_listed),
        TEST(test_host_functions_get_and_give_values),
        TEST(test_wrong_number_of_arguments_calls_nothing),
        TEST(test_several_results),
        TEST(test_globals),
        TEST(test_host_traps_and_exits),
        TEST(test_host_functions_may_call_back),
        TEST(test_backtrace_names_functions_and_offsets),
        TEST(test_fault_has_a_backtrace_too),
        TEST(test_memory_bounds),
        TEST(test_memory_grows_in_place),
        TEST(test_indirect_calls),
        TEST(test_operands_outlive_their_local),
        TEST(test_float_accumulator),
        TEST(test_calls_between_instances_switch_memories),
        TEST(test_missing_import_is_named),
        TEST(test_nothing_is_writable_and_executable),
    };
    int failed = cmocka_run_group_tests_name("interface", tests, NULL, NULL);
    failed += run_limits_tests();
    failed += run_bad_module_tests();
    failed += run_calls_tests();
    failed += run_refusal_tests();
    failed += run_vector_tests();
    failed += run_atomics_tests();
    return failed;
}
