/* See harness.h. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

long allocations_left = -1;
size_t largest_allocation;
long seals_left = -1;

static bool used_up(long *left)
{
    if (*left < 0)
        return false;
    if (*left == 0)
        return true;
    --*left;
    return false;
}

static bool refuse(size_t size)
{
    largest_allocation = size > largest_allocation ? size : largest_allocation;
    return used_up(&allocations_left);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    return refuse(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refuse(count * size) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return refuse(size) ? NULL : __real_realloc(old, size);
}

bool __real_wasm_platform_seal(void *at, size_t size);
bool __wrap_wasm_platform_seal(void *at, size_t size);

bool __wrap_wasm_platform_seal(void *at, size_t size)
{
    return !used_up(&seals_left) && __real_wasm_platform_seal(at, size);
}

uint8_t *read_module(const char *name, size_t *size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", MODULES, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t *bytes = malloc(1 << 20);
    assert_non_null(bytes);
    *size = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    return bytes;
}

static enum wasm_host_result host_add(void *context, struct wasm_caller *caller,
                                      uint64_t *values)
{
    (void)context, (void)caller;
    values[0] = values[0] + values[1];
    return WASM_HOST_OK;
}

static enum wasm_host_result host_trap(void *context, struct wasm_caller *caller,
                                       uint64_t *values)
{
    (void)context, (void)values;
    return wasm_host_trap(caller, "the host says no");
}

static enum wasm_host_result host_exit(void *context, struct wasm_caller *caller,
                                       uint64_t *values)
{
    (void)context;
    return wasm_host_exit(caller, (uint32_t)values[0]);
}

/* Calls the guest's own "again" with one less, until 0: nested activations. Adds 1 to each
 * result; an inner trap becomes a trap of its own. */
static enum wasm_host_result host_again(void *context, struct wasm_caller *caller,
                                        uint64_t *values)
{
    struct guest *g = context;
    struct wasm_trap trap;
    if (values[0] == 0)
        return WASM_HOST_OK;
    uint64_t argument = values[0] - 1;
    struct wasm_func *again = wasm_export_func(g->instance, wasm_name("again"));
    if (wasm_call(again, &argument, 1, values, &trap) != WASM_OK)
        return wasm_host_trap(caller, trap.text);
    values[0]++;
    return WASM_HOST_OK;
}

static enum wasm_host_result host_interrupt(void *context, struct wasm_caller *caller,
                                            uint64_t *values)
{
    (void)context, (void)values;
    wasm_store_interrupt(wasm_caller_store(caller));
    return WASM_HOST_OK;
}

bool interpret;
struct wasm_store *__real_wasm_store_new(struct wasm_limits limits);
struct wasm_store *__wrap_wasm_store_new(struct wasm_limits limits);

/* Every store of these tests runs in the mode that the command line asks for. */
struct wasm_store *__wrap_wasm_store_new(struct wasm_limits limits)
{
    struct wasm_store *store = __real_wasm_store_new(limits);
    if (store && interpret)
        wasm_store_interpret(store);
    return store;
}

enum wasm_status define_host(struct wasm_store *store, void *context)
{
    static const uint8_t I32[] = {WASM_I32}, I64[] = {WASM_I64},
                         I32_I64[] = {WASM_I32, WASM_I64};
    const struct {
        const char *name;
        struct wasm_func_type type;
        wasm_host_fn *fn;
    } FUNCTIONS[] = {{"add", {I32_I64, I64, 2, 1}, host_add},
                     {"trap", {NULL, NULL, 0, 0}, host_trap},
                     {"exit", {I32, NULL, 1, 0}, host_exit},
                     {"again", {I32, I32, 1, 1}, host_again},
                     {"interrupt", {NULL, NULL, 0, 0}, host_interrupt}};
    enum wasm_status status = WASM_OK;
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS && status == WASM_OK; i++)
        status = wasm_define_func(store, wasm_name("host"), wasm_name(FUNCTIONS[i].name),
                                  FUNCTIONS[i].type, FUNCTIONS[i].fn, context);
    return status;
}

struct guest *guest_new(struct wasm_limits limits)
{
    size_t size;
    uint8_t *bytes = read_module("guest.wasm", &size);
    struct guest *g = calloc(1, sizeof *g);
    assert_non_null(g);
    assert_int_equal(wasm_module_load(bytes, size, WASM_FEATURES_ALL, &g->module, &g->error),
                     WASM_OK);
    free(bytes);
    g->store = wasm_store_new(limits);
    assert_non_null(g->store);
    assert_int_equal(define_host(g->store, g), WASM_OK);
    assert_int_equal(wasm_instantiate(g->store, g->module, &g->instance, &g->error, &g->trap),
                     WASM_OK);
    assert_int_equal(wasm_store_compiles(g->store), !interpret && wasm_compiler_usable());
    return g;
}

void guest_free(struct guest *g)
{
    wasm_store_free(g->store);
    wasm_module_free(g->module);
    free(g);
}

enum wasm_status call(struct guest *g, const char *name, uint64_t *results, size_t arg_count,
                      ...)
{
    struct wasm_func *f = wasm_export_func(g->instance, wasm_name(name));
    assert_non_null(f);
    uint64_t args[8];
    va_list list;
    va_start(list, arg_count);
    for (size_t i = 0; i < arg_count; i++)
        args[i] = va_arg(list, uint64_t);
    va_end(list);
    return wasm_call(f, args, arg_count, results, &g->trap);
}
