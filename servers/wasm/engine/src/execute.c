/* Entering and leaving the interpreter, and the slow paths of its handlers. */
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

/* Ticks were charged before they were missed: give them back to the instruction at ip, which
 * charges again, unless it wants none. */
void wasm_slow_refill(HANDLER_PARAMS)
{
    ticks += (int64_t)x->wanted;
    int64_t missing = (int64_t)x->wanted - ticks;
    int64_t grant = missing > QUANTUM ? missing : QUANTUM;
    if (atomic_exchange(&x->interrupt, false))
        TRAP(WASM_TRAP_INTERRUPT);
    if (x->fuel != WASM_FUEL_UNLIMITED) {
        if ((uint64_t)grant > x->fuel)
            grant = (int64_t)x->fuel;
        if (grant < missing)
            TRAP(WASM_TRAP_FUEL);
        x->fuel -= (uint64_t)grant;
    }
    ticks += grant;
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

bool wasm_host_call(struct wasm_exec *x, struct wasm_func *f, uint64_t *base,
                    const struct wasm_instance *from)
{
    const struct wasm_type_entry *type = f->type;
    uint64_t *end = base + larger(type->param_slots, type->result_slots);
    if (end > x->stack_limit && !grow_stack(x, end)) {
        wasm_trap_fill(x->store, x->kind);
        return false;
    }
    struct wasm_caller caller = {x->store, NULL};
    if (from && from->module->memories.count)
        caller.memory = from->memories[0];
    uint64_t *top = x->top;
    x->top = end;
    x->status = WASM_OK;
    enum wasm_host_result said = f->host(f->context, &caller, base);
    x->top = top;
    if (said != WASM_HOST_OK) {
        x->status = said == WASM_HOST_EXIT ? WASM_EXITED : WASM_TRAPPED;
        wasm_trap_frames(x->store);
        return false;
    }
    normalize(base, type->type.results, type->type.result_count);
    if (atomic_exchange(&x->interrupt, false)) {
        wasm_trap_fill(x->store, WASM_TRAP_INTERRUPT);
        return false;
    }
    return true;
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

/* Whether a fault is a guest's: any address reserved for a linear memory. */
static bool owns(void *argument, const struct wasm_platform_fault *fault)
{
    const struct entry *e = argument;
    if (fault->kind != WASM_FAULT_MEMORY)
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

enum wasm_status wasm_call(struct wasm_func *function, const uint64_t *args, size_t arg_count,
                           uint64_t *results, struct wasm_trap *trap)
{
    const struct wasm_type_entry *type = function->type;
    if (arg_count != type->param_slots)
        return WASM_MISUSED;
    struct wasm_store *store = function->store;
    struct wasm_exec *x = &store->exec;
    struct wasm_activation here = {x->activation, x->ip, x->fp, x->top,
                                   x->activation ? x->activation->depth + 1 : 1};
    struct wasm_trap *outer_trap = x->trap;
    uint64_t *base = x->top;
    memset(trap, 0, sizeof *trap);
    x->activation = &here;
    x->trap = trap;
    x->ip = NULL;
    x->kind = WASM_TRAP_STACK;
    const uint64_t *end = base + larger(type->param_slots, type->result_slots);
    if (here.depth > WASM_MAX_NATIVE_CALLS || (end > x->stack_limit && !grow_stack(x, end))) {
        wasm_trap_fill(store, x->kind);
    } else {
        if (arg_count)
            memcpy(base, args, arg_count * sizeof *base);
        normalize(base, type->type.params, type->type.param_count);
        execute(x, function, base);
    }
    enum wasm_status status = x->status;
    if (status == WASM_OK && type->result_slots)
        memcpy(results, base, type->result_slots * sizeof *base);
    x->activation = here.outer;
    x->trap = outer_trap;
    x->ip = here.ip;
    x->fp = here.fp;
    x->top = here.top;
    return status;
}
