/* Handlers of calls and returns; frames are drawn in code.h. */
#include "interp.h"

/* Enters guest function f, whose arguments are at frame `base`, to return to (ret_ip, ret_fp,
 * ret_mem). Everything that can fail is checked before anything changes, since the slow paths
 * execute the calling instruction again. */
#define ENTER(f, base, ret_ip, ret_fp, ret_mem)                                                \
    do {                                                                                       \
        if (unlikely((base) + (f)->frame_slots > x->stack_limit)) {                            \
            x->frame_end = (base) + (f)->frame_slots;                                          \
            TAIL(wasm_slow_stack);                                                             \
        }                                                                                      \
        CHARGE(1);                                                                             \
        uint64_t *saved = (base) + (f)->saved;                                                 \
        saved[0] = (uintptr_t)(ret_ip);                                                        \
        saved[1] = (uintptr_t)(ret_fp);                                                        \
        saved[2] = (uintptr_t)(ret_mem);                                                       \
        for (uint64_t *l = saved + WASM_FRAME_SAVED, *end = l + (f)->zeroed; l < end; l++) {   \
            *l = 0;                                                                            \
            atomic_signal_fence(memory_order_acq_rel); /* else it becomes a call of memset */  \
        }                                                                                      \
        fp = x->fp = (base);                                                                   \
        mem = (f)->memory;                                                                     \
        ip = (f)->entry;                                                                       \
        DISPATCH();                                                                            \
    } while (0)

/* Translates x->callee, then executes the instruction at ip again. */
#define TRANSLATE(f)                                                                           \
    do {                                                                                       \
        x->callee = (f);                                                                       \
        TAIL(wasm_slow_translate);                                                             \
    } while (0)

/* Calls host function f from `instance` with arguments at `base`; leaves if it ends the
 * guest. Nested calls take their fuel from x and their frames from behind `base`. */
#define CALL_HOST(f, base, instance)                                                           \
    do {                                                                                       \
        x->ip = ip;                                                                            \
        x->ticks = ticks;                                                                      \
        if (!wasm_interpreter_call_host(x, (f), (base), (instance)))                           \
            return;                                                                            \
        ticks = x->ticks;                                                                      \
    } while (0)

#define LEAVE_FRAME(saved_slot)                                                                \
    do {                                                                                       \
        const uint64_t *saved = fp + (saved_slot);                                             \
        ip = (const union wasm_cell *)(uintptr_t)saved[0];                                     \
        mem = (uint8_t *)(uintptr_t)saved[2];                                                  \
        fp = x->fp = (uint64_t *)(uintptr_t)saved[1];                                          \
        DISPATCH();                                                                            \
    } while (0)

void wasm_op_call(HANDLER_PARAMS)
{
    struct wasm_func *f = ip[1].p;
    uint64_t *base = fp + ip[2].h[0];
    if (unlikely(!f->entry))
        TRANSLATE(f);
    ENTER(f, base, ip + 3, fp, mem);
}

void wasm_op_call_host(HANDLER_PARAMS)
{
    struct wasm_func *f = ip[1].p;
    CALL_HOST(f, fp + ip[2].h[0], ip[3].p);
    NEXT(4);
}

/* The function that element `index` of the table at cell 1 refers to, checked against the
 * type at cell `type`. */
#define RESOLVE(f, index, type_cell)                                                           \
    const struct wasm_table *table = ip[1].p;                                                  \
    uint32_t element = (index);                                                                \
    if (unlikely(element >= table->size))                                                      \
        TRAP(WASM_TRAP_UNDEFINED_ELEMENT);                                                     \
    struct wasm_func *f = (struct wasm_func *)(uintptr_t)table->elements[element];             \
    if (unlikely(!f))                                                                          \
        TRAP(WASM_TRAP_UNINITIALIZED);                                                         \
    if (unlikely(f->type != ip[type_cell].p))                                                  \
    TRAP(WASM_TRAP_INDIRECT_TYPE)

