/* From C into compiled code and back; the stack that it runs on; its backtraces. */
#include <cpuid.h>
#include <stddef.h>
#include <stdlib.h>
#include "../compile.h"
#include "../execute.h"
#include "compiler.h"
#include "wasm/platform.h"

enum { STACK_STEP = 64 << 10 };

static size_t pages(size_t bytes)
{
    const size_t PAGE = WASM_PLATFORM_PAGE;
    return (bytes + PAGE - 1) & ~(PAGE - 1);
}

/* ---- The store's region and stack ---- */

bool wasm_compiler_usable(void)
{
    unsigned a, b, c, d;
    const unsigned NEEDED = bit_SSSE3 | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & NEEDED) == NEEDED;
}

static bool make_stack(struct wasm_native *n, uint64_t bytes)
{
    size_t size = pages((size_t)bytes) + WASM_STACK_SLACK;
    size_t first = size < STACK_STEP || !WASM_LIMITS ? size : STACK_STEP;
    n->stack = wasm_platform_reserve(size);
    if (!n->stack)
        return false;
    n->stack_bytes = size;
    n->stack_committed = n->stack + size - first;
    n->stack_limit = (uintptr_t)n->stack_committed + WASM_STACK_SLACK;
    n->guest_sp = (uintptr_t)n->stack + size;
    return wasm_platform_commit(n->stack_committed, first);
}

bool wasm_compile_begin(struct wasm_store *store)
{
    if (!wasm_compiler_usable())
        return false;
    uint8_t *region = wasm_platform_reserve(WASM_REGION_BYTES);
    if (!region)
        return false;
    size_t front = pages(sizeof(struct wasm_native));
    if (!wasm_platform_commit(region, front)) {
        wasm_platform_release(region, WASM_REGION_BYTES);
        return false;
    }
    struct wasm_native *n = (struct wasm_native *)region;
    n->store = store;
    n->code = region + front;
    n->region_end = region + WASM_REGION_BYTES;
    store->native = n;
    if (!make_stack(n, store->limits.stack_bytes) || !wasm_x64_stubs(n)) {
        wasm_compile_end(store);
        return false;
    }
    return true;
}

void wasm_compile_end(struct wasm_store *store)
{
    struct wasm_native *n = store->native;
    if (!n)
        return;
    if (n->stack)
        wasm_platform_release(n->stack, n->stack_bytes);
    wasm_platform_release(n, WASM_REGION_BYTES);
    store->native = NULL;
}

bool wasm_compile_data(struct wasm_instance *i)
{
    struct wasm_native *n = i->store->native;
    const struct wasm_module *m = i->module;
    size_t globals = m->globals.count - m->imported_globals;
    size_t head = (sizeof(struct wasm_instance_data) + 15) & ~(size_t)15;
    size_t size = pages(head + globals * sizeof(struct wasm_global));
    if (size > (size_t)(n->region_end - n->code) || !wasm_platform_commit(n->code, size))
        return false;
    memset(n->code, 0, size); /* a compilation that failed may have been here */
    i->data = (struct wasm_instance_data *)n->code;
    i->own_globals = (struct wasm_global *)(n->code + head);
    n->code += size;
    return true;
}

void wasm_compile_take_back(struct wasm_instance *i)
{
    i->store->native->code = (uint8_t *)i->data;
    i->own_globals = NULL;
    i->data = NULL;
}

/* ---- What stubs call ---- */

uint64_t wasm_x64_refill(struct wasm_native *n)
{
    enum wasm_trap_kind kind;
    return wasm_refill(&n->store->exec, &n->ticks, 1, &kind) ? 0 : kind + 1u;
}

bool wasm_x64_charge(struct wasm_native *n, uint64_t amount)
{
    enum wasm_trap_kind kind;
    n->ticks -= (int64_t)amount;
    if (n->ticks >= 0)
        return true;
    if (wasm_refill(&n->store->exec, &n->ticks, amount, &kind)) {
        n->ticks -= (int64_t)amount;
        return true;
    }
    n->trapped = kind + 1u;
    return false;
}

