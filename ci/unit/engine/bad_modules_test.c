/* Modules that are noise, truncated, hostile, or need what is switched off. */
#include "harness.h"

#include <stdlib.h>
#include <time.h>

#define HEADER "\0asm\1\0\0\0"

static struct wasm_error error;

static enum wasm_status load(const void *bytes, size_t size, uint32_t features)
{
    struct wasm_module *module;
    enum wasm_status status = wasm_module_load(bytes, size, features, &module, &error);
    assert_int_equal(module != NULL, status == WASM_OK);
    wasm_module_free(module);
    return status;
}

#define LOAD(text, features) load(text, sizeof(text) - 1, features)

static void test_noise(void **state)
{
    (void)state;
    assert_int_equal(load("", 0, WASM_FEATURES_ALL), WASM_MALFORMED);
    assert_string_equal(error.text, "header, offset 0x0: magic header not detected");
    assert_int_equal(LOAD("#!/bin/sh\n", WASM_FEATURES_ALL), WASM_MALFORMED);
    assert_int_equal(LOAD("\0asm\2\0\0\0", WASM_FEATURES_ALL), WASM_MALFORMED);
    assert_non_null(strstr(error.text, "unknown binary version"));
    assert_int_equal(LOAD(HEADER, WASM_FEATURES_ALL), WASM_OK);
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = read_module("guest.wasm", &size);
    unsigned accepted = 0;
    for (size_t n = 0; n < size; n++) {
        /* A copy of exactly this size, so that a sanitizer sees any read past it. */
        uint8_t *part = malloc(n + 1);
        memcpy(part, bytes, n);
        accepted += load(part, n, WASM_FEATURES_ALL) == WASM_OK;
        free(part);
    }
    /* Cut between sections: the bare header, types, imports, and ahead of the names. */
    assert_true(accepted <= 5);
    free(bytes);
}

static void test_errors_name_section_offset_and_function(void **state)
{
    (void)state;
    /* type () -> i32; one function; body: i64.const 0, end */
    assert_int_equal(LOAD(HEADER "\x01\x05\x01\x60\x00\x01\x7f"
                                 "\x03\x02\x01\x00"
                                 "\x0a\x06\x01\x04\x00\x42\x00\x0b",
                          WASM_FEATURES_ALL),
                     WASM_INVALID);
    assert_string_equal(error.text, "code section, offset 0x1a (function 0): type mismatch: "
                                    "expected i32, found i64");
    assert_int_equal(error.offset, 0x1a);
}

static void test_missing_features_are_named(void **state)
{
    (void)state;
    const struct {
        const char *name;
        uint32_t off;
        const char *bytes;
        size_t size;
    } CASES[] = {
#define CASE(name, off, text) {name, off, HEADER text, sizeof(HEADER text) - 1}
        CASE("multi-value", WASM_MULTI_VALUE, "\x01\x06\x01\x60\x00\x02\x7f\x7f"),
        CASE("reference-types", WASM_REFERENCE_TYPES, "\x01\x05\x01\x60\x01\x6f\x00"),
        CASE("bulk-memory", WASM_BULK_MEMORY, "\x0c\x01\x00"),
        CASE("multi-memory", WASM_MULTI_MEMORY, "\x05\x05\x02\x00\x00\x00\x00"),
        CASE("mutable-globals", WASM_MUTABLE_GLOBALS, "\x02\x08\x01\x01m\x01g\x03\x7f\x01"),
        CASE("extended-const", WASM_EXTENDED_CONST,
             "\x06\x09\x01\x7f\x00\x41\x01\x41\x01\x6a\x0b"),
        CASE(
            "sign-extension", WASM_SIGN_EXTENSION,
            "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x08\x01\x06\x00\x41\x00\xc0\x1a\x0b"),
        CASE("saturating-float-to-int", WASM_SATURATING_FLOAT,
             "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00"
             "\x0a\x0c\x01\x0a\x00\x43\x00\x00\x00\x00\xfc\x00\x1a\x0b"),
        CASE("tail-call", WASM_TAIL_CALL,
             "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x06\x01\x04\x00\x12\x00\x0b"),
        CASE("SIMD", WASM_SIMD128, "\x01\x05\x01\x60\x01\x7b\x00"),
        CASE("threads", WASM_THREADS, "\x05\x04\x01\x03\x01\x01"),
        CASE("threads", WASM_THREADS,
             "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x07\x01\x05\x00\xfe\x03\x00\x0b"),
        CASE("SIMD", WASM_SIMD128,
             "\x01\x05\x01\x60\x00\x01\x7f\x03\x02\x01\x00"
             "\x0a\x0a\x01\x08\x00\x41\x00\xfd\x0f\xfd\x53\x0b"),
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        assert_int_equal(load(CASES[i].bytes, CASES[i].size, WASM_FEATURES_ALL), WASM_OK);
        assert_int_not_equal(
            load(CASES[i].bytes, CASES[i].size, WASM_FEATURES_ALL & ~CASES[i].off), WASM_OK);
        assert_non_null(strstr(error.text, CASES[i].name));
    }
}

