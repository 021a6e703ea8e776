/* The translator's operands and its output; see translator.h. */
#include "translator.h"

#include <string.h>

/* Operands that are not at home are only among this many topmost ones: a bound on the work
 * of wasm_release_local. */
enum { UNSETTLED_MAX = 24 };

union wasm_cell *wasm_emit(struct wasm_translator *t, wasm_handler *fn, unsigned operand_cells)
{
    for (unsigned i = 0; i <= operand_cells; i++)
        WASM_APPEND(&t->failure, t->code);
    union wasm_cell *cells = &t->code.items[t->code.count - 1 - operand_cells];
    cells[0].fn = fn;
    if (t->code.count > t->probe && (size_t)(cells - t->code.items) <= t->probe)
        t->origin = t->offset; /* the last to make it counts: it may have fused others */
    t->newest.valid = false;
    t->last = (size_t)(cells - t->code.items) + 1;
    return cells;
}

union wasm_cell *wasm_emit_result(struct wasm_translator *t, const struct wasm_op *op,
                                  enum wasm_mode mode, unsigned operand_cells,
                                  enum wasm_acc acc)
{
    union wasm_cell *cells =
        wasm_emit_plain_result(t, op->fn[mode][WASM_TO_SLOT], operand_cells);
    t->newest.op = op;
    t->newest.mode = mode;
    t->newest.acc = acc;
    return cells;
}

union wasm_cell *wasm_emit_plain_result(struct wasm_translator *t, wasm_handler *fn,
                                        unsigned operand_cells)
{
    wasm_push_home(t);
    size_t before = t->last;
    union wasm_cell *cells = wasm_emit(t, fn, operand_cells);
    cells[1].h[0] = wasm_home(t, t->operands.count - 1);
    t->newest = (struct wasm_newest){.valid = true,
                                     .start = (size_t)(cells - t->code.items),
                                     .height = t->operands.count - 1,
                                     .opcode = -1,
                                     .before = before};
    return cells;
}

void wasm_settle_code(struct wasm_translator *t)
{
    t->newest.valid = false;
    t->last = 0;
}

uint16_t wasm_home(const struct wasm_translator *t, size_t height)
{
    return (uint16_t)(t->temps + height);
}

static struct wasm_operand *push(struct wasm_translator *t)
{
    while (t->operands.count - t->settled >= UNSETTLED_MAX)
        wasm_go_home(t, t->settled++);
    struct wasm_operand *o = WASM_APPEND(&t->failure, t->operands);
    if (t->operands.count > t->max_height)
        t->max_height = (uint32_t)t->operands.count;
    return o;
}

void wasm_push_home(struct wasm_translator *t)
{
    push(t)->kind = WASM_HOME;
}

void wasm_push_local(struct wasm_translator *t, uint16_t slot)
{
    *push(t) = (struct wasm_operand){WASM_LOCAL, slot, 0, false};
}

void wasm_push_constant(struct wasm_translator *t, uint64_t value)
{
    *push(t) = (struct wasm_operand){WASM_CONSTANT, 0, value, false};
}

/* A copy; it joins the copy before it, where that is the newest instruction. */
void wasm_copy_slot(struct wasm_translator *t, uint16_t to, uint16_t from)
{
    if (to == from)
        return;
    if (t->last && t->code.items[t->last - 1].fn == wasm_op_copy) {
        union wasm_cell *cells = &t->code.items[t->last - 1];
        cells[0].fn = wasm_op_copy2;
        cells[1].h[2] = to;
        cells[1].h[3] = from;
        return;
    }
    union wasm_cell *cells = wasm_emit(t, wasm_op_copy, 1);
    cells[1].h[0] = to;
    cells[1].h[1] = from;
}

void wasm_load_constant(struct wasm_translator *t, uint16_t to, uint64_t value)
{
    bool small = value <= UINT32_MAX;
    union wasm_cell *cells =
        wasm_emit(t, small ? wasm_op_constant : wasm_op_constant64, small ? 1 : 2);
    cells[1].h[0] = to;
    if (small)
        cells[1].w[1] = (uint32_t)value;
    else
        cells[2].q = value;
}