/* Commits the stack so that it may reach down to `wanted`. */
uint64_t wasm_x64_grow_stack(struct wasm_native *n, uint64_t wanted)
{
    if (wanted < (uintptr_t)n->stack + WASM_STACK_SLACK)
        return WASM_TRAP_STACK + 1;
    if (wanted >= n->stack_limit)
        return 0;
    size_t missing = n->stack_limit - wanted;
    size_t step = (missing + STACK_STEP - 1) / STACK_STEP * STACK_STEP;
    size_t left = (size_t)(n->stack_committed - n->stack);
    if (step > left)
        step = left;
    if (!wasm_platform_commit(n->stack_committed - step, step))
        return WASM_TRAP_NO_MEMORY + 1;
    n->stack_committed -= step;
    n->stack_limit -= step;
    return 0;
}

/* ---- Arguments and results ---- */

/* Where the values of a type are, one after the other. */
struct cursor {
    unsigned integers, vectors;
    uint64_t *stack;
};

static uint64_t *next_place(struct cursor *at, struct wasm_x64_call *call, uint8_t type)
{
    if (x64_is_vector(type) && at->vectors < X64_VECTOR_ARGS)
        return call->vectors[at->vectors++];
    if (!x64_is_vector(type) && at->integers < X64_INTEGER_ARGS)
        return &call->integers[at->integers++];
    uint64_t *place = at->stack;
    at->stack += type == WASM_V128 ? 2 : 1;
    return place;
}

/* Copies one value; 32-bit ones lose what is in the high half. */
static unsigned copy_value(uint8_t type, uint64_t *to, const uint64_t *from)
{
    *to = type == WASM_I32 || type == WASM_F32 ? (uint32_t)*from : *from;
    if (type != WASM_V128)
        return 1;
    to[1] = from[1];
    return 2;
}

static struct wasm_memory *memory_of(const struct wasm_store *store, const uint8_t *base)
{
    for (struct wasm_memory *m = store->memories; m; m = m->next)
        if (m->base == base)
            return m;
    return NULL;
}

bool wasm_x64_call_host(struct wasm_native *n, struct wasm_x64_call *call, struct wasm_func *f,
                        const uint8_t *memory)
{
    const struct wasm_type_entry *type = f->type;
    uint64_t *behind = (uint64_t *)((uint8_t *)call + offsetof(struct wasm_x64_call, target));
    /* behind[0]: return address to the thunk; [1]: to the caller; then its stack arguments */
    n->ip = behind[1];
    n->sp = (uintptr_t)(behind + 2) + wasm_x64_stack_args(&type->type);
    uint32_t words =
        type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    uint64_t *values = (uint64_t *)call - ((words + 1) & ~1u);
    uint64_t trap = wasm_x64_grow_stack(n, (uintptr_t)values);
    if (trap) {
        wasm_trap_fill(n->store, (enum wasm_trap_kind)(trap - 1));
        return false;
    }
    struct cursor at = {0, 0, behind + 2};
    uint64_t *to = values;
    for (uint32_t i = 0; i < type->type.param_count; i++)
        to += copy_value(type->type.params[i], to, next_place(&at, call, type->type.params[i]));
    n->guest_sp = (uintptr_t)values;
    n->store->exec.ticks = n->ticks;
    bool goes_on = wasm_host_call(&n->store->exec, f, values, memory_of(n->store, memory));
    n->ticks = n->store->exec.ticks;
    n->guest_sp = (uintptr_t)call;
    if (!goes_on)
        return false;
    if (type->type.result_count == 1)
        copy_value(type->type.results[0],
                   x64_is_vector(type->type.results[0]) ? call->vectors[0] : call->integers,
                   values);
    else
        memcpy(n->results, values, type->result_slots * sizeof *values);
    return true;
}

