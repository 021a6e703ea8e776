/* What handlers are written with; see code.h for what they execute.
 *
 * The machine state is in a handler's parameters, which the calling convention keeps in
 * registers:
 *   ip    this instruction          fp    frame         mem   base of memory 0
 *   x     shared state              acc, facc, sacc     accumulators
 *   ticks fuel at hand
 * A handler ends with NEXT, a tail call to the following handler. Where the compiler does not
 * promise tail calls (no optimisation, sanitizers), the state goes through `x->next` and a
 * loop in call.c: the same handlers, slower.
 */
#ifndef WASM_INTERP_H
#define WASM_INTERP_H

#include "code.h"

#include <string.h>

#define HANDLER_PARAMS                                                                         \
    const union wasm_cell *ip, uint64_t *fp, uint8_t *mem, struct wasm_exec *x, uint64_t acc,  \
        int64_t ticks, double facc, float sacc
#define HANDLER_ARGS ip, fp, mem, x, acc, ticks, facc, sacc

#define likely(c)   __builtin_expect(!!(c), 1)
#define unlikely(c) __builtin_expect(!!(c), 0)

/* Leaves for another handler with the state as it is. */
#if WASM_TAIL_CALLS && defined(__clang__)
#define TAIL(handler) __attribute__((musttail)) return (handler)(HANDLER_ARGS)
#else
#define TAIL(handler)                                                                          \
    do {                                                                                       \
        (handler)(HANDLER_ARGS);                                                               \
        return;                                                                                \
    } while (0)
#endif

/* Executes the instruction at `ip`. */
#if WASM_TAIL_CALLS
#define DISPATCH() TAIL(ip->fn)
#else
#define DISPATCH()                                                                             \
    do {                                                                                       \
        x->next = (struct wasm_registers){HANDLER_ARGS};                                       \
        return;                                                                                \
    } while (0)
#endif

#define NEXT(cells)                                                                            \
    do {                                                                                       \
        ip += (cells);                                                                         \
        DISPATCH();                                                                            \
    } while (0)

/* Slow paths, in execute.c. They end the guest, or else execute the instruction at ip. */
wasm_handler wasm_slow_trap;      /* traps: x->kind */
wasm_handler wasm_slow_refill;    /* hands out at least x->wanted ticks */
wasm_handler wasm_slow_stack;     /* commits the stack up to x->frame_end */
wasm_handler wasm_slow_translate; /* translates x->callee */

/* Calls host function f with its values at `base`. False: the guest is over, x->status says
 * how. */
bool wasm_interpreter_call_host(struct wasm_exec *x, struct wasm_func *f, uint64_t *base,
                                const struct wasm_instance *caller);
/* Makes the frame at fp, which returns through fp[own_saved], one of f, whose arguments are at
 * fp[first]. */
void wasm_tail_frame(uint64_t *fp, const struct wasm_func *f, uint32_t first,
                     uint32_t own_saved);

#define TRAP(trap)                                                                             \
    do {                                                                                       \
        x->kind = (trap);                                                                      \
        TAIL(wasm_slow_trap);                                                                  \
    } while (0)

/* Charges `amount` of fuel for the instruction at ip, which has done nothing yet: where it
 * does not suffice, the instruction is executed again after a refill. */
#define CHARGE(amount)                                                                         \
    do {                                                                                       \
        if (unlikely((ticks -= (int64_t)(amount)) < 0)) {                                      \
            x->wanted = (amount);                                                              \
            TAIL(wasm_slow_refill);                                                            \
        }                                                                                      \
    } while (0)

/* Bits to floats and back. A float lives in the low half of a slot. */
static inline float wasm_f32(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float f;
    memcpy(&f, &low, sizeof f);
    return f;
}

