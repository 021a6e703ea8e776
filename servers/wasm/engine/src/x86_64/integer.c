/* Integer instructions (specification 4.3.2). */
#include "compiler.h"

/* Offsets of the arithmetic instructions from the first of their type: opcodes.h. */
enum { ADD, SUB, MUL, DIV_S, DIV_U, REM_S, REM_U, AND, OR, XOR, SHL, SHR_S, SHR_U, ROTL, ROTR };
enum {
    I32_CLZ = 0x67,
    I32_ARITHMETIC = 0x6a,
    I64_CLZ = 0x79,
    I64_ARITHMETIC = 0x7c,
    I64_EQZ = 0x50,
    I32_EQ = 0x46,
    I64_EQ = 0x51,
    I64_GE_U = 0x5a,
    I32_EXTEND8_S = 0xc0
};

static const uint8_t CONDITIONS[] = {CC_E, CC_NE, CC_L,  CC_B,  CC_G,
                                     CC_A, CC_LE, CC_BE, CC_GE, CC_AE};

/* The condition for the operands exchanged. */
static enum x64_cc mirrored(enum x64_cc cc)
{
    switch (cc) {
    case CC_L:
        return CC_G;
    case CC_G:
        return CC_L;
    case CC_B:
        return CC_A;
    case CC_A:
        return CC_B;
    case CC_LE:
        return CC_GE;
    case CC_GE:
        return CC_LE;
    case CC_BE:
        return CC_AE;
    case CC_AE:
        return CC_BE;
    default:
        return cc;
    }
}

/* An operand in a register. */
static unsigned to_reg(struct x64 *c, uint32_t w, struct x64_operand o)
{
    if (o.kind == X64_IN_REG)
        return o.reg;
    unsigned reg = x64_alloc_gp(c);
    if (o.kind == X64_IMM)
        x64_mov_ri(&c->code, reg, w ? (uint64_t)(int64_t)o.imm : (uint32_t)o.imm);
    else
        x64_rm(&c->code, w | 0x8b, reg, o.mem);
    return reg;
}

static void alu(struct x64 *c, uint32_t w, enum x64_alu op, unsigned to, struct x64_operand b)
{
    if (b.kind == X64_IMM)
        x64_alu_ri(&c->code, w, op, to, b.imm);
    else if (b.kind == X64_IN_MEM)
        x64_alu_rm(&c->code, w, op, to, b.mem);
    else
        x64_alu_rr(&c->code, w, op, to, b.reg);
}

/* ---- Comparisons ---- */

static void compare(struct x64 *c, uint32_t w, enum x64_cc cc)
{
    struct x64_operand b = x64_pop_operand(c), a = x64_pop_operand(c);
    if (a.kind == X64_IMM || (a.kind == X64_IN_MEM && b.kind == X64_IN_REG)) {
        struct x64_operand other = a;
        a = b;
        b = other;
        cc = mirrored(cc);
    }
    if (a.kind == X64_IN_MEM && b.kind == X64_IMM) {
        x64_alu_mi(&c->code, w, ALU_CMP, a.mem, b.imm);
    } else {
        unsigned reg = to_reg(c, w, a);
        if (b.kind == X64_IMM && b.imm == 0)
            x64_rr(&c->code, w | 0x85, reg, reg); /* test */
        else
            alu(c, w, ALU_CMP, reg, b);
    }
    x64_push_flags(c, cc);
}

static void equals_zero(struct x64 *c, uint32_t w)
{
    if (x64_top(c)->kind == X64_FLAGS) {
        x64_top(c)->cc ^= 1;
        return;
    }
    x64_push_const(c, w ? WASM_I64 : WASM_I32, 0);
    compare(c, w, CC_E);
}

/* ---- Arithmetic ---- */

/* Whether what follows only asks if the result is zero. */
static bool only_tested(const struct x64 *c, uint32_t w)
{
    return w ? c->at[0] == I64_EQZ
             : c->at[0] == OP_BR_IF || c->at[0] == OP_IF || c->at[0] == OP_I32_EQZ;
}

/* Leaves flags where the next instruction asks if a & b is zero. The result is not the flags'
 * value, but it is zero when that is. */
static void test(struct x64 *c, uint32_t w, struct x64_operand a, struct x64_operand b)
{
    unsigned reg = to_reg(c, w, a);
    if (b.kind == X64_IMM) {
        x64_rr(&c->code, w | 0xf7, 0, reg);
        x64_word(&c->code, (uint32_t)b.imm);
    } else if (b.kind == X64_IN_MEM) {
        x64_rm(&c->code, w | 0x85, reg, b.mem);
    } else {
        x64_rr(&c->code, w | 0x85, reg, b.reg);
    }
    x64_push_flags(c, CC_NE);
}