void wasm_need_slot(struct wasm_translator *t, struct wasm_source *source)
{
    if (source->kind != WASM_VALUE)
        return;
    source->kind = WASM_SLOT;
    source->slot = wasm_home(t, t->operands.count);
    wasm_load_constant(t, source->slot, source->value);
}

void wasm_drop(struct wasm_translator *t)
{
    t->operands.count--;
    if (t->settled > t->operands.count)
        t->settled = t->operands.count;
}

bool wasm_is_newest(const struct wasm_translator *t)
{
    return t->newest.valid && !t->newest.wide && t->newest.height == t->operands.count - 1 &&
           t->operands.items[t->newest.height].kind == WASM_HOME;
}

struct wasm_source wasm_take(struct wasm_translator *t, enum wasm_acc acc)
{
    struct wasm_operand o = t->operands.items[t->operands.count - 1];
    bool newest = wasm_is_newest(t);
    wasm_drop(t);
    if (o.kind == WASM_CONSTANT)
        return (struct wasm_source){WASM_VALUE, 0, o.value};
    if (o.kind == WASM_LOCAL)
        return (struct wasm_source){WASM_SLOT, o.slot, 0};
    if (newest && t->newest.op && t->newest.acc == acc) {
        t->code.items[t->newest.start].fn = t->newest.op->fn[t->newest.mode][WASM_TO_ACC];
        t->newest.valid = false;
        return (struct wasm_source){WASM_ACC, 0, 0};
    }
    return (struct wasm_source){WASM_SLOT, wasm_home(t, t->operands.count), 0};
}

void wasm_take_back(struct wasm_translator *t)
{
    t->code.count = t->newest.start;
    wasm_settle_code(t);
    wasm_drop(t);
}

uint16_t wasm_take_slot(struct wasm_translator *t)
{
    size_t height = t->operands.count - 1;
    if (t->operands.items[height].kind == WASM_CONSTANT)
        wasm_go_home(t, height);
    return wasm_take(t, WASM_ACC_NONE).slot;
}

void wasm_go_home(struct wasm_translator *t, size_t height)
{
    struct wasm_operand *o = &t->operands.items[height];
    if (o->kind == WASM_LOCAL)
        wasm_copy_slot(t, wasm_home(t, height), o->slot);
    else if (o->kind == WASM_CONSTANT)
        wasm_load_constant(t, wasm_home(t, height), o->value);
    o->kind = WASM_HOME;
}

void wasm_all_home(struct wasm_translator *t)
{
    while (t->settled < t->operands.count)
        wasm_go_home(t, t->settled++);
}

void wasm_release_local(struct wasm_translator *t, uint16_t slot)
{
    for (size_t i = t->settled; i < t->operands.count; i++)
        if (t->operands.items[i].kind == WASM_LOCAL && t->operands.items[i].slot == slot)
            wasm_go_home(t, i);
}

void wasm_assign_local(struct wasm_translator *t, uint16_t slot)
{
    bool newest = wasm_is_newest(t);
    struct wasm_operand o = t->operands.items[t->operands.count - 1];
    size_t start = t->newest.start;
    wasm_drop(t);
    size_t before = t->code.count;
    wasm_release_local(t, slot);
    if (newest && t->code.count == before) {
        t->code.items[start + 1].h[0] = slot;
        t->newest.valid = false;
    } else if (o.kind == WASM_CONSTANT) {
        wasm_load_constant(t, slot, o.value);
    } else {
        wasm_copy_slot(t, slot,
                       o.kind == WASM_LOCAL ? o.slot : wasm_home(t, t->operands.count));
    }
}

enum wasm_mode wasm_mode_of(struct wasm_source a, struct wasm_source b)
{
    if (a.kind == WASM_ACC)
        return b.kind == WASM_VALUE ? WASM_AK : WASM_AS;
    return b.kind == WASM_ACC ? WASM_SA : b.kind == WASM_VALUE ? WASM_SK : WASM_SS;
}
