/* Atomic instructions (threads proposal); see ../atomic.h: one agent, so waits end by their
 * timeout alone. Bounds are checked by the fault, alignment here, and before them. */
#include "../atomic.h"
#include "compiler.h"

enum { LOCK = 0xf0 };

/* The width of an access: P66 for 16 bits, BYTE, W64, or 0 for 32; and its opcode's last bit,
 * which is clear for bytes. */
static uint32_t width(unsigned log2)
{
    static const uint32_t WIDTHS[] = {BYTE, P66 | 1, 1, W64 | 1};
    return WIDTHS[log2];
}

/* The memory argument, and the operand `depth` below the top: the address of the access, in a
 * register of its own. Nothing is popped. Claims rax. */
static struct x64_mem address(struct x64 *c, const struct wasm_atomic_op *op, uint32_t depth)
{
    struct x64_asm *a = &c->code;
    struct x64_memarg m = x64_read_memarg(c);
    uint32_t height = c->count - 1 - depth, size = 1u << op->log2;
    x64_claim(c, RAX);
    unsigned t = x64_alloc_gp(c);
    x64_value_to_reg(c, &c->values[height], height, t);
    if (m.offset > INT32_MAX) {
        x64_mov_ri(a, RAX, m.offset);
        x64_alu_rr(a, W64, ALU_ADD, t, RAX);
    } else if (m.offset) {
        x64_alu_ri(a, W64, ALU_ADD, t, (int32_t)m.offset);
    }
    if (size > 1) {
        x64_rri(a, BYTE | 0xf6, 0, t, (uint8_t)(size - 1)); /* test */
        x64_trap_if(c, CC_NE, WASM_TRAP_UNALIGNED);
    }
    unsigned base = R14;
    if (m.memory) {
        base = RAX;
        x64_mov_ri(a, RAX, (uintptr_t)c->instance->memories[m.memory]->base);
    }
    x64_alu_rr(a, W64, ALU_ADD, t, base);
    return x64_at((uint8_t)t, 0);
}

/* Pops the operand that address() read. It was copied, so its register may be used again. */
static void drop_address(struct x64 *c)
{
    uint32_t pinned = c->pinned;
    x64_drop(c);
    c->pinned = pinned;
}

/* reg = the access's bytes of reg; 32 bits are clean already where an instruction wrote them.
 */
static void extend(struct x64 *c, unsigned log2, unsigned reg)
{
    static const uint32_t MOVES[] = {BYTE | M0F | 0xb6, M0F | 0xb7, 0x8b};
    if (log2 < 3)
        x64_rr(&c->code, MOVES[log2], reg, reg);
}

static void load(struct x64 *c, const struct wasm_atomic_op *op)
{
    static const uint32_t MOVES[] = {M0F | 0xb6, M0F | 0xb7, 0x8b, W64 | 0x8b};
    struct x64_mem m = address(c, op, 0);
    drop_address(c);
    x64_rm(&c->code, MOVES[op->log2], m.base, m);
    x64_push_reg(c, op->type, m.base);
}

/* xchg locks by itself. */
static void store(struct x64 *c, const struct wasm_atomic_op *op)
{
    struct x64_mem m = address(c, op, 1);
    unsigned value = x64_pop_gp_tmp(c);
    drop_address(c);
    x64_rm(&c->code, 0x86 | width(op->log2), value, m);
}

enum operation { ADD, SUB, AND, OR, XOR, XCHG };

static void exchange(struct x64 *c, const struct wasm_atomic_op *op, enum operation operation)
{
    struct x64_asm *a = &c->code;
    struct x64_mem m = address(c, op, 1);
    unsigned value = x64_pop_gp_tmp(c);
    drop_address(c);
    if (operation == SUB)
        x64_rr(a, W64 | 0xf7, 3, value); /* neg */
    if (operation == XCHG) {
        x64_rm(a, 0x86 | width(op->log2), value, m);
    } else {
        x64_byte(a, LOCK);
        x64_rm(a, M0F | 0xc0 | width(op->log2), value, m); /* xadd */
    }
    extend(c, op->log2, value);
    x64_push_reg(c, op->type, value);
}

/* [m] = reg, if it is still what rax has; else rax becomes what it is. */
static void compare_exchange(struct x64 *c, const struct wasm_atomic_op *op, unsigned reg,
                             struct x64_mem m)
{
    x64_byte(&c->code, LOCK);
    x64_rm(&c->code, M0F | 0xb0 | width(op->log2), reg, m);
}