static void multiply(struct x64 *c, uint32_t w, unsigned to, struct x64_operand b)
{
    if (b.kind == X64_IN_MEM)
        x64_rm(&c->code, w | M0F | 0xaf, to, b.mem);
    else
        x64_rr(&c->code, w | M0F | 0xaf, to, b.reg);
}

static void multiply_const(struct x64 *c, uint32_t w, uint8_t type, struct x64_operand a,
                           int32_t k)
{
    struct x64_asm *as = &c->code;
    unsigned reg = to_reg(c, w, a);
    unsigned to = x64_dest_gp(c, reg);
    if (k > 0 && (k & (k - 1)) == 0) {
        x64_move(c, type, to, reg);
        if (k > 1)
            x64_shift_ri(as, w, SHIFT_SHL, to, (uint8_t)__builtin_ctz((unsigned)k));
    } else if (k == 3 || k == 5 || k == 9) {
        x64_lea(as, w, to,
                x64_indexed((uint8_t)reg, (uint8_t)reg,
                            k == 3   ? 1
                            : k == 5 ? 2
                                     : 3,
                            0));
    } else if (k == (int8_t)k) {
        x64_rri(as, w | 0x6b, to, reg, (uint8_t)k);
    } else {
        x64_rr(as, w | 0x69, to, reg);
        x64_word(as, (uint32_t)k);
    }
    x64_push_reg(c, type, to);
}

/* to = a op b for an operation that commutes, or SUB. */
static void two_operands(struct x64 *c, uint32_t w, uint8_t type, unsigned op, unsigned to,
                         unsigned a, struct x64_operand b)
{
    static const uint8_t ALU[] = {
        [ADD] = ALU_ADD, [SUB] = ALU_SUB, [AND] = ALU_AND, [OR] = ALU_OR, [XOR] = ALU_XOR};
    if (b.kind == X64_IN_REG && b.reg == to && a != to) {
        if (op == SUB) {                       /* a - to */
            x64_rr(&c->code, w | 0xf7, 3, to); /* neg */
            op = ADD;
        }
        b.reg = a;
    } else {
        x64_move(c, type, to, a);
    }
    if (op == MUL)
        multiply(c, w, to, b);
    else
        alu(c, w, ALU[op], to, b);
}

/* Two constants, of an instruction that cannot trap. */
static bool fold(struct x64 *c, uint32_t w, unsigned op)
{
    struct x64_value *b = x64_top(c), *a = b - 1;
    if (b->kind != X64_CONST || a->kind != X64_CONST)
        return false;
    uint64_t x = a->bits, y = b->bits, result;
    switch (op) {
    case ADD:
        result = x + y;
        break;
    case SUB:
        result = x - y;
        break;
    case MUL:
        result = x * y;
        break;
    case AND:
        result = x & y;
        break;
    case OR:
        result = x | y;
        break;
    case XOR:
        result = x ^ y;
        break;
    case SHL:
        result = x << (y & (w ? 63 : 31));
        break;
    default:
        return false;
    }
    x64_drop(c);
    a->bits = w ? result : (uint32_t)result;
    return true;
}

static void arithmetic(struct x64 *c, uint32_t w, uint8_t type, unsigned op)
{
    struct x64_operand b = x64_pop_operand(c), a = x64_pop_operand(c);
    if (op != SUB && (a.kind == X64_IMM || (a.kind == X64_IN_MEM && b.kind == X64_IN_REG))) {
        struct x64_operand other = a;
        a = b;
        b = other;
    }
    if (op == AND && only_tested(c, w)) {
        test(c, w, a, b);
        return;
    }
    if (op == MUL && b.kind == X64_IMM) {
        multiply_const(c, w, type, a, b.imm);
        return;
    }
    if (op == SUB && b.kind == X64_IMM && b.imm != INT32_MIN) {
        op = ADD;
        b.imm = -b.imm;
    }
    unsigned reg = to_reg(c, w, a);
    unsigned candidate = reg;
    if (!x64_is_temp(c, reg) && b.kind == X64_IN_REG && x64_is_temp(c, b.reg))
        candidate = b.reg;
    unsigned to = x64_dest_gp(c, candidate);
    if (op == ADD && to != reg && b.kind == X64_IMM)
        x64_lea(&c->code, w, to, x64_at((uint8_t)reg, b.imm));
    else if (op == ADD && to != reg && b.kind == X64_IN_REG && to != b.reg)
        x64_lea(&c->code, w, to, x64_indexed((uint8_t)reg, (uint8_t)b.reg, 0, 0));
    else
        two_operands(c, w, type, op, to, reg, b);
    x64_push_reg(c, type, to);
}

