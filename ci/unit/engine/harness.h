/* What the engine's unit tests share: a store with the guest in it, and an allocator that can
 * be told to fail. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "wasm/wasm.h"

struct guest {
    struct wasm_module *module;
    struct wasm_store *store;
    struct wasm_instance *instance;
    struct wasm_trap trap;
    struct wasm_error error;
};

/* Bytes of MODULES/NAME; free them. */
uint8_t *read_module(const char *name, size_t *size);
/* Loads guest.wasm and instantiates it under `limits`; everything must succeed. */
struct guest *guest_new(struct wasm_limits limits);
void guest_free(struct guest *g);
/* Defines the host module that guest.wasm imports. WASM_OK or WASM_NO_MEMORY. */
enum wasm_status define_host(struct wasm_store *store, void *context);
/* Calls an export with 64-bit arguments. */
enum wasm_status call(struct guest *g, const char *name, uint64_t *results, size_t arg_count,
                      ...);
/* Asserts that it returns exactly this one result. */
#define assert_call(g, expected, name, ...)                                                    \
    do {                                                                                       \
        uint64_t result_[4];                                                                   \
        assert_int_equal(call(g, name, result_, __VA_ARGS__), WASM_OK);                        \
        assert_int_equal(result_[0], expected);                                                \
    } while (0)
/* Asserts that it traps so. */
#define assert_trap(g, expected, name, ...)                                                    \
    do {                                                                                       \
        uint64_t result_[4];                                                                   \
        assert_int_equal(call(g, name, result_, __VA_ARGS__), WASM_TRAPPED);                   \
        assert_int_equal((g)->trap.kind, expected);                                            \
    } while (0)

/* Whether guests run in the interpreter: `--interpret`; else they are compiled. */
extern bool interpret;

/* The allocation after the next `count` ones fails, and all that follow; -1: none does. */
extern long allocations_left;
/* The bytes of the largest one asked for since this was set to 0. */
extern size_t largest_allocation;
/* The same as allocations_left for wasm_platform_seal. */
extern long seals_left;

int run_limits_tests(void);
int run_bad_module_tests(void);
int run_vector_tests(void);
int run_atomics_tests(void);
int run_calls_tests(void);
int run_refusal_tests(void);

#endif