/* Operations whose old value no instruction gives: until nobody came between. */
static void combine(struct x64 *c, const struct wasm_atomic_op *op, enum operation operation)
{
    static const uint8_t ALU[] = {[AND] = ALU_AND, [OR] = ALU_OR, [XOR] = ALU_XOR};
    static const uint32_t MOVES[] = {M0F | 0xb6, M0F | 0xb7, 0x8b, W64 | 0x8b};
    struct x64_asm *a = &c->code;
    struct x64_mem m = address(c, op, 1);
    unsigned value = x64_pop_gp(c);
    drop_address(c);
    unsigned wanted = x64_alloc_gp(c);
    x64_rm(a, MOVES[op->log2], RAX, m);
    uint32_t again = x64_here(a);
    x64_mov_rr(a, W64, wanted, RAX);
    x64_alu_rr(a, W64, ALU[operation], wanted, value);
    compare_exchange(c, op, wanted, m);
    x64_jcc_to(a, CC_NE, again);
    x64_push_reg(c, op->type, RAX);
}

static void replace(struct x64 *c, const struct wasm_atomic_op *op)
{
    struct x64_mem m = address(c, op, 2);
    unsigned replacement = x64_pop_gp(c);
    x64_pop_into(c, RAX);
    drop_address(c);
    compare_exchange(c, op, replacement, m);
    extend(c, op->log2, RAX);
    x64_push_reg(c, op->type, RAX);
}

/* Nobody waits. The access counts, with its trap. */
static void notify(struct x64 *c, const struct wasm_atomic_op *op)
{
    struct x64_mem m = address(c, op, 1);
    x64_drop(c);
    x64_drop(c);
    x64_rm(&c->code, 0x8b, RAX, m);
    x64_push_const(c, WASM_I32, 0);
}

/* Immediates: memory with WIDE for 64 bits; offset. Arguments: address, expected, timeout. */
enum { WIDE = 1 << 30 };

static uint64_t wait(struct wasm_native *n, const uint64_t *args)
{
    enum { NOT_EQUAL = 1, TIMED_OUT = 2, MILLISECOND = 1000000 };
    bool wide = n->immediates[0] & WIDE;
    const struct wasm_memory *memory =
        n->instance->memories[n->immediates[0] & ~(uint64_t)WIDE];
    uint64_t address = (uint32_t)WASM_X64_ARG(0) + (n->immediates[1] & UINT32_MAX);
    uint64_t expected = WASM_X64_ARG(1), timeout = WASM_X64_ARG(2), size = wide ? 8 : 4;
    enum wasm_trap_kind kind;
    if (address % size) {
        kind = WASM_TRAP_UNALIGNED;
    } else if (address + size > memory->size) {
        kind = WASM_TRAP_MEMORY;
    } else if (!memory->declared.shared) {
        kind = WASM_TRAP_NOT_SHARED;
    } else {
        const void *at = memory->base + address;
        bool equal = wide ? *(const volatile uint64_t *)at == expected
                          : *(const volatile uint32_t *)at == (uint32_t)expected;
        if (!equal)
            return NOT_EQUAL;
        kind = WASM_TRAP_WAIT;
        if ((int64_t)timeout >= 0) {
            if (!wasm_x64_charge(n, timeout / MILLISECOND))
                return 0;
            if (wasm_atomic_sleep(&n->store->exec, timeout))
                return TIMED_OUT;
            kind = WASM_TRAP_INTERRUPT;
        }
    }
    n->trapped = kind + 1u;
    return 0;
}

bool x64_compile_atomic(struct x64 *c, uint32_t number)
{
    enum { FIRST_RMW = 0x1e, SHAPES = 7 };
    const struct wasm_atomic_op *op = &wasm_atomic_ops[number];
    enum operation operation = (number - FIRST_RMW) / SHAPES;
    switch (op->kind) {
    case WASM_ATOMIC_LOAD:
        load(c, op);
        break;
    case WASM_ATOMIC_STORE:
        store(c, op);
        break;
    case WASM_ATOMIC_RMW:
        if (number < FIRST_RMW)
            notify(c, op);
        else if (operation == ADD || operation == SUB || operation == XCHG)
            exchange(c, op, operation);
        else
            combine(c, op, operation);
        break;
    case WASM_ATOMIC_CMPXCHG:
        replace(c, op);
        break;
    case WASM_ATOMIC_WAIT: {
        struct x64_memarg m = x64_read_memarg(c);
        x64_runtime(c, wait, 3, WASM_I32, m.memory | (op->log2 == 3 ? WIDE : 0), m.offset);
        break;
    }
    default: /* the fence: a thread sees its own accesses in order */
        c->at++;
    }
    return true;
}
