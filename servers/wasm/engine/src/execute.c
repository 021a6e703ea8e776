/* Entering and leaving the interpreter, and the slow paths of its handlers. */
#include "execute.h"
#include "compile.h"
#include "interp.h"

#include <stdio.h>
#include "wasm/platform.h"

enum {
    QUANTUM = 16384,            /* ticks handed out at once: how often interrupts are seen */
    STACK_STEP = 16 * 4096 / 8, /* slots committed at once */
};

void wasm_slow_trap(HANDLER_PARAMS)
{
    (void)fp, (void)mem, (void)acc, (void)facc, (void)sacc;
    x->ip = ip;
    x->ticks = ticks > 0 ? ticks : 0; /* what was missed was not used */
    wasm_trap_fill(x->store, x->kind);
}

bool wasm_refill(struct wasm_exec *x, int64_t *ticks, uint64_t wanted,
                 enum wasm_trap_kind *kind)
{
    *ticks += (int64_t)wanted;
    int64_t missing = (int64_t)wanted - *ticks;
    int64_t grant = missing > QUANTUM ? missing : QUANTUM;
    *kind = WASM_TRAP_INTERRUPT;
    if (atomic_exchange(&x->interrupt, false))
        return false;
    if (x->fuel != WASM_FUEL_UNLIMITED) {
        *kind = WASM_TRAP_FUEL;
        if ((uint64_t)grant > x->fuel)
            grant = (int64_t)x->fuel;
        if (grant < missing)
            return false;
        x->fuel -= (uint64_t)grant;
    }
    *ticks += grant;
    return true;
}

/* The instruction at ip charges again, unless it wants none. */
void wasm_slow_refill(HANDLER_PARAMS)
{
    if (!wasm_refill(x, &ticks, x->wanted, &x->kind))
        TAIL(wasm_slow_trap);
    DISPATCH();
}

/* Commits the stack so that a frame may end at `end`; false beyond its limit. */
static bool grow_stack(struct wasm_exec *x, const uint64_t *end)
{
    if (end > x->stack_end) {
        x->kind = WASM_TRAP_STACK;
        return false;
    }
    size_t missing = (size_t)(end - x->stack_limit);
    size_t step = (missing + STACK_STEP - 1) / STACK_STEP * STACK_STEP;
    if (step > (size_t)(x->stack_end - x->stack_limit))
        step = (size_t)(x->stack_end - x->stack_limit);
    x->kind = WASM_TRAP_NO_MEMORY;
    if (!wasm_platform_commit(x->stack_limit, step * sizeof *x->stack))
        return false;
    x->stack_limit += step;
    return true;
}

void wasm_slow_stack(HANDLER_PARAMS)
{
    if (!grow_stack(x, x->frame_end))
        TAIL(wasm_slow_trap);
    DISPATCH();
}

void wasm_slow_translate(HANDLER_PARAMS)
{
    if (!wasm_translate(x->callee))
        TRAP(WASM_TRAP_NO_MEMORY);
    DISPATCH();
}

/* Clears the high halves of 32-bit values: embedders and host functions need not. */
static void normalize(uint64_t *values, const uint8_t *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++, values++) {
        if (types[i] == WASM_I32 || types[i] == WASM_F32)
            *values = (uint32_t)*values;
        else if (types[i] == WASM_V128)
            values++;
    }
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

bool wasm_host_call(struct wasm_exec *x, struct wasm_func *f, uint64_t *values,
                    struct wasm_memory *memory)
{
    const struct wasm_type_entry *type = f->type;
    struct wasm_caller caller = {x->store, memory};
    x->in_host = true;
    enum wasm_host_result said = f->host(f->context, &caller, values);
    x->in_host = false;
    if (said != WASM_HOST_OK) {
        x->status = said == WASM_HOST_EXIT ? WASM_EXITED : WASM_TRAPPED;
        wasm_trap_frames(x->store);
        return false;
    }
    x->status = WASM_OK; /* whatever a call that it made itself ended with */
    normalize(values, type->type.results, type->type.result_count);
    if (atomic_exchange(&x->interrupt, false)) {
        wasm_trap_fill(x->store, WASM_TRAP_INTERRUPT);
        return false;
    }
    return true;
}

bool wasm_interpreter_call_host(struct wasm_exec *x, struct wasm_func *f, uint64_t *base,
                                const struct wasm_instance *from)
{
    uint64_t *end = base + larger(f->type->param_slots, f->type->result_slots);
    if (end > x->stack_limit && !grow_stack(x, end)) {
        wasm_trap_fill(x->store, x->kind);
        return false;
    }
    uint64_t *top = x->top;
    x->top = end;
    bool goes_on = wasm_host_call(
        x, f, base, from && from->module->memories.count ? from->memories[0] : NULL);
    x->top = top;
    return goes_on;
}

