/* What is left: select, globals, references, memory and table management. */
#include "compiler.h"

#include <stddef.h>

/* ---- select ---- */

static void select_integer(struct x64 *c, enum x64_cc cc)
{
    struct x64_asm *a = &c->code;
    unsigned no = x64_pop_gp(c);
    uint8_t type = x64_top(c)->type;
    unsigned yes = x64_pop_gp(c);
    if (cc == CC_FNE) { /* two moves for "not equal or unordered": from the other side */
        unsigned other = yes;
        yes = no;
        no = other;
    }
    unsigned to = x64_dest_gp(c, yes);
    uint32_t w = x64_width(type);
    if (to == no && to != yes) {
        if (cc >= CC_FE) {
            unsigned copy = x64_alloc_gp(c);
            x64_move(c, type, copy, no);
            no = copy;
        } else {
            x64_rr(a, w | M0F | 0x40 | cc, to, yes);
            x64_push_reg(c, type, to);
            return;
        }
    }
    x64_move(c, type, to, yes);
    if (cc >= CC_FE) {
        x64_rr(a, w | M0F | 0x40 | CC_NE, to, no);
        x64_rr(a, w | M0F | 0x40 | CC_P, to, no);
    } else {
        x64_rr(a, w | M0F | 0x40 | (cc ^ 1), to, no);
    }
    x64_push_reg(c, type, to);
}

static void select_vector(struct x64 *c, enum x64_cc cc)
{
    unsigned no = x64_pop_xmm(c);
    uint8_t type = x64_top(c)->type;
    unsigned yes = x64_pop_xmm(c);
    unsigned to = x64_dest_xmm(c, yes);
    uint32_t skip = 0;
    if (to == no && to != yes) {
        x64_branch_forward(c, cc ^ 1, &skip);
        x64_move(c, type, to, yes);
    } else {
        x64_move(c, type, to, yes);
        x64_branch_forward(c, cc, &skip);
        x64_move(c, type, to, no);
    }
    x64_bind(c, skip);
    x64_push_reg(c, type, to);
}

static void compile_select(struct x64 *c, uint8_t opcode)
{
    if (opcode == OP_SELECT_TYPED) {
        x64_u32(c); /* 1, in as many bytes as it likes */
        c->at++;
    }
    enum x64_cc cc = x64_pop_condition(c);
    if (x64_is_vector(x64_top(c)->type))
        select_vector(c, cc);
    else
        select_integer(c, cc);
}

/* ---- Globals, references ---- */

static void compile_global(struct x64 *c, uint8_t opcode)
{
    struct wasm_global *g = c->instance->globals[x64_u32(c)];
    struct x64_mem m = x64_absolute(&g->value);
    if (opcode == OP_GLOBAL_SET) {
        x64_value_to_mem(c, x64_top(c), c->count - 1, m);
        x64_drop(c);
    } else if (!g->is_mutable && g->type != WASM_V128) {
        x64_push_const(c, g->type, g->value.low);
    } else {
        unsigned to =
            x64_is_vector(g->type) ? x64_dest_xmm(c, X64_NONE) : x64_dest_gp(c, X64_NONE);
        x64_load_value(c, g->type, to, m);
        x64_push_reg(c, g->type, to);
    }
}

static void is_null(struct x64 *c)
{
    enum { I64_EQZ = 0x50 };
    x64_compile_integer(c, I64_EQZ); /* null is 0 */
}

/* ---- Tables ---- */

/* The address of the element that the top operand names. */
static struct x64_mem pop_element(struct x64 *c, const struct wasm_table *t)
{
    struct x64_asm *a = &c->code;
    unsigned index = x64_pop_gp(c), table = x64_alloc_gp(c);
    x64_mov_ri(a, table, (uintptr_t)t);
    x64_alu_rm(a, 0, ALU_CMP, index, x64_at((uint8_t)table, offsetof(struct wasm_table, size)));
    x64_trap_if(c, CC_AE, WASM_TRAP_TABLE);
    x64_rm(a, W64 | 0x8b, table, x64_at((uint8_t)table, offsetof(struct wasm_table, elements)));
    return x64_indexed((uint8_t)table, (uint8_t)index, 3, 0);
}

static void compile_table(struct x64 *c, uint8_t opcode)
{
    const struct wasm_table *t = c->instance->tables[x64_u32(c)];
    if (opcode == OP_TABLE_GET) {
        struct x64_mem m = pop_element(c, t);
        unsigned to = x64_dest_gp(c, m.base);
        x64_rm(&c->code, W64 | 0x8b, to, m);
        x64_push_reg(c, t->type, to);
    } else {
        unsigned from = x64_pop_gp(c);
        x64_rm(&c->code, W64 | 0x89, from, pop_element(c, t));
    }
}

static void load_size(struct x64 *c, const void *field, bool wide)
{
    unsigned to = x64_dest_gp(c, X64_NONE);
    x64_mov_ri(&c->code, to, (uintptr_t)field);
    x64_rm(&c->code, (wide ? W64 : 0) | 0x8b, to, x64_at((uint8_t)to, 0));
    if (wide)
        x64_shift_ri(&c->code, W64, SHIFT_SHR, to, 16);
    x64_push_reg(c, WASM_I32, to);
}

/* ---- Helpers, on the host's stack. n->immediates say which memory, table or segment. ---- */

static uint64_t trapped(struct wasm_native *n, enum wasm_trap_kind kind)
{
    n->trapped = kind + 1u;
    return 0;
}