#define CALL_INDIRECT(index)                                                                   \
    do {                                                                                       \
        RESOLVE(f, index, 3);                                                                  \
        uint64_t *base = fp + ip[2].h[0];                                                      \
        if (unlikely(!f->entry)) {                                                             \
            if (!f->host)                                                                      \
                TRANSLATE(f);                                                                  \
            CALL_HOST(f, base, ip[4].p);                                                       \
            NEXT(5);                                                                           \
        }                                                                                      \
        ENTER(f, base, ip + 5, fp, mem);                                                       \
    } while (0)

void wasm_op_call_indirect(HANDLER_PARAMS)
{
    CALL_INDIRECT((uint32_t)fp[ip[2].h[1]]);
}

void wasm_op_call_indirect_a(HANDLER_PARAMS)
{
    CALL_INDIRECT((uint32_t)acc);
}

/* A tail call of guest function f: its arguments move down to the frame's start and the
 * caller's return becomes its own. The checks of ENTER come first, as there. */
#define REENTER(f, first, own_saved)                                                           \
    do {                                                                                       \
        if (unlikely(fp + (f)->frame_slots > x->stack_limit)) {                                \
            x->frame_end = fp + (f)->frame_slots;                                              \
            TAIL(wasm_slow_stack);                                                             \
        }                                                                                      \
        CHARGE(1);                                                                             \
        wasm_tail_frame(fp, (f), (first), (own_saved));                                        \
        mem = (f)->memory;                                                                     \
        ip = (f)->entry;                                                                       \
        DISPATCH();                                                                            \
    } while (0)

void wasm_op_return_call(HANDLER_PARAMS)
{
    struct wasm_func *f = ip[1].p;
    if (unlikely(!f->entry)) {
        if (!f->host)
            TRANSLATE(f);
        CALL_HOST(f, fp + ip[2].h[0], ip[3].p);
        memmove(fp, fp + ip[2].h[0], f->type->result_slots * sizeof *fp);
        LEAVE_FRAME(ip[2].h[1]);
    }
    REENTER(f, ip[2].h[0], ip[2].h[1]);
}

void wasm_op_return_call_indirect(HANDLER_PARAMS)
{
    RESOLVE(f, (uint32_t)fp[ip[2].h[2]], 3);
    if (unlikely(!f->entry)) {
        if (!f->host)
            TRANSLATE(f);
        CALL_HOST(f, fp + ip[2].h[0], ip[4].p);
        memmove(fp, fp + ip[2].h[0], f->type->result_slots * sizeof *fp);
        LEAVE_FRAME(ip[2].h[1]);
    }
    REENTER(f, ip[2].h[0], ip[2].h[1]);
}

void wasm_op_return(HANDLER_PARAMS)
{
    LEAVE_FRAME(ip[1].h[0]);
}

void wasm_op_return_s(HANDLER_PARAMS)
{
    fp[0] = fp[ip[1].h[1]];
    LEAVE_FRAME(ip[1].h[0]);
}

void wasm_op_return_a(HANDLER_PARAMS)
{
    fp[0] = acc;
    LEAVE_FRAME(ip[1].h[0]);
}

void wasm_op_return_fa(HANDLER_PARAMS)
{
    fp[0] = wasm_f64_bits(facc);
    LEAVE_FRAME(ip[1].h[0]);
}

void wasm_op_return_sa(HANDLER_PARAMS)
{
    fp[0] = wasm_f32_bits(sacc);
    LEAVE_FRAME(ip[1].h[0]);
}

void wasm_op_return_many(HANDLER_PARAMS)
{
    memmove(fp, fp + ip[1].h[1], ip[1].h[2] * sizeof *fp);
    LEAVE_FRAME(ip[1].h[0]);
}

/* The outermost frame returns here: the guest is done. */
static void op_exit(HANDLER_PARAMS)
{
    (void)ip, (void)fp, (void)mem, (void)acc, (void)facc, (void)sacc;
    x->ticks = ticks;
    x->status = WASM_OK;
}

const union wasm_cell wasm_exit_code[1] = {{.fn = op_exit}};
