/* The assembler: x86-64 instructions as bytes.
 *
 * Used by the compiler and by the stubs. Nothing here knows WebAssembly. The caller sees to it
 * that there is room: an instruction takes at most X64_LONGEST bytes.
 *
 * Registers are numbered 0..15 (general) and 16..31 (xmm), so a number alone says which kind
 * it is. An instruction is a number too: its opcode byte with prefix, map and width, as the
 * manual's tables give them, for example `P66 | M0F | 0xfe` for paddd.
 */
#ifndef WASM_X64_ASM_H
#define WASM_X64_ASM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum x64_reg {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    XMM0,
    XMM1,
    XMM2,
    XMM3,
    XMM4,
    XMM5,
    XMM6,
    XMM7,
    XMM8,
    XMM9,
    XMM10,
    XMM11,
    XMM12,
    XMM13,
    XMM14,
    XMM15,
    X64_NONE = 0xff,
    X64_RIP = 0xfe, /* as the base of an address: relative to the instruction */
    X64_POOL = 0xfd /* as the base of an address: a constant of the pool */
};

enum { X64_LONGEST = 15 };

/* Parts of an instruction's number. */
enum {
    P66 = 0x100,
    PF3 = 0x200,
    PF2 = 0x300,
    M0F = 0x400,
    M38 = 0x800,
    M3A = 0xc00,
    W64 = 0x1000,  /* 64-bit operands */
    BYTE = 0x2000, /* a general register is used as its low byte */
};

/* Condition codes, as in jcc; X ^ 1 is the opposite. The last two are for an equality of floats
 * after ucomis: equal and ordered, and the opposite; they take two instructions. */
enum x64_cc {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G,
    CC_FE,
    CC_FNE
};

/* The eight operations of the first opcode rows and of group 1. */
enum x64_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
/* Of group 2. */
enum x64_shift { SHIFT_ROL = 0, SHIFT_ROR = 1, SHIFT_SHL = 4, SHIFT_SHR = 5, SHIFT_SAR = 7 };

/* base + (index << scale) + disp; base X64_NONE: only with an index. With X64_RIP, the absolute
 * address `target`; with X64_POOL, constant number `disp`. */
struct x64_mem {
    uint8_t base;
    uint8_t index; /* X64_NONE: none */
    uint8_t scale;
    int32_t disp;
    uint64_t target;
};

/* A constant of a function, placed behind its code. `uses` threads the displacements that wait
 * for its place: each holds the next older one. */
struct x64_constant {
    uint64_t low, high;
    uint32_t size; /* 8 or 16 */
    uint32_t uses; /* (place << 1 | bytes between the displacement and the end); 0 ends */
};

struct x64_asm {
    uint8_t *at;    /* where the next byte goes */
    uint8_t *start; /* of the buffer */
    uint64_t place; /* the address at which *start will be executed */
    struct x64_constant *constants;
};

static inline uint32_t x64_here(const struct x64_asm *a)
{
    return (uint32_t)(a->at - a->start);
}

static inline struct x64_mem x64_at(uint8_t base, int32_t disp)
{
    return (struct x64_mem){base, X64_NONE, 0, disp, 0};
}

static inline struct x64_mem x64_indexed(uint8_t base, uint8_t index, uint8_t scale,
                                         int32_t disp)
{
    return (struct x64_mem){base, index, scale, disp, 0};
}

static inline struct x64_mem x64_absolute(const volatile void *target)
{
    return (struct x64_mem){X64_RIP, X64_NONE, 0, 0, (uintptr_t)target};
}

static inline void x64_byte(struct x64_asm *a, uint8_t byte)
{
    *a->at++ = byte;
}

static inline void x64_word(struct x64_asm *a, uint32_t word)
{
    memcpy(a->at, &word, sizeof word);
    a->at += sizeof word;
}

/* reg and rm by number: reg is the register field, rm the other operand. */
void x64_rr(struct x64_asm *a, uint32_t op, unsigned reg, unsigned rm);
void x64_rm(struct x64_asm *a, uint32_t op, unsigned reg, struct x64_mem m);
/* With an immediate byte behind. */
void x64_rri(struct x64_asm *a, uint32_t op, unsigned reg, unsigned rm, uint8_t imm);
void x64_rmi(struct x64_asm *a, uint32_t op, unsigned reg, struct x64_mem m, uint8_t imm);
/* With an immediate of `bytes` (1, 2 or 4) bytes behind. */
void x64_rm_imm(struct x64_asm *a, uint32_t op, unsigned reg, struct x64_mem m, uint32_t imm,
                unsigned bytes);

/* `w` is W64 or 0. */
void x64_alu_rr(struct x64_asm *a, uint32_t w, enum x64_alu alu, unsigned to, unsigned from);
void x64_alu_ri(struct x64_asm *a, uint32_t w, enum x64_alu alu, unsigned to, int32_t imm);
void x64_alu_rm(struct x64_asm *a, uint32_t w, enum x64_alu alu, unsigned to, struct x64_mem m);
void x64_alu_mi(struct x64_asm *a, uint32_t w, enum x64_alu alu, struct x64_mem m, int32_t imm);
void x64_shift_ri(struct x64_asm *a, uint32_t w, enum x64_shift s, unsigned reg, uint8_t count);
/* By cl. */
void x64_shift_rc(struct x64_asm *a, uint32_t w, enum x64_shift s, unsigned reg);
/* Leaves flags alone. */
void x64_mov_ri(struct x64_asm *a, unsigned to, uint64_t value);
void x64_mov_rr(struct x64_asm *a, uint32_t w, unsigned to, unsigned from);
void x64_lea(struct x64_asm *a, uint32_t w, unsigned to, struct x64_mem m);
/* reg = condition, as 0 or 1. Not for CC_FE and CC_FNE. */
void x64_setcc(struct x64_asm *a, enum x64_cc cc, unsigned reg);
void x64_push(struct x64_asm *a, unsigned reg);
void x64_pop(struct x64_asm *a, unsigned reg);
void x64_ret(struct x64_asm *a, uint32_t bytes);

/* Jumps with a 32-bit distance: the place of the distance is returned, which holds `link`. */
uint32_t x64_jcc(struct x64_asm *a, enum x64_cc cc, uint32_t link);
uint32_t x64_jmp(struct x64_asm *a, uint32_t link);
uint32_t x64_call(struct x64_asm *a, uint32_t link);
/* The distance at `place` now leads to offset `to`. Returns what it held. */
uint32_t x64_patch(struct x64_asm *a, uint32_t place, uint32_t to);
/* Backward, or to an absolute address. */
void x64_jmp_to(struct x64_asm *a, uint32_t to);
void x64_jcc_to(struct x64_asm *a, enum x64_cc cc, uint32_t to);
void x64_call_to(struct x64_asm *a, uint64_t address);
void x64_jmp_address(struct x64_asm *a, uint64_t address);
/* Fills with no-operations up to a multiple of `alignment`. */
void x64_align(struct x64_asm *a, unsigned alignment);

#endif