static void take_results(struct wasm_native *n, const struct wasm_type_entry *type,
                         const struct wasm_x64_call *call, uint64_t *results)
{
    const struct wasm_func_type *t = &type->type;
    if (t->result_count == 1) {
        copy_value(t->results[0], results,
                   x64_is_vector(t->results[0]) ? call->vectors[0] : call->integers);
        return;
    }
    const uint64_t *from = n->results;
    for (uint32_t i = 0; i < t->result_count; i++) {
        unsigned words = copy_value(t->results[i], results, from);
        results += words;
        from += words;
    }
}

/* ---- Calls ---- */

struct entry {
    struct wasm_native *native;
    struct wasm_x64_call call;
    uint64_t answer;
};

static void run(void *argument)
{
    struct entry *e = argument;
    uint64_t (*enter)(struct wasm_x64_call *) =
        (uint64_t(*)(struct wasm_x64_call *))(uintptr_t)e->native->enter;
    e->answer = enter(&e->call);
}

/* Whether a fault is a guest's: an access to a linear memory, by code of the region. */
static bool owns(void *argument, const struct wasm_platform_fault *fault)
{
    const struct entry *e = argument;
    struct wasm_native *n = e->native;
    if (fault->kind != WASM_FAULT_MEMORY || fault->ip - (uintptr_t)n >= WASM_REGION_BYTES)
        return false;
    for (const struct wasm_memory *m = n->store->memories; m; m = m->next) {
        if ((uintptr_t)fault->address - (uintptr_t)m->base < WASM_MEMORY_RESERVED) {
            n->ip = fault->ip + 1; /* like a return address: behind */
            n->sp = fault->sp;
            n->ticks = (int64_t)fault->r15;
            return true;
        }
    }
    return false;
}

/* Runs f's code with the arguments that are in e->call. */
static void execute(struct entry *e, struct wasm_func *f, uint64_t *results)
{
    struct wasm_native *n = e->native;
    struct wasm_exec *x = &n->store->exec;
    uint64_t host_sp = n->host_sp;
    if (x->fuel != WASM_FUEL_UNLIMITED)
        x->fuel += (uint64_t)x->ticks;
    n->ticks = 0; /* the function's entry asks for some and sees a waiting interrupt */
    e->call.target = f->code;
    bool faulted = !wasm_platform_run(run, e, owns);
    n->host_sp = host_sp;
    x->ticks = n->ticks > 0 ? n->ticks : 0;
    if (faulted)
        e->answer = WASM_TRAP_MEMORY + 1;
    if (e->answer == 0) {
        x->status = WASM_OK;
        take_results(n, f->type, &e->call, results);
    } else if (e->answer != UINT64_MAX) {
        n->trapped = 0;
        wasm_trap_fill(n->store, (enum wasm_trap_kind)(e->answer - 1));
    }
}

/* A host function, called by the host. */
static void call_host(struct wasm_native *n, struct wasm_func *f, const uint64_t *args,
                      uint64_t *results)
{
    const struct wasm_type_entry *type = f->type;
    uint32_t words =
        type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    uint64_t outer = n->guest_sp;
    uint64_t *values = (uint64_t *)(uintptr_t)(outer & ~(uint64_t)15) - ((words + 1) & ~1u);
    uint64_t trap = wasm_x64_grow_stack(n, (uintptr_t)values);
    if (trap) {
        wasm_trap_fill(n->store, (enum wasm_trap_kind)(trap - 1));
        return;
    }
    const uint64_t *from = args;
    uint64_t *to = values;
    for (uint32_t i = 0; i < type->type.param_count; i++) {
        unsigned copied = copy_value(type->type.params[i], to, from);
        from += copied;
        to += copied;
    }
    n->guest_sp = (uintptr_t)values;
    if (wasm_host_call(&n->store->exec, f, values, NULL) && type->result_slots)
        memcpy(results, values, type->result_slots * sizeof *values);
    n->guest_sp = outer;
}