void wasm_tail_frame(uint64_t *fp, const struct wasm_func *f, uint32_t first,
                     uint32_t own_saved)
{
    uint64_t back[WASM_FRAME_SAVED];
    memcpy(back, fp + own_saved, sizeof back);
    memmove(fp, fp + first, f->type->param_slots * sizeof *fp);
    memcpy(fp + f->saved, back, sizeof back);
    memset(fp + f->saved + WASM_FRAME_SAVED, 0, f->zeroed * sizeof *fp);
}

/* A call from outside: code that calls the function and leaves. */
struct entry {
    struct wasm_exec *x;
    union wasm_cell code[5];
    uint64_t *base;
};

static void run(void *argument)
{
    struct entry *e = argument;
    struct wasm_exec *x = e->x;
    /* Without ticks, the function's entry asks for some and sees a waiting interrupt. */
    if (x->fuel != WASM_FUEL_UNLIMITED)
        x->fuel += (uint64_t)x->ticks;
    x->ticks = 0;
#if WASM_TAIL_CALLS
    e->code[0].fn(e->code, e->base, NULL, x, 0, 0, 0, 0);
#else
    struct wasm_registers r = {e->code, e->base, NULL, x, 0, 0, 0, 0};
    while (r.ip) {
        x->next.ip = NULL;
        r.ip->fn(r.ip, r.fp, r.mem, r.x, r.acc, r.ticks, r.facc, r.sacc);
        r = x->next;
    }
#endif
}

/* Whether a fault is a guest's: any address reserved for a linear memory, but not an access of
 * a host function, which may hold what no trap gives back. */
static bool owns(void *argument, const struct wasm_platform_fault *fault)
{
    const struct entry *e = argument;
    if (fault->kind != WASM_FAULT_MEMORY || e->x->in_host)
        return false;
    for (const struct wasm_memory *m = e->x->store->memories; m; m = m->next)
        if ((uintptr_t)fault->address - (uintptr_t)m->base < WASM_MEMORY_RESERVED)
            return true;
    return false;
}

static void execute(struct wasm_exec *x, struct wasm_func *f, uint64_t *base)
{
    struct entry e = {.x = x, .base = base};
    e.code[0].fn = f->host ? wasm_op_call_host : wasm_op_call;
    e.code[1].p = f;
    /* Cell 2: the frame begins at base. A host function is called from no instance: cell 3. */
    e.code[f->host ? 4 : 3] = wasm_exit_code[0];
    if (!wasm_platform_run(run, &e, owns)) {
        /* Ticks that were in a register are lost: fuel is rounded down. */
        x->ticks = 0;
        wasm_trap_fill(x->store, WASM_TRAP_MEMORY);
    }
}

/* Calls `function` in the interpreter, from the stack's top on. */
static void interpret(struct wasm_exec *x, struct wasm_func *function, const uint64_t *args,
                      uint64_t *results)
{
    const struct wasm_type_entry *type = function->type;
    uint64_t *base = x->top;
    x->ip = NULL;
    const uint64_t *end = base + larger(type->param_slots, type->result_slots);
    if (end > x->stack_limit && !grow_stack(x, end)) {
        wasm_trap_fill(x->store, x->kind);
        return;
    }
    if (type->param_slots)
        memcpy(base, args, type->param_slots * sizeof *base);
    normalize(base, type->type.params, type->type.param_count);
    execute(x, function, base);
    if (x->status == WASM_OK && type->result_slots)
        memcpy(results, base, type->result_slots * sizeof *base);
}

enum wasm_status wasm_call(struct wasm_func *function, const uint64_t *args, size_t arg_count,
                           uint64_t *results, struct wasm_trap *trap)
{
    if (arg_count != function->type->param_slots)
        return WASM_MISUSED;
    struct wasm_store *store = function->store;
    struct wasm_exec *x = &store->exec;
    struct wasm_activation here = {.outer = x->activation,
                                   .ip = x->ip,
                                   .fp = x->fp,
                                   .top = x->top,
                                   .in_host = x->in_host,
                                   .depth = x->activation ? x->activation->depth + 1 : 1};
    struct wasm_trap *outer_trap = x->trap;
    memset(trap, 0, sizeof *trap);
    if (store->native)
        here.place = wasm_compile_leave(store);
    x->activation = &here;
    x->trap = trap;
    x->ip = NULL;
    x->in_host = false;
    if (here.depth > WASM_MAX_NATIVE_CALLS)
        wasm_trap_fill(store, WASM_TRAP_STACK);
    else if (store->native)
        wasm_compile_call(function, args, results);
    else
        interpret(x, function, args, results);
    enum wasm_status status = x->status;
    if (store->native)
        wasm_compile_resume(store, here.place);
    x->activation = here.outer;
    x->trap = outer_trap;
    x->ip = here.ip;
    x->fp = here.fp;
    x->top = here.top;
    x->in_host = here.in_host;
    return status;
}