/* What a module of each proposal that we lack begins with. */
static void test_proposals_that_we_lack_are_named(void **state)
{
    (void)state;
    const struct {
        const char *name;
        const char *bytes;
        size_t size;
    } CASES[] = {
#undef CASE
#define CASE(name, text) {name, text, sizeof(text) - 1}
        CASE("component model", "\0asm\x0d\0\1\0"),
        CASE("garbage collection", HEADER "\x01\x04\x01\x4e\x01\x5f\0"),
        CASE("garbage collection", HEADER "\x01\x03\x01\x5f\0"),
        CASE("garbage collection", HEADER "\x01\x05\x01\x60\x01\x6e\0"),
        CASE("garbage collection", HEADER "\x04\x04\x01\x6e\0\1"),
        CASE("typed function references", HEADER "\x04\x09\x01\x40\0\x70\0\1\xd0\x70\x0b"),
        CASE("typed function references", HEADER "\x01\x06\x01\x60\x01\x64\0\0"),
        CASE("exception handling", HEADER "\x02\x08\x01\x01m\x01t\x04\0\0"),
        CASE("exception handling", HEADER "\x07\x05\x01\x01t\x04\0"),
        CASE("exception handling", HEADER "\x0d\x03\x01\0\0"),
        CASE("memory64", HEADER "\x05\x03\x01\x04\1"),
        CASE("custom page sizes", HEADER "\x05\x04\x01\x08\1\0"),
        CASE("relaxed SIMD", HEADER "\x01\x04\x01\x60\0\0\x03\x02\x01\0"
                                    "\x0a\x07\x01\x05\0\xfd\x80\x02\x0b"),
        CASE("wide arithmetic", HEADER "\x01\x04\x01\x60\0\0\x03\x02\x01\0"
                                       "\x0a\x06\x01\x04\0\xfc\x13\x0b"),
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        assert_int_equal(load(CASES[i].bytes, CASES[i].size, WASM_FEATURES_ALL),
                         WASM_MALFORMED);
        assert_non_null(strstr(error.text, CASES[i].name));
    }
}

/* Counts of 2^32 - 1 that nothing follows: refused at once, and cheaply. */
static void test_huge_counts_allocate_nothing(void **state)
{
    (void)state;
    for (char id = 1; id <= 11; id++) {
        char bytes[] = HEADER "\x01\x05\xff\xff\xff\xff\x0f";
        bytes[8] = id;
        if (id == 8)
            continue; /* start has no count */
        allocations_left = 8;
        assert_int_equal(LOAD(bytes, WASM_FEATURES_ALL), WASM_MALFORMED);
        allocations_left = -1;
    }
    /* 2^32 - 1 locals: valid in the format, beyond this engine. */
    assert_int_equal(LOAD(HEADER "\x01\x04\x01\x60\x00\x00"
                                 "\x03\x02\x01\x00"
                                 "\x0a\x0a\x01\x08\x01\xff\xff\xff\xff\x0f\x7f\x0b",
                          WASM_FEATURES_ALL),
                     WASM_INVALID);
    assert_non_null(strstr(error.text, "too many locals"));
}