static inline double wasm_f64(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static inline uint64_t wasm_f32_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline uint64_t wasm_f64_bits(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

/* C types, operands and results by value type, for the macros that make handlers.
 * GET_S: slot named by h[i]; GET_A: accumulator; GET_K: constant; PUT_S, PUT_A: result. */
#define CTYPE_I32 uint32_t
#define CTYPE_I64 uint64_t
#define CTYPE_F32 float
#define CTYPE_F64 double

#define GET_S_I32(i) ((uint32_t)fp[ip[1].h[i]])
#define GET_S_I64(i) (fp[ip[1].h[i]])
#define GET_S_F32(i) (wasm_f32(fp[ip[1].h[i]]))
#define GET_S_F64(i) (wasm_f64(fp[ip[1].h[i]]))
#define GET_A_I32(i) ((uint32_t)acc)
#define GET_A_I64(i) (acc)
#define GET_A_F32(i) (sacc)
#define GET_A_F64(i) (facc)
#define GET_K_I32(i) (ip[1].w[1])
#define GET_K_I64(i) (ip[2].q)
#define GET_K_F32(i) (wasm_f32(ip[1].w[1]))
#define GET_K_F64(i) (wasm_f64(ip[2].q))
#define CELLS_S_I32  2
#define CELLS_S_I64  2
#define CELLS_S_F32  2
#define CELLS_S_F64  2
#define CELLS_A_I32  2
#define CELLS_A_I64  2
#define CELLS_A_F32  2
#define CELLS_A_F64  2
#define CELLS_K_I32  2
#define CELLS_K_I64  3
#define CELLS_K_F32  2
#define CELLS_K_F64  3
#define PUT_S_I32(v) (fp[ip[1].h[0]] = (uint32_t)(v))
#define PUT_S_I64(v) (fp[ip[1].h[0]] = (uint64_t)(v))
#define PUT_S_F32(v) (fp[ip[1].h[0]] = wasm_f32_bits(v))
#define PUT_S_F64(v) (fp[ip[1].h[0]] = wasm_f64_bits(v))
#define PUT_A_I32(v) (acc = (uint32_t)(v))
#define PUT_A_I64(v) (acc = (uint64_t)(v))
#define PUT_A_F32(v) (sacc = (v))
#define PUT_A_F64(v) (facc = (v))

/* A row of a table of instructions: the ten handlers NAME_MODE_TARGET, or a unary one's four.
 */
#define BINARY_ROW(name)                                                                       \
    {                                                                                          \
        {                                                                                      \
            {name##_SS_S, name##_SS_A}, {name##_SK_S, name##_SK_A},                            \
                {name##_AS_S, name##_AS_A}, {name##_SA_S, name##_SA_A},                        \
            {                                                                                  \
                name##_AK_S, name##_AK_A                                                       \
            }                                                                                  \
        }                                                                                      \
    }
#define UNARY_ROW(name)                                                                        \
    {                                                                                          \
        {                                                                                      \
            [WASM_SS] = {name##_S_S, name##_S_A}, [WASM_AS] = { name##_A_S, name##_A_A }       \
        }                                                                                      \
    }

/* The handlers of a binary instruction on T giving R: `body` sees a and b and says
 * PUT(value). It may TRAP. */
#define BINARY_HANDLER(name, T, R, suffix, A, B, target, ...)                                  \
    static void name##_##suffix##_##target(HANDLER_PARAMS)                                     \
    {                                                                                          \
        CTYPE_##T a = GET_##A##_##T(1);                                                        \
        CTYPE_##T b = GET_##B##_##T(2);                                                        \
        CTYPE_##R result;                                                                      \
        __VA_ARGS__;                                                                           \
        PUT_##target##_##R(result);                                                            \
        NEXT(CELLS_##B##_##T);                                                                 \
    }
#define BINARY_HANDLERS(name, T, R, ...)                                                       \
    BINARY_HANDLER(name, T, R, SS, S, S, S, __VA_ARGS__)                                       \
    BINARY_HANDLER(name, T, R, SS, S, S, A, __VA_ARGS__)                                       \
    BINARY_HANDLER(name, T, R, SK, S, K, S, __VA_ARGS__)                                       \
    BINARY_HANDLER(name, T, R, SK, S, K, A, __VA_ARGS__)                                       \
    BINARY_HANDLER(name, T, R, AS, A, S, S, __VA_ARGS__)                                       \
    BINARY_HANDLER(name, T, R, AS, A, S, A, __VA_ARGS__)                                       \
    BINARY_HANDLER(name, T, R, SA, S, A, S, __VA_ARGS__)                                       \
    BINARY_HANDLER(name, T, R, SA, S, A, A, __VA_ARGS__)                                       \
    BINARY_HANDLER(name, T, R, AK, A, K, S, __VA_ARGS__)                                       \
    BINARY_HANDLER(name, T, R, AK, A, K, A, __VA_ARGS__)

#define UNARY_HANDLER(name, T, R, source, target, ...)                                         \
    static void name##_##source##_##target(HANDLER_PARAMS)                                     \
    {                                                                                          \
        CTYPE_##T a = GET_##source##_##T(1);                                                   \
        CTYPE_##R result;                                                                      \
        __VA_ARGS__;                                                                           \
        PUT_##target##_##R(result);                                                            \
        NEXT(2);                                                                               \
    }
#define UNARY_HANDLERS(name, T, R, ...)                                                        \
    UNARY_HANDLER(name, T, R, S, S, __VA_ARGS__)                                               \
    UNARY_HANDLER(name, T, R, S, A, __VA_ARGS__)                                               \
    UNARY_HANDLER(name, T, R, A, S, __VA_ARGS__)                                               \
    UNARY_HANDLER(name, T, R, A, A, __VA_ARGS__)

#endif
