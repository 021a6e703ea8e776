/* Which locals get registers, and where the others are in the frame. */
#include "compiler.h"

static const uint8_t CALLER_SAVED[] = {R8, RSI, RDI}; /* the first arguments' last */
static const uint8_t CALLEE_SAVED[] = {RBX, RBP, R12, R13, R10, R11}; /* short ones first */
enum { FIRST_VECTOR = XMM6, LAST_VECTOR = XMM14 };
enum {
    SAVING = 2 /* accesses to memory that a callee-saved register costs: push and pop */
};

static const uint32_t ALWAYS = X64_BIT(RAX) | X64_BIT(RCX) | X64_BIT(RDX) | X64_BIT(R9) |
                               X64_BIT(XMM0) | X64_BIT(XMM1) | X64_BIT(XMM2) | X64_BIT(XMM3) |
                               X64_BIT(XMM4) | X64_BIT(XMM5);

const uint8_t x64_arguments[X64_INTEGER_ARGS] = {RDI, RSI, R8, R9, RDX, RCX};

static void find_arrivals(struct x64 *c)
{
    const struct wasm_func_type *type = &c->function->type->type;
    unsigned integers = 0, vectors = 0;
    for (uint32_t i = 0; i < type->param_count; i++) {
        unsigned reg = X64_NONE;
        if (!x64_is_vector(type->params[i]))
            reg = integers < X64_INTEGER_ARGS ? x64_arguments[integers++] : X64_NONE;
        else if (vectors < X64_VECTOR_ARGS)
            reg = XMM0 + vectors++;
        c->locals.items[i].arrives = (uint8_t)reg;
    }
}

static unsigned take_first(const uint8_t *list, unsigned count, uint32_t *taken)
{
    for (unsigned i = 0; i < count; i++) {
        if (!(*taken & X64_BIT(list[i]))) {
            *taken |= X64_BIT(list[i]);
            return list[i];
        }
    }
    return X64_NONE;
}

/* A register for a local of this weight where calls weigh `calls`, or X64_NONE. What a call
 * destroys costs a store and a load there; `reserved` waits for the parameter that arrives
 * in it. */
static unsigned choose(uint32_t weight, uint32_t calls, unsigned arrives, uint32_t reserved,
                       uint32_t *taken)
{
    uint64_t keeping = 2 * (uint64_t)calls;
    if (keeping <= SAVING && weight > keeping) {
        if (reserved & X64_BIT(arrives & 31) && !(*taken & X64_BIT(arrives))) {
            *taken |= X64_BIT(arrives);
            return arrives;
        }
        uint32_t blocked = *taken | reserved;
        unsigned reg = take_first(CALLER_SAVED, sizeof CALLER_SAVED, &blocked);
        if (reg != X64_NONE) {
            *taken |= X64_BIT(reg);
            return reg;
        }
    }
    unsigned reg = X64_NONE;
    if (weight > SAVING)
        reg = take_first(CALLEE_SAVED, sizeof CALLEE_SAVED, taken);
    if (reg == X64_NONE && weight > keeping)
        reg = take_first(CALLER_SAVED, sizeof CALLER_SAVED, taken);
    return reg;
}

/* NULL where there are none. */
static const struct wasm_hot_local *hot_locals(const struct wasm_module *m,
                                               const struct wasm_hints *hints)
{
    return hints->count ? &m->hot.items[hints->first] : NULL;
}

static void assign_integers(struct x64 *c, const struct wasm_hints *hints, uint32_t *taken)
{
    const struct wasm_hot_local *hot = hot_locals(c->module, hints);
    uint32_t reserved = 0; /* registers in which hot parameters arrive */
    const uint32_t KEEPABLE = X64_BIT(RDI) | X64_BIT(RSI) | X64_BIT(R8);
    for (uint32_t i = 0; i < hints->count; i++) {
        unsigned reg = hot[i].vector ? X64_NONE : c->locals.items[hot[i].local].arrives;
        if (reg != X64_NONE)
            reserved |= X64_BIT(reg) & KEEPABLE;
    }
    for (uint32_t i = 0; i < hints->count; i++)
        if (!hot[i].vector)
            c->locals.items[hot[i].local].reg =
                (uint8_t)choose(hot[i].weight, hints->calls,
                                c->locals.items[hot[i].local].arrives, reserved, taken);
}

static void assign_vectors(struct x64 *c, const struct wasm_hints *hints, uint32_t *taken)
{
    const struct wasm_hot_local *hot = hot_locals(c->module, hints);
    unsigned next = FIRST_VECTOR;
    for (uint32_t i = 0; i < hints->count && next <= LAST_VECTOR; i++) {
        if (!hot[i].vector || hot[i].weight <= 2 * (uint64_t)hints->calls)
            continue;
        *taken |= X64_BIT(next);
        c->locals.items[hot[i].local].reg = (uint8_t)next++;
    }
}

/* Slots for the locals that need one: those without a register, and those that calls save. */
static int32_t lay_out_locals(struct x64 *c, bool calls)
{
    const struct wasm_func_type *type = &c->function->type->type;
    int32_t at = 0;
    c->kept_count = 0;
    for (uint32_t i = 0; i < c->locals.count; i++) {
        struct x64_local *l = &c->locals.items[i];
        bool kept = false;
        if (l->reg != X64_NONE && calls)
            kept = l->reg >= 16 || l->reg == RDI || l->reg == RSI || l->reg == R8;
        if (kept)
            c->kept[c->kept_count++] = i;
        if (l->reg != X64_NONE && !kept)
            continue;
        if (i < type->param_count && l->arrives == X64_NONE)
            continue;
        l->slot = at;
        at += l->type == WASM_V128 ? 16 : 8;
    }
    return at;
}

/* Parameters that arrive on the stack stay where they are. */
static void lay_out_arguments(struct x64 *c)
{
    const struct wasm_func_type *type = &c->function->type->type;
    int32_t at = (int32_t)(c->function->frame_bytes + 8);
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (c->locals.items[i].arrives != X64_NONE)
            continue;
        c->locals.items[i].slot = at;
        at += type->params[i] == WASM_V128 ? 16 : 8;
    }
}

void x64_assign_registers(struct x64 *c, const struct wasm_hints *hints)
{
    uint32_t taken = 0;
    find_arrivals(c);
    assign_integers(c, hints, &taken);
    assign_vectors(c, hints, &taken);
    const uint32_t EITHER = X64_BIT(RDI) | X64_BIT(RSI) | X64_BIT(R8) | 0x7fffu << 16;
    c->temps = ALWAYS | (EITHER & ~taken);
    c->free = c->temps;
    c->saved = 0;
    for (unsigned i = 0; i < sizeof CALLEE_SAVED; i++)
        c->saved |= taken & X64_BIT(CALLEE_SAVED[i]);
    c->unit = hints->wide ? 4 : 3;
    c->slots = lay_out_locals(c, hints->calls > 0);
    c->frame = (uint32_t)c->slots + (hints->max_height << c->unit);
    c->function->frame_bytes = c->frame + 8u * (unsigned)__builtin_popcount(c->saved);
    lay_out_arguments(c);
}

uint32_t wasm_x64_stack_args(const struct wasm_func_type *type)
{
    uint32_t integers = 0, vectors = 0, bytes = 0;
    for (uint32_t i = 0; i < type->param_count; i++)
        if (x64_is_vector(type->params[i]) ? vectors++ >= X64_VECTOR_ARGS
                                           : integers++ >= X64_INTEGER_ARGS)
            bytes += type->params[i] == WASM_V128 ? 16 : 8;
    return bytes;
}