/* x + (y << 1..3) is one instruction: if the shift just read is followed by an addition whose
 * other operand is below, both are made. */
static bool shift_and_add(struct x64 *c, uint32_t w, uint8_t type, uint32_t count)
{
    uint8_t add = w ? OP_I64_ADD : OP_I32_ADD;
    if (count == 0 || count > 3 || c->at[0] != add)
        return false;
    c->at++;
    unsigned index = x64_pop_gp(c);
    struct x64_operand base = x64_pop_operand(c);
    unsigned candidate = base.kind == X64_IN_REG && x64_is_temp(c, base.reg) ? base.reg : index;
    struct x64_mem m;
    if (base.kind == X64_IMM) {
        m = (struct x64_mem){X64_NONE, (uint8_t)index, (uint8_t)count, base.imm, 0};
    } else {
        unsigned reg = to_reg(c, w, base);
        m = x64_indexed((uint8_t)reg, (uint8_t)index, (uint8_t)count, 0);
    }
    unsigned to = x64_dest_gp(c, candidate);
    x64_lea(&c->code, w, to, m);
    x64_push_reg(c, type, to);
    return true;
}

static void shift(struct x64 *c, uint32_t w, uint8_t type, unsigned op)
{
    static const uint8_t SHIFTS[] = {SHIFT_SHL, SHIFT_SAR, SHIFT_SHR, SHIFT_ROL, SHIFT_ROR};
    enum x64_shift s = SHIFTS[op - SHL];
    if (x64_top(c)->kind == X64_CONST) {
        uint32_t count = (uint32_t)x64_top(c)->bits & (w ? 63 : 31);
        x64_drop(c);
        if (op == SHL && shift_and_add(c, w, type, count))
            return;
        unsigned a = x64_pop_gp(c), to = x64_dest_gp(c, a);
        x64_move(c, type, to, a);
        if (count)
            x64_shift_ri(&c->code, w, s, to, (uint8_t)count);
        x64_push_reg(c, type, to);
        return;
    }
    const struct x64_value *top = x64_top(c);
    if (top->kind != X64_REG || top->reg != RCX)
        x64_claim(c, RCX);
    x64_pop_into(c, RCX);
    unsigned a = x64_pop_gp(c), to = x64_dest_gp(c, a);
    x64_move(c, type, to, a);
    x64_shift_rc(&c->code, w, s, to);
    x64_push_reg(c, type, to);
}

/* ---- Division: rdx:rax by a register ---- */

static void divide_checked(struct x64 *c, uint32_t w, unsigned b, bool is_signed, bool rem)
{
    struct x64_asm *a = &c->code;
    x64_rr(a, w | 0x85, b, b);
    x64_trap_if(c, CC_E, WASM_TRAP_DIVIDE_BY_ZERO);
    if (!is_signed) {
        x64_alu_rr(a, 0, ALU_XOR, RDX, RDX);
        x64_rr(a, w | 0xf7, 6, b);
        return;
    }
    /* The smallest number by -1: a trap, or remainder 0. */
    x64_alu_ri(a, w, ALU_CMP, b, -1);
    uint32_t usual = x64_jcc(a, CC_NE, 0), done = 0;
    if (rem) {
        x64_alu_rr(a, 0, ALU_XOR, RDX, RDX);
        done = x64_jmp(a, 0);
    } else {
        x64_rr(a, w | 0xf7, 3, RAX); /* neg: overflows for it alone */
        x64_trap_if(c, CC_O, WASM_TRAP_INTEGER_OVERFLOW);
        done = x64_jmp(a, 0);
    }
    x64_patch(a, usual, x64_here(a));
    x64_rr(a, w | 0x99, 0, 0); /* cdq, cqo: without ModRM */
    a->at--;
    x64_rr(a, w | 0xf7, 7, b);
    x64_patch(a, done, x64_here(a));
}

static void divide(struct x64 *c, uint32_t w, uint8_t type, unsigned op)
{
    struct x64_asm *a = &c->code;
    bool is_signed = op == DIV_S || op == REM_S, rem = op == REM_S || op == REM_U;
    const struct x64_value *top = x64_top(c), *below = top - 1;
    bool plain =
        top->kind == X64_CONST && top->bits != 0 && top->bits != (w ? UINT64_MAX : UINT32_MAX);
    if (below->kind != X64_REG || below->reg != RAX)
        x64_claim(c, RAX);
    c->pinned |= X64_BIT(RAX);
    x64_claim(c, RDX);
    unsigned b = x64_pop_gp(c);
    x64_pop_into(c, RAX);
    if (!plain) {
        divide_checked(c, w, b, is_signed, rem);
    } else if (is_signed) {
        x64_rr(a, w | 0x99, 0, 0);
        a->at--;
        x64_rr(a, w | 0xf7, 7, b);
    } else {
        x64_alu_rr(a, 0, ALU_XOR, RDX, RDX);
        x64_rr(a, w | 0xf7, 6, b);
    }
    x64_push_reg(c, type, rem ? RDX : RAX);
}

