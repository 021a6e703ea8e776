/* Loads and stores. Nothing is checked: an index of 32 bits and an offset of 32 bits stay
 * inside the memory's reservation, and what lies behind its size faults. */
#include "compiler.h"

struct x64_memarg x64_read_memarg(struct x64 *c)
{
    struct x64_memarg m = {0, 0};
    uint32_t align = x64_u32(c);
    if (align & 0x40)
        m.memory = x64_u32(c);
    m.offset = x64_u32(c);
    return m;
}

struct x64_mem x64_pop_address(struct x64 *c, struct x64_memarg m)
{
    struct x64_asm *a = &c->code;
    unsigned base = R14;
    if (m.memory) {
        base = x64_alloc_gp(c);
        x64_mov_ri(a, base, (uintptr_t)c->instance->memories[m.memory]->base);
    }
    if (x64_top(c)->kind == X64_CONST) {
        uint64_t address = x64_top(c)->bits + m.offset;
        x64_drop(c);
        if (address <= INT32_MAX)
            return x64_at((uint8_t)base, (int32_t)address);
        unsigned reg = x64_alloc_gp(c);
        x64_mov_ri(a, reg, address);
        return x64_indexed((uint8_t)base, (uint8_t)reg, 0, 0);
    }
    if (m.offset <= INT32_MAX)
        return x64_indexed((uint8_t)base, (uint8_t)x64_pop_gp(c), 0, (int32_t)m.offset);
    unsigned index = x64_pop_gp(c), sum = x64_alloc_gp(c);
    x64_mov_ri(a, sum, m.offset);
    x64_alu_rr(a, W64, ALU_ADD, sum, index);
    return x64_indexed((uint8_t)base, (uint8_t)sum, 0, 0);
}

static void load(struct x64 *c, uint8_t opcode)
{
    /* From OP_LOAD_FIRST on: mov, movss, movsd, movsx, movzx. */
    static const uint32_t OPS[] = {0x8b,
                                   W64 | 0x8b,
                                   PF3 | M0F | 0x10,
                                   PF2 | M0F | 0x10,
                                   M0F | 0xbe,
                                   M0F | 0xb6,
                                   M0F | 0xbf,
                                   M0F | 0xb7,
                                   W64 | M0F | 0xbe,
                                   M0F | 0xb6,
                                   W64 | M0F | 0xbf,
                                   M0F | 0xb7,
                                   W64 | 0x63,
                                   0x8b};
    static const uint8_t TYPES[] = {WASM_I32, WASM_I64, WASM_F32, WASM_F64, WASM_I32,
                                    WASM_I32, WASM_I32, WASM_I32, WASM_I64, WASM_I64,
                                    WASM_I64, WASM_I64, WASM_I64, WASM_I64};
    unsigned i = opcode - OP_LOAD_FIRST;
    struct x64_mem m = x64_pop_address(c, x64_read_memarg(c));
    uint8_t address = m.index == X64_NONE ? m.base : m.index;
    unsigned to = x64_is_vector(TYPES[i]) ? x64_dest_xmm(c, X64_NONE) : x64_dest_gp(c, address);
    x64_rm(&c->code, OPS[i], to, m);
    x64_push_reg(c, TYPES[i], to);
}

static void store(struct x64 *c, uint8_t opcode)
{
    /* From OP_STORE_FIRST on. A constant float is stored as an integer. */
    static const uint32_t OPS[] = {0x89,        W64 | 0x89, PF3 | M0F | 0x11, PF2 | M0F | 0x11,
                                   BYTE | 0x88, P66 | 0x89, BYTE | 0x88,      P66 | 0x89,
                                   0x89};
    static const uint8_t BYTES[] = {4, 8, 4, 8, 1, 2, 1, 2, 4};
    unsigned i = opcode - OP_STORE_FIRST;
    struct x64_memarg arg = x64_read_memarg(c);
    struct x64_value *top = x64_top(c);
    uint64_t bits = top->bits;
    bool wide = BYTES[i] == 8;
    if (top->kind == X64_CONST && (!wide || bits == (uint64_t)(int64_t)(int32_t)bits)) {
        x64_drop(c);
        struct x64_mem m = x64_pop_address(c, arg);
        if (BYTES[i] == 1)
            x64_rm_imm(&c->code, 0xc6, 0, m, (uint32_t)bits, 1);
        else
            x64_rm_imm(&c->code, (BYTES[i] == 2 ? P66 : 0) | (wide ? W64 : 0) | 0xc7, 0, m,
                       (uint32_t)bits, BYTES[i] == 2 ? 2 : 4);
        return;
    }
    unsigned from = x64_is_vector(top->type) ? x64_pop_xmm(c) : x64_pop_gp(c);
    struct x64_mem m = x64_pop_address(c, arg);
    x64_rm(&c->code, OPS[i], from, m);
}

void x64_compile_access(struct x64 *c, uint8_t opcode)
{
    if (opcode <= OP_LOAD_LAST)
        load(c, opcode);
    else
        store(c, opcode);
}