void wasm_compile_call(struct wasm_func *f, const uint64_t *args, uint64_t *results)
{
    struct wasm_native *n = f->store->native;
    const struct wasm_func_type *type = &f->type->type;
    if (f->host) {
        call_host(n, f, args, results);
        return;
    }
    struct entry e = {.native = n};
    uint32_t bytes = wasm_x64_stack_args(type);
    uint64_t *stack = bytes ? malloc(bytes) : NULL;
    if (bytes && !stack) {
        wasm_trap_fill(n->store, WASM_TRAP_NO_MEMORY);
        return;
    }
    uint64_t trap = wasm_x64_grow_stack(n, n->guest_sp - bytes);
    if (trap) {
        free(stack);
        wasm_trap_fill(n->store, (enum wasm_trap_kind)(trap - 1));
        return;
    }
    struct cursor at = {0, 0, stack};
    const uint64_t *from = args;
    for (uint32_t i = 0; i < type->param_count; i++)
        from += copy_value(type->params[i], next_place(&at, &e.call, type->params[i]), from);
    e.call.stack = stack;
    e.call.stack_words = bytes / sizeof *stack;
    execute(&e, f, results);
    free(stack);
}

/* ---- Backtraces ---- */

struct wasm_compiled_place wasm_compile_place(struct wasm_store *store)
{
    struct wasm_native *n = store->native;
    struct wasm_compiled_place place = {n->ip, n->sp, n->guest_sp, n->at_entry != 0};
    n->at_entry = 0;
    return place;
}

struct wasm_compiled_place wasm_compile_leave(struct wasm_store *store)
{
    struct wasm_compiled_place place = wasm_compile_place(store);
    store->native->ip = 0;
    return place;
}

void wasm_compile_resume(struct wasm_store *store, struct wasm_compiled_place place)
{
    store->native->ip = place.ip;
    store->native->sp = place.sp;
    store->native->guest_sp = place.guest_sp;
}

static bool holds(const struct wasm_func *f, uint64_t at)
{
    return f && at - (uintptr_t)f->code < f->code_bytes;
}

/* The function whose code holds `at`, or NULL: functions lie in order. */
static struct wasm_func *function_at(const struct wasm_store *store, uint64_t at)
{
    for (const struct wasm_instance *i = store->instances; i; i = i->next) {
        if (at - (uintptr_t)i->code >= (size_t)(i->code_end - i->code))
            continue;
        size_t low = 0, high = i->module->functions.count - i->module->imported_functions;
        while (high - low > 1) {
            size_t middle = low + (high - low) / 2;
            if ((uintptr_t)i->own_funcs[middle].code <= at)
                low = middle;
            else
                high = middle;
        }
        return high > low && holds(&i->own_funcs[low], at) ? &i->own_funcs[low] : NULL;
    }
    return NULL;
}

void wasm_compile_walk(const struct wasm_store *store, struct wasm_compiled_place place,
                       void (*add)(struct wasm_trap *trap, struct wasm_func *f, size_t place))
{
    uint64_t ip = place.ip, sp = place.sp;
    bool at_entry = place.at_entry;
    struct wasm_func *recent = NULL;
    while (ip) {
        struct wasm_func *f = holds(recent, ip - 1) ? recent : function_at(store, ip - 1);
        if (!f)
            return;
        recent = f;
        if (!at_entry) {
            add(store->exec.trap, f, ip - 1 - (uintptr_t)f->code);
            sp += f->frame_bytes;
        }
        at_entry = false;
        ip = *(const uint64_t *)(uintptr_t)sp;
        sp += 8 + wasm_x64_stack_args(&f->type->type);
    }
}

uint32_t wasm_compile_offset(struct wasm_func *f, size_t place)
{
    return wasm_x64_offset(f, place);
}