/* ---- One operand ---- */

enum { CLZ, CTZ, POPCNT };

/* bsr and bsf leave the target alone where the source is zero. */
static void count_bits(struct x64 *c, uint32_t w, uint8_t type, unsigned op)
{
    struct x64_asm *a = &c->code;
    unsigned from = x64_pop_gp(c), bits = w ? 64 : 32;
    if (op == POPCNT) {
        unsigned to = x64_dest_gp(c, from);
        x64_rr(a, w | PF3 | M0F | 0xb8, to, from);
        x64_push_reg(c, type, to);
        return;
    }
    unsigned to = x64_alloc_gp(c), none = x64_alloc_gp(c);
    x64_mov_ri(a, none, op == CLZ ? 2 * bits - 1 : bits);
    x64_rr(a, w | M0F | (op == CLZ ? 0xbd : 0xbc), to, from);
    x64_rr(a, w | M0F | 0x40 | CC_E, to, none); /* cmove */
    if (op == CLZ)
        x64_alu_ri(a, w, ALU_XOR, to, (int32_t)bits - 1);
    x64_push_reg(c, type, to);
}

static void extend(struct x64 *c, uint8_t opcode)
{
    static const struct {
        uint32_t op;
        uint8_t type;
    } EXTENSIONS[] = {{BYTE | M0F | 0xbe, WASM_I32},
                      {M0F | 0xbf, WASM_I32},
                      {W64 | BYTE | M0F | 0xbe, WASM_I64},
                      {W64 | M0F | 0xbf, WASM_I64},
                      {W64 | 0x63, WASM_I64}};
    unsigned i = opcode == 0xac ? 4u : (unsigned)opcode - I32_EXTEND8_S;
    unsigned from = x64_pop_gp(c), to = x64_dest_gp(c, from);
    x64_rr(&c->code, EXTENSIONS[i].op, to, from);
    x64_push_reg(c, EXTENSIONS[i].type, to);
}

static void wrap(struct x64 *c)
{
    struct x64_value *v = x64_top(c);
    v->type = WASM_I32; /* of a value in memory, only half is loaded */
    if (v->kind == X64_CONST) {
        v->bits = (uint32_t)v->bits;
        return;
    }
    bool loaded = v->kind == X64_SLOT ||
                  (v->kind == X64_LOCAL && c->locals.items[v->local].reg == X64_NONE);
    unsigned from = x64_pop_gp(c), to = x64_dest_gp(c, from);
    if (!loaded || to != from)
        x64_mov_rr(&c->code, 0, to, from);
    x64_push_reg(c, WASM_I32, to);
}

bool x64_compile_integer(struct x64 *c, uint8_t opcode)
{
    if (opcode == OP_I32_EQZ || opcode == I64_EQZ) {
        equals_zero(c, opcode == I64_EQZ ? W64 : 0);
    } else if (opcode < I64_EQZ) {
        compare(c, 0, CONDITIONS[opcode - I32_EQ]);
    } else if (opcode <= I64_GE_U) {
        compare(c, W64, CONDITIONS[opcode - I64_EQ]);
    } else if ((opcode >= I32_CLZ && opcode < 0x79) || (opcode >= I64_CLZ && opcode < 0x8b)) {
        bool wide = opcode >= I64_CLZ;
        uint32_t w = wide ? W64 : 0;
        uint8_t type = wide ? WASM_I64 : WASM_I32;
        unsigned op = opcode - (wide ? I64_ARITHMETIC : I32_ARITHMETIC) + 3u;
        if (op < 3)
            count_bits(c, w, type, op);
        else if (fold(c, w, op -= 3))
            return true;
        else if (op >= SHL)
            shift(c, w, type, op);
        else if (op >= DIV_S && op <= REM_U)
            divide(c, w, type, op);
        else
            arithmetic(c, w, type, op);
    } else if (opcode == 0xa7) {
        wrap(c);
    } else if (opcode == 0xac || opcode >= I32_EXTEND8_S) {
        extend(c, opcode);
    } else if (opcode == 0xad) {
        x64_top(c)->type = WASM_I64; /* the high half is zero, wherever it is */
    } else {
        return false;
    }
    return true;
}
