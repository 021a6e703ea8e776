/* How a guest ends other than by returning: traps, exits, and the backtrace. */
#include "runtime.h"

#include <stdio.h>
#include <string.h>
#include "code.h"
#include "compile.h"

const char *wasm_trap_text(enum wasm_trap_kind kind)
{
    static const char *const TEXTS[] = {
        [WASM_TRAP_UNREACHABLE] = "unreachable",
        [WASM_TRAP_DIVIDE_BY_ZERO] = "integer divide by zero",
        [WASM_TRAP_INTEGER_OVERFLOW] = "integer overflow",
        [WASM_TRAP_INVALID_CONVERSION] = "invalid conversion to integer",
        [WASM_TRAP_MEMORY] = "out of bounds memory access",
        [WASM_TRAP_TABLE] = "out of bounds table access",
        [WASM_TRAP_UNDEFINED_ELEMENT] = "undefined element",
        [WASM_TRAP_UNINITIALIZED] = "uninitialized element",
        [WASM_TRAP_INDIRECT_TYPE] = "indirect call type mismatch",
        [WASM_TRAP_STACK] = "call stack exhausted",
        [WASM_TRAP_FUEL] = "all fuel consumed",
        [WASM_TRAP_INTERRUPT] = "interrupted",
        [WASM_TRAP_NO_MEMORY] = "out of host memory",
        [WASM_TRAP_UNALIGNED] = "unaligned atomic",
        [WASM_TRAP_NOT_SHARED] = "expected shared memory",
        [WASM_TRAP_WAIT] = "atomic wait without a timeout: no other thread could end it",
        [WASM_TRAP_HOST] = "host function failed",
    };
    return TEXTS[kind];
}

/* How many functions a backtrace may look at: in a deep recursion through very many functions
 * the outermost frames stay uncounted. */
enum { LOOKS_MAX = 10000000 };

static bool holds(const struct wasm_func *f, const union wasm_cell *ip)
{
    return f && f->entry && (uintptr_t)ip - (uintptr_t)f->entry < f->cells * sizeof *ip;
}

/* The guest function whose translated code holds `ip`, or NULL; takes from `*looks`. */
static struct wasm_func *function_at(const struct wasm_store *store, const union wasm_cell *ip,
                                     size_t *looks)
{
    for (const struct wasm_instance *i = store->instances; i; i = i->next) {
        size_t count = i->module->functions.count - i->module->imported_functions;
        for (size_t k = 0; k < count; k++) {
            if ((*looks)-- == 0) {
                *looks = 0;
                return NULL;
            }
            if (holds(&i->own_funcs[k], ip))
                return &i->own_funcs[k];
        }
    }
    return NULL;
}

/* `place` is a cell of the translated code, or a byte of the compiled. */
static void add_frame(struct wasm_trap *trap, struct wasm_func *f, size_t place)
{
    trap->depth++;
    if (trap->frame_count == WASM_BACKTRACE_MAX)
        return;
    struct wasm_frame *frame = &trap->frames[trap->frame_count++];
    frame->function = f->index;
    frame->offset = f->code ? wasm_compile_offset(f, place) : wasm_translate_offset(f, place);
    wasm_function_name(f->instance->module, f->index, frame->name, sizeof frame->name);
}

/* The frames of one activation, from the instruction at ip in frame fp outwards. A saved ip
 * lies behind its call; that of the outermost frame is in no function. Deep recursion visits
 * the same few functions, so the last two are remembered. */
static void walk(struct wasm_store *store, const union wasm_cell *ip, const uint64_t *fp)
{
    struct wasm_func *recent[2] = {NULL, NULL};
    size_t looks = LOOKS_MAX;
    for (;;) {
        struct wasm_func *f = holds(recent[0], ip)   ? recent[0]
                              : holds(recent[1], ip) ? recent[1]
                                                     : function_at(store, ip, &looks);
        if (!f)
            return;
        if (f != recent[0]) {
            recent[1] = recent[0];
            recent[0] = f;
        }
        add_frame(store->exec.trap, f, (size_t)(ip - f->entry));
        ip = (const union wasm_cell *)(uintptr_t)fp[f->saved] - 1;
        fp = (const uint64_t *)(uintptr_t)fp[f->saved + 1];
    }
}

void wasm_trap_frames(struct wasm_store *store)
{
    const struct wasm_exec *x = &store->exec;
    x->trap->depth = x->trap->frame_count = 0;
    if (store->native)
        wasm_compile_walk(store, wasm_compile_place(store), add_frame);
    else if (x->ip)
        walk(store, x->ip, x->fp);
    for (const struct wasm_activation *a = x->activation; a; a = a->outer) {
        if (store->native)
            wasm_compile_walk(store, a->place, add_frame);
        else if (a->ip)
            walk(store, a->ip, a->fp);
    }
}

void wasm_trap_fill(struct wasm_store *store, enum wasm_trap_kind kind)
{
    struct wasm_trap *trap = store->exec.trap;
    store->exec.status = WASM_TRAPPED;
    trap->kind = kind;
    snprintf(trap->text, sizeof trap->text, "%s", wasm_trap_text(kind));
    wasm_trap_frames(store);
}

size_t wasm_trap_describe(const struct wasm_trap *trap, char *buffer, size_t size)
{
    size_t used = 0;
    int n = snprintf(buffer, size, "trap: %s\n", trap->text);
    for (size_t i = 0;; i++) {
        used += n > 0 ? (size_t)n : 0;
        size_t at = used < size ? used : size;
        if (i > trap->frame_count)
            return used;
        if (i == trap->frame_count) {
            size_t hidden = trap->depth - trap->frame_count;
            n = hidden ? snprintf(buffer + at, size - at, "  ... and %zu more\n", hidden) : 0;
            continue;
        }
        const struct wasm_frame *f = &trap->frames[i];
        n = snprintf(buffer + at, size - at, "  #%zu %s (function %u, offset 0x%x)\n", i,
                     f->name[0] ? f->name : "?", (unsigned)f->function, (unsigned)f->offset);
    }
}

struct wasm_memory *wasm_caller_memory(struct wasm_caller *caller)
{
    return caller->memory;
}

struct wasm_store *wasm_caller_store(struct wasm_caller *caller)
{
    return caller->store;
}

enum wasm_host_result wasm_host_trap(struct wasm_caller *caller, const char *text)
{
    struct wasm_trap *trap = caller->store->exec.trap;
    trap->kind = WASM_TRAP_HOST;
    snprintf(trap->text, sizeof trap->text, "%s", text);
    return WASM_HOST_TRAP;
}

enum wasm_host_result wasm_host_exit(struct wasm_caller *caller, uint32_t exit_code)
{
    struct wasm_trap *trap = caller->store->exec.trap;
    trap->exit_code = exit_code;
    snprintf(trap->text, sizeof trap->text, "exit %u", (unsigned)exit_code);
    return WASM_HOST_EXIT;
}