/* Functions of 10 bytes with 50,000 locals each: refused before they take minutes. */
static void test_locals_of_all_functions_are_bounded(void **state)
{
    enum { FUNCTIONS = 201, BODY = 7 };
    (void)state;
    const uint8_t DECLARED[] = "\x06\x01\xd0\x86\x03\x7f\x0b"; /* 50,000 of i32 */
    uint8_t bytes[64 + FUNCTIONS * (BODY + 1)], *at = bytes;
    memcpy(at, HEADER "\x01\x04\x01\x60\x00\x00\x03\xcb\x01\xc9\x01", 19);
    memset(at += 19, 0, FUNCTIONS);
    at += FUNCTIONS;
    memcpy(at, "\x0a\x81\x0b\xc9\x01", 5); /* 2 + FUNCTIONS * BODY bytes */
    at += 5;
    for (unsigned i = 0; i < FUNCTIONS; i++, at += BODY)
        memcpy(at, DECLARED, BODY);
    assert_int_equal(load((const char *)bytes, (size_t)(at - bytes), WASM_FEATURES_ALL),
                     WASM_INVALID);
    assert_non_null(strstr(error.text, "in all functions together"));
}

/* A body of `count` copies of `opening`, then as many ends, run to completion. */
static void run_nested(const char *opening, size_t length, size_t count)
{
    size_t body = 1 + count * length + count + 1, size = 8 + 6 + 4 + 11 + body + 9;
    uint8_t *bytes = malloc(size), *at = bytes;
    memcpy(at,
           HEADER "\x01\x04\x01\x60\x00\x00"
                  "\x03\x02\x01\x00"
                  "\x07\x05\x01\x01"
                  "f\x00\x00"
                  "\x0a",
           26);
    at += 26;
    /* Sizes as LEB128 of five bytes each. */
    size_t sizes[2] = {body + 6, body};
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 5; i++)
            *at++ = (uint8_t)((sizes[k] >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
        if (k == 0)
            *at++ = 1;
    }
    *at++ = 0;
    for (size_t i = 0; i < count; i++, at += length)
        memcpy(at, opening, length);
    memset(at, 0x0b, count + 1);
    at += count + 1;
    struct guest g = {.store = wasm_store_new(WASM_LIMITS_DEFAULT)};
    assert_int_equal(
        wasm_module_load(bytes, (size_t)(at - bytes), WASM_FEATURES_ALL, &g.module, &g.error),
        WASM_OK);
    free(bytes);
    assert_int_equal(wasm_instantiate(g.store, g.module, &g.instance, &g.error, &g.trap),
                     WASM_OK);
    assert_int_equal(call(&g, "f", NULL, 0), WASM_OK);
    wasm_store_free(g.store);
    wasm_module_free(g.module);
}

static void test_deep_nesting_recurses_nowhere(void **state)
{
    (void)state;
    run_nested("\x02\x40", 2, 300000);         /* block */
    run_nested("\x03\x40", 2, 300000);         /* loop */
    run_nested("\x41\x01\x04\x40", 4, 300000); /* i32.const 1, if */
    run_nested("\x02\x40\x0c\x00", 4, 100000); /* block, br 0: the rest is dead */
}

