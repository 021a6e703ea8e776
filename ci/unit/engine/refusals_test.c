/* What is left when something failed: a store after an instantiation that was refused, a call
 * after one inside it that trapped; and what messages say of names that are meant to mislead.
 */
#include "harness.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

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
    assert_non_null(strstr(error.text, "a memory is refused: larger than the limit"));
    assert_int_equal(wasm_instantiate(store, tables, &instance, &error, &trap), WASM_NO_MEMORY);
    assert_non_null(strstr(error.text, "a table is refused: more elements than the limit"));
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

/* Neither do those of a name section, which need not be UTF-8: U+009B, two bytes, begins what a
 * terminal obeys, and so does the byte 9b where a byte is a character. */
static void test_names_in_backtraces_are_harmless(void **state)
{
    (void)state;
    const char MODULE[] = HEADER "\x01\x04\x01\x60\0\0\x03\x03\x02\0\0\x07\x05\x01\x01g\0\1"
                                 "\x0a\x0a\x02\x03\0\0\x0b\x04\0\x10\0\x0b"
                                 "\0\x1b\x04name\x01\x14\x02\0\x0a\xc3\xa9\xc2\x9b"
                                 "1m\xc2\xa0\xc2\x80\1\5a\x9b\x31m\x7f";
    struct wasm_module *module = LOAD(MODULE);
    struct wasm_store *store = wasm_store_new(WASM_LIMITS_DEFAULT);
    struct wasm_instance *instance;
    assert_int_equal(wasm_instantiate(store, module, &instance, &error, &trap), WASM_OK);
    struct wasm_func *f = wasm_export_func(instance, wasm_name("g"));
    assert_int_equal(wasm_call(f, NULL, 0, NULL, &trap), WASM_TRAPPED);
    assert_int_equal(trap.frame_count, 2);
    assert_string_equal(trap.frames[0].name, "\xc3\xa9?1m\xc2\xa0?");
    assert_string_equal(trap.frames[1].name, "a?1m?");
    wasm_store_free(store);
    wasm_module_free(module);
}

/* Writes to where the memory ends. */
static enum wasm_host_result write_beyond(void *context, struct wasm_caller *caller,
                                          uint64_t *values)
{
    (void)context, (void)values;
    struct wasm_memory *memory = wasm_caller_memory(caller);
    char *base = wasm_memory_at(memory, 0, 1);
    ((volatile char *)base)[wasm_memory_size(memory)] = 1;
    return WASM_HOST_OK;
}

static void host_accesses_badly(bool interpreted)
{
    const char MODULE[] = HEADER "\x01\x04\x01\x60\0\0\x02\x07\x01\x01h\x01h\0\0\x03\x02\1\0"
                                 "\x05\x03\1\0\1\x07\x05\x01\x01g\0\1"
                                 "\x0a\x06\x01\x04\0\x10\0\x0b";
    struct wasm_module *module = LOAD(MODULE);
    struct wasm_store *store = wasm_store_new(WASM_LIMITS_DEFAULT);
    struct wasm_instance *instance;
    if (interpreted)
        wasm_store_interpret(store);
    wasm_define_func(store, wasm_name("h"), wasm_name("h"), (struct wasm_func_type){0},
                     write_beyond, NULL);
    assert_int_equal(wasm_instantiate(store, module, &instance, &error, &trap), WASM_OK);
    struct wasm_func *f = wasm_export_func(instance, wasm_name("g"));
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* else the test's framework goes on */
        wasm_call(f, NULL, 0, NULL, &trap);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    wasm_store_free(store);
    wasm_module_free(module);
}

/* A bad access of the host's is no trap: the process ends by it, in both ways of running. */
static void test_a_bad_access_of_the_host_is_its_own(void **state)
{
    (void)state;
    host_accesses_badly(false);
    host_accesses_badly(true);
}

/* Two definitions of a name: the later is linked. One name's end is another's beginning, as
 * module and as name, with and without NUL bytes: each is found, and nothing else is. */
