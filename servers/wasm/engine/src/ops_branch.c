/* Handlers of branches, fused with the comparison that decides them where there is one. */
#include "interp.h"
#include "opcodes.h"

/* Goes where cell `at` leads: a distance from that cell itself. Backwards, that is a turn of a
 * loop and costs a tick; ip is at the target by then, where execution resumes after a refill.
 */
#define GO_FORWARD(at)                                                                         \
    do {                                                                                       \
        ip += (at) + ip[at].i;                                                                 \
        DISPATCH();                                                                            \
    } while (0)
#define GO_BACK(at)                                                                            \
    do {                                                                                       \
        ip += (at) + ip[at].i;                                                                 \
        if (unlikely(--ticks < 0)) {                                                           \
            x->wanted = 0;                                                                     \
            TAIL(wasm_slow_refill);                                                            \
        }                                                                                      \
        DISPATCH();                                                                            \
    } while (0)

/* A 64-bit comparison's constant is 32 bits here, sign-extended. */
#define BRANCH_S_I32(i) GET_S_I32(i)
#define BRANCH_S_I64(i) GET_S_I64(i)
#define BRANCH_A_I32(i) GET_A_I32(i)
#define BRANCH_A_I64(i) GET_A_I64(i)
#define BRANCH_K_I32(i) (ip[1].w[1])
#define BRANCH_K_I64(i) ((uint64_t)(int32_t)ip[1].w[1])

#define BRANCH_HANDLER(name, T, A, B, go, condition)                                           \
    static void name(HANDLER_PARAMS)                                                           \
    {                                                                                          \
        CTYPE_##T a = BRANCH_##A##_##T(1);                                                     \
        CTYPE_##T b = BRANCH_##B##_##T(2);                                                     \
        if (condition)                                                                         \
            go(2);                                                                             \
        NEXT(3);                                                                               \
    }
#define BRANCH_HANDLERS(name, T, condition)                                                    \
    BRANCH_HANDLER(name##_SS_S, T, S, S, GO_FORWARD, condition)                                \
    BRANCH_HANDLER(name##_SS_A, T, S, S, GO_BACK, condition)                                   \
    BRANCH_HANDLER(name##_SK_S, T, S, K, GO_FORWARD, condition)                                \
    BRANCH_HANDLER(name##_SK_A, T, S, K, GO_BACK, condition)                                   \
    BRANCH_HANDLER(name##_AS_S, T, A, S, GO_FORWARD, condition)                                \
    BRANCH_HANDLER(name##_AS_A, T, A, S, GO_BACK, condition)                                   \
    BRANCH_HANDLER(name##_SA_S, T, S, A, GO_FORWARD, condition)                                \
    BRANCH_HANDLER(name##_SA_A, T, S, A, GO_BACK, condition)                                   \
    BRANCH_HANDLER(name##_AK_S, T, A, K, GO_FORWARD, condition)                                \
    BRANCH_HANDLER(name##_AK_A, T, A, K, GO_BACK, condition)

#define COMPARISONS(t, T, S)                                                                   \
    BRANCH_HANDLERS(t##_eq, T, a == b)                                                         \
    BRANCH_HANDLERS(t##_ne, T, a != b)                                                         \
    BRANCH_HANDLERS(t##_lt_s, T, (S)a < (S)b)                                                  \
    BRANCH_HANDLERS(t##_lt_u, T, a < b)                                                        \
    BRANCH_HANDLERS(t##_gt_s, T, (S)a > (S)b)                                                  \
    BRANCH_HANDLERS(t##_gt_u, T, a > b)                                                        \
    BRANCH_HANDLERS(t##_le_s, T, (S)a <= (S)b)                                                 \
    BRANCH_HANDLERS(t##_le_u, T, a <= b)                                                       \
    BRANCH_HANDLERS(t##_ge_s, T, (S)a >= (S)b)                                                 \
    BRANCH_HANDLERS(t##_ge_u, T, a >= b)

COMPARISONS(i32, I32, int32_t)
COMPARISONS(i64, I64, int64_t)

#define BRANCH_ENTRY(code, name, T, R) [code] = BINARY_ROW(name),

#define STEP_HANDLER(name, B, condition)                                                       \
    static void name(HANDLER_PARAMS)                                                           \
    {                                                                                          \
        uint32_t a = GET_S_I32(1) + (uint32_t)ip[2].q;                                         \
        fp[ip[1].h[1]] = a;                                                                    \
        uint32_t b = BRANCH_##B##_I32(2);                                                      \
        if (condition)                                                                         \
            GO_BACK(3);                                                                        \
        NEXT(4);                                                                               \
    }
#define STEP_HANDLERS(name, condition)                                                         \
    STEP_HANDLER(step_##name##_SS, S, condition)                                               \
    STEP_HANDLER(step_##name##_SK, K, condition)

STEP_HANDLERS(i32_eq, a == b)
STEP_HANDLERS(i32_ne, a != b)
STEP_HANDLERS(i32_lt_s, (int32_t)a < (int32_t)b)
STEP_HANDLERS(i32_lt_u, a < b)
STEP_HANDLERS(i32_gt_s, (int32_t)a > (int32_t)b)
STEP_HANDLERS(i32_gt_u, a > b)
STEP_HANDLERS(i32_le_s, (int32_t)a <= (int32_t)b)
STEP_HANDLERS(i32_le_u, a <= b)
STEP_HANDLERS(i32_ge_s, (int32_t)a >= (int32_t)b)
STEP_HANDLERS(i32_ge_u, a >= b)

#define STEP_ENTRY(code, name, T, R) [code] = {{{step_##name##_SS}, {step_##name##_SK}}},

const struct wasm_op wasm_step_ops[256] = {WASM_COMPARE_I(STEP_ENTRY, i32, I32, 0x46)};

const struct wasm_op wasm_branch_ops[256] = {WASM_COMPARE_I(BRANCH_ENTRY, i32, I32, 0x46)
                                                 WASM_COMPARE_I(BRANCH_ENTRY, i64, I64, 0x51)};

void wasm_op_br(HANDLER_PARAMS)
{
    GO_FORWARD(1);
}

void wasm_op_br_back(HANDLER_PARAMS)
{
    GO_BACK(1);
}

#define BR_TABLE(index)                                                                        \
    do {                                                                                       \
        uint32_t chosen = (index);                                                             \
        if (chosen > ip[1].w[1])                                                               \
            chosen = ip[1].w[1];                                                               \
        GO_FORWARD(2 + (size_t)chosen);                                                        \
    } while (0)

void wasm_op_br_table(HANDLER_PARAMS)
{
    BR_TABLE((uint32_t)fp[ip[1].h[1]]);
}

void wasm_op_br_table_a(HANDLER_PARAMS)
{
    BR_TABLE((uint32_t)acc);
}