static uint8_t *put(uint8_t *at, const char *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

/* A length in five bytes. */
static uint8_t *put_length(uint8_t *at, size_t n)
{
    for (unsigned i = 0; i < 5; i++)
        *at++ = (uint8_t)((n >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
    return at;
}

/* A branch is four bytes, and moves 1,000 values down by one: code of 12 KB for each is refused
 * before it takes the machine's memory. */
static void test_code_cannot_outgrow_its_module(void **state)
{
    enum { BRANCHES = 8000, VALUES = 1000 };
    (void)state;
    uint8_t *bytes = malloc(64 << 10), *at = bytes;
    at = put(at, HEADER "\x01", sizeof HEADER);
    at = put_length(at, 1 + 3 + 4 + VALUES);
    at = put(at, "\x02\x60\0\0\x60\0\xe8\x07", 8); /* [] -> [], [] -> 1,000 of i32 */
    at = (uint8_t *)memset(at, WASM_I32, VALUES) + VALUES;
    at = put(at, "\x03\x02\x01\0\x0a", 5);
    size_t body = 3 + 2 + 2 * (VALUES + 1) + 4 * BRANCHES + 2 + 1 + VALUES + 1;
    at = put_length(at, 1 + 5 + body);
    at = put_length(put(at, "\x01", 1), body);
    at = put(at, "\x01\x01\x7f\x02\x01", 5); /* an i32 local; block of the second type */
    for (unsigned i = 0; i < VALUES + 1; i++)
        at = put(at, "\x20\0", 2);
    for (unsigned i = 0; i < BRANCHES; i++)
        at = put(at, "\x20\0\x0d\0", 4); /* br_if 0 */
    at = put(at, "\x0c\0", 2);
    *at++ = 0x0b;
    at = (uint8_t *)memset(at, 0x1a, VALUES) + VALUES;
    *at++ = 0x0b;
    struct guest g = {.store = wasm_store_new(WASM_LIMITS_DEFAULT)};
    assert_int_equal(
        wasm_module_load(bytes, (size_t)(at - bytes), WASM_FEATURES_ALL, &g.module, &g.error),
        WASM_OK);
    enum wasm_status status =
        wasm_instantiate(g.store, g.module, &g.instance, &g.error, &g.trap);
    if (wasm_store_compiles(g.store)) {
        assert_int_equal(status, WASM_NO_MEMORY);
        assert_non_null(strstr(g.error.text, "compiled code grows too large"));
    } else {
        assert_int_equal(status, WASM_OK);
    }
    wasm_store_free(g.store);
    wasm_module_free(g.module);
    free(bytes);
}

/* Registers that many values want are found without a look at each value before. */
static void test_many_values_take_no_time(void **state)
{
    enum { VALUES = 60000, FLOATS = 6 };
    (void)state;
    uint8_t *bytes = malloc(512 << 10), *at = bytes;
    at = put(at, HEADER "\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a", sizeof HEADER + 10);
    size_t body = 5 + 3 * (FLOATS + VALUES) + FLOATS + VALUES + 1;
    at = put_length(at, 1 + 5 + body);
    at = put_length(put(at, "\x01", 1), body);
    at = put(at, "\x02\x01\x7f\x01\x7c", 5); /* an i32 and an f64 */
    for (unsigned i = 0; i < FLOATS; i++)
        at = put(at, "\x20\x01\x9a", 3); /* f64.neg */
    for (unsigned i = 0; i < VALUES; i++)
        at = put(at, "\x20\0\x69", 3); /* i32.popcnt */
    at = (uint8_t *)memset(at, 0x1a, FLOATS + VALUES) + FLOATS + VALUES;
    *at++ = 0x0b;
    struct guest g = {.store = wasm_store_new(WASM_LIMITS_DEFAULT)};
    clock_t start = clock();
    assert_int_equal(
        wasm_module_load(bytes, (size_t)(at - bytes), WASM_FEATURES_ALL, &g.module, &g.error),
        WASM_OK);
    assert_int_equal(wasm_instantiate(g.store, g.module, &g.instance, &g.error, &g.trap),
                     WASM_OK);
    assert_true(clock() - start < CLOCKS_PER_SEC / 2);
    wasm_store_free(g.store);
    wasm_module_free(g.module);
    free(bytes);
}

int run_bad_module_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_errors_name_section_offset_and_function),
        cmocka_unit_test(test_missing_features_are_named),
        cmocka_unit_test(test_proposals_that_we_lack_are_named),
        cmocka_unit_test(test_huge_counts_allocate_nothing),
        cmocka_unit_test(test_locals_of_all_functions_are_bounded),
        cmocka_unit_test(test_deep_nesting_recurses_nowhere),
        cmocka_unit_test(test_code_cannot_outgrow_its_module),
        cmocka_unit_test(test_many_values_take_no_time),
    };
    return cmocka_run_group_tests_name("bad modules", tests, NULL, NULL);
}