#define ARG(i)    ((uint32_t)WASM_X64_ARG(i))
#define MEMORY(i) (n->instance->memories[n->immediates[i]])
#define TABLE(i)  (n->instance->tables[n->immediates[i]])
#define WHICH(i)  ((uint32_t)n->immediates[i])
/* An instruction that moves LENGTH items: its price, and the trap where it does not fit. */
#define BULK(length, done, kind)                                                               \
    do {                                                                                       \
        if (wasm_x64_charge(n, (length) >> 10) && !(done))                                     \
            trapped(n, kind);                                                                  \
        return 0;                                                                              \
    } while (0)

static uint64_t memory_grow(struct wasm_native *n, const uint64_t *args)
{
    return (uint32_t)wasm_memory_grow(MEMORY(0), ARG(0));
}

static uint64_t memory_fill(struct wasm_native *n, const uint64_t *args)
{
    BULK(ARG(2), wasm_memory_fill(MEMORY(0), ARG(0), (uint8_t)ARG(1), ARG(2)),
         WASM_TRAP_MEMORY);
}

static uint64_t memory_copy(struct wasm_native *n, const uint64_t *args)
{
    BULK(ARG(2), wasm_memory_copy(MEMORY(0), ARG(0), MEMORY(1), ARG(1), ARG(2)),
         WASM_TRAP_MEMORY);
}

/* immediates: segment, memory */
static uint64_t memory_init(struct wasm_native *n, const uint64_t *args)
{
    BULK(ARG(2), wasm_memory_init(n->instance, WHICH(1), WHICH(0), ARG(0), ARG(1), ARG(2)),
         WASM_TRAP_MEMORY);
}

static uint64_t data_drop(struct wasm_native *n, const uint64_t *args)
{
    (void)args;
    n->instance->dropped_datas[n->immediates[0]] = true;
    return 0;
}

static uint64_t table_grow(struct wasm_native *n, const uint64_t *args)
{
    if (!wasm_x64_charge(n, ARG(1) >> 10))
        return 0;
    return (uint32_t)wasm_table_grow(TABLE(0), ARG(1), WASM_X64_ARG(0));
}

static uint64_t table_fill(struct wasm_native *n, const uint64_t *args)
{
    BULK(ARG(2), wasm_table_fill(TABLE(0), ARG(0), WASM_X64_ARG(1), ARG(2)), WASM_TRAP_TABLE);
}

static uint64_t table_copy(struct wasm_native *n, const uint64_t *args)
{
    BULK(ARG(2), wasm_table_copy(TABLE(0), ARG(0), TABLE(1), ARG(1), ARG(2)), WASM_TRAP_TABLE);
}

/* immediates: segment, table */
static uint64_t table_init(struct wasm_native *n, const uint64_t *args)
{
    BULK(ARG(2), wasm_table_init(n->instance, WHICH(1), WHICH(0), ARG(0), ARG(1), ARG(2)),
         WASM_TRAP_TABLE);
}

static uint64_t elem_drop(struct wasm_native *n, const uint64_t *args)
{
    (void)args;
    wasm_element_drop(n->instance, WHICH(0));
    return 0;
}

/* By opcode, from OP_MEMORY_INIT on. */
static const struct {
    wasm_x64_helper *helper;
    uint8_t indices, operands, result;
} BULK_OPS[] = {{memory_init, 2, 3, 0}, {data_drop, 1, 0, 0},         {memory_copy, 2, 3, 0},
                {memory_fill, 1, 3, 0}, {table_init, 2, 3, 0},        {elem_drop, 1, 0, 0},
                {table_copy, 2, 3, 0},  {table_grow, 1, 2, WASM_I32}, {NULL, 1, 0, 0},
                {table_fill, 1, 3, 0}};

static void compile_bulk(struct x64 *c)
{
    uint32_t opcode = x64_u32(c);
    unsigned i = opcode - OP_MEMORY_INIT;
    uint32_t first = x64_u32(c), second = BULK_OPS[i].indices == 2 ? x64_u32(c) : 0;
    if (opcode == OP_TABLE_SIZE)
        load_size(c, &c->instance->tables[first]->size, false);
    else
        x64_runtime(c, BULK_OPS[i].helper, BULK_OPS[i].operands, BULK_OPS[i].result, first,
                    second);
}

bool x64_compile_misc(struct x64 *c, uint8_t opcode)
{
    switch (opcode) {
    case OP_DROP:
        x64_drop(c);
        return true;
    case OP_SELECT:
    case OP_SELECT_TYPED:
        compile_select(c, opcode);
        return true;
    case OP_GLOBAL_GET:
    case OP_GLOBAL_SET:
        compile_global(c, opcode);
        return true;
    case OP_TABLE_GET:
    case OP_TABLE_SET:
        compile_table(c, opcode);
        return true;
    case OP_MEMORY_SIZE:
        load_size(c, &c->instance->memories[x64_u32(c)]->size, true);
        return true;
    case OP_MEMORY_GROW:
        x64_runtime(c, memory_grow, 1, WASM_I32, x64_u32(c), 0);
        return true;
    case OP_REF_NULL:
        x64_push_const(c, *c->at++, 0);
        return true;
    case OP_REF_IS_NULL:
        is_null(c);
        return true;
    case OP_REF_FUNC:
        x64_push_const(c, WASM_FUNCREF, (uintptr_t)c->instance->funcs[x64_u32(c)]);
        return true;
    case OP_PREFIX:
        compile_bulk(c);
        return true;
    default:
        return false;
    }
}