static void test_definitions_are_found_by_both_names(void **state)
{
    enum { COUNT = 6 };
    static const struct wasm_name NAMES[COUNT][2] = {
        {{"", 0}, {"", 0}},   {{"", 0}, {"\0", 1}}, {{"\0", 1}, {"", 0}},
        {{"ab", 2}, {"", 0}}, {{"a", 1}, {"b", 1}}, {{"a", 1}, {"b\0", 2}},
    };
    static const uint8_t I32[] = {WASM_I32, WASM_I32};
    (void)state;
    struct wasm_module *modules[COUNT];
    struct wasm_instance *instance;
    struct wasm_store *store = wasm_store_new(WASM_LIMITS_DEFAULT);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < COUNT; i++)
            wasm_define_func(store, NAMES[i][0], NAMES[i][1],
                             (struct wasm_func_type){I32, I32, round, i % 2}, cope, NULL);
    for (unsigned i = 0; i < COUNT; i++) {
        struct wasm_name m = NAMES[i][0], n = NAMES[i][1];
        char bytes[64] = HEADER "\x01\x06\x01\x60\x01\x7f", *at = bytes + 14;
        bytes[9] = (char)(5 + i % 2);
        *at++ = (char)(i % 2);
        memcpy(at, "\x7f", i % 2);
        at += i % 2;
        *at++ = 2;
        *at++ = (char)(5 + m.length + n.length);
        *at++ = 1;
        *at++ = (char)m.length;
        at = (char *)memcpy(at, m.bytes, m.length) + m.length;
        *at++ = (char)n.length;
        at = (char *)memcpy(at, n.bytes, n.length) + n.length;
        memcpy(at, "\0\0", 2);
        modules[i] = load(bytes, (size_t)(at + 2 - bytes));
        assert_int_equal(wasm_instantiate(store, modules[i], &instance, &error, &trap),
                         WASM_OK);
    }
    struct wasm_module *other = LOAD(HEADER "\x01\x05\x01\x60\x01\x7f\0\x02\x07\x01\1b\1a\0\0");
    assert_int_equal(wasm_instantiate(store, other, &instance, &error, &trap), WASM_UNLINKABLE);
    wasm_store_free(store);
    wasm_module_free(other);
    for (unsigned i = 0; i < COUNT; i++)
        wasm_module_free(modules[i]);
}

/* However many exports there are and in what order, each is found, and nothing else is. */
static void test_exports_are_found_by_name(void **state)
{
    enum { MOST = 40 };
    (void)state;
    for (unsigned count = 1; count <= MOST; count++) {
        char bytes[8 + 6 + 2 + 3 + 6 * MOST] = HEADER "\x05\x03\1\0\1\x07", *at = bytes + 14;
        unsigned size = 1 + 5 * count;
        *at++ = (char)(size % 128 | 128);
        *at++ = (char)(size / 128);
        *at++ = (char)count;
        for (unsigned i = 0; i < count; i++) {
            unsigned shuffled = i * 17 % 41;
            char export[] = {2, (char)('A' + shuffled), 'x', 2, 0};
            at = (char *)memcpy(at, export, sizeof export) + sizeof export;
        }
        struct wasm_module *module = load(bytes, (size_t)(at - bytes));
        struct wasm_store *store = wasm_store_new(WASM_LIMITS_DEFAULT);
        struct wasm_instance *instance;
        assert_int_equal(wasm_instantiate(store, module, &instance, &error, &trap), WASM_OK);
        for (unsigned i = 0; i < MOST + 1; i++) {
            char name[] = {(char)('A' + i * 17 % 41), 'x', 0};
            assert_int_equal(wasm_export_memory(instance, wasm_name(name)) != NULL, i < count);
            assert_null(wasm_export_func(instance, wasm_name(name)));
        }
        wasm_store_free(store);
        wasm_module_free(module);
    }
}

int run_refusal_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refused_instance_gives_back_what_it_had),
        cmocka_unit_test(test_a_host_function_may_survive_a_trap),
        cmocka_unit_test(test_code_that_cannot_be_sealed_is_forgotten),
        cmocka_unit_test(test_operands_are_bounded_as_they_are_pushed),
        cmocka_unit_test(test_names_in_messages_are_harmless),
        cmocka_unit_test(test_names_in_backtraces_are_harmless),
        cmocka_unit_test(test_a_bad_access_of_the_host_is_its_own),
        cmocka_unit_test(test_definitions_are_found_by_both_names),
        cmocka_unit_test(test_exports_are_found_by_name),
    };
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
