/* Shifts of lanes, by a constant or a register; see simd.h. Bytes are shifted as words, and
 * 64-bit lanes have no arithmetic shift. */
#include "simd.h"

enum direction { LEFT, RIGHT, ARITHMETIC };

static const struct shift {
    uint8_t direction;
    uint8_t bits; /* of a lane */
} SHIFTS[256] = {
    [SIMD_i8x16_shl] = {LEFT, 8},          [SIMD_i8x16_shr_s] = {ARITHMETIC, 8},
    [SIMD_i8x16_shr_u] = {RIGHT, 8},       [SIMD_i16x8_shl] = {LEFT, 16},
    [SIMD_i16x8_shr_s] = {ARITHMETIC, 16}, [SIMD_i16x8_shr_u] = {RIGHT, 16},
    [SIMD_i32x4_shl] = {LEFT, 32},         [SIMD_i32x4_shr_s] = {ARITHMETIC, 32},
    [SIMD_i32x4_shr_u] = {RIGHT, 32},      [SIMD_i64x2_shl] = {LEFT, 64},
    [SIMD_i64x2_shr_s] = {ARITHMETIC, 64}, [SIMD_i64x2_shr_u] = {RIGHT, 64},
};

/* A count, constant or in a vector register. */
struct count {
    bool constant;
    uint8_t value;
    unsigned reg;
};

/* reg shifted as lanes of 16, 32 or 64 bits. */
static void shift(struct x64 *c, enum direction direction, unsigned bits, unsigned reg,
                  struct count by)
{
    static const uint32_t BY_REG[3][3] = {{SSE_PSLLW, SSE_PSLLD, SSE_PSLLQ},
                                          {SSE_PSRLW, SSE_PSRLD, SSE_PSRLQ},
                                          {SSE_PSRAW, SSE_PSRAD, 0}};
    static const uint32_t BY_IMM[3] = {SSE_SHIFT_W, SSE_SHIFT_D, SSE_SHIFT_Q};
    static const uint8_t WAY[3] = {SSE_SHIFT_LEFT, SSE_SHIFT_RIGHT, SSE_SHIFT_ARITHMETIC};
    unsigned size = bits == 16 ? 0 : bits == 32 ? 1 : 2;
    if (by.constant)
        x64_rri(&c->code, BY_IMM[size], WAY[direction], reg, by.value);
    else
        x64_rr(&c->code, BY_REG[direction][size], reg, by.reg);
}

/* The top operand, modulo `bits`, plus `extra`; a register is XMM15. */
static struct count pop_count(struct x64 *c, unsigned *gp)
{
    struct count by = {.reg = XMM15};
    *gp = X64_NONE;
    if (x64_top(c)->kind == X64_CONST) {
        by.constant = true;
        by.value = (uint8_t)x64_top(c)->bits;
        x64_drop(c);
    } else {
        *gp = x64_pop_gp_tmp(c);
    }
    return by;
}

static void set_count(struct x64 *c, struct count *by, unsigned gp, uint8_t mask, uint8_t extra)
{
    if (by->constant) {
        by->value = (uint8_t)((by->value & mask) + extra);
        return;
    }
    x64_alu_ri(&c->code, 0, ALU_AND, gp, mask);
    if (extra)
        x64_alu_ri(&c->code, 0, ALU_ADD, gp, extra);
    x64_rr(&c->code, SSE_MOVD, XMM15, gp);
}

/* Bytes become the high halves of words, which are shifted into their low halves. */
static void arithmetic_8(struct x64 *c, unsigned a, struct count by, unsigned gp)
{
    struct x64_asm *code = &c->code;
    unsigned high = x64_alloc_xmm(c);
    set_count(c, &by, gp, 7, 8);
    x64_simd_copy(c, high, a);
    x64_rr(code, SSE_PUNPCKHBW, high, high);
    x64_rr(code, SSE_PUNPCKLBW, a, a);
    shift(c, ARITHMETIC, 16, high, by);
    shift(c, ARITHMETIC, 16, a, by);
    x64_rr(code, SSE_PACKSSWB, a, high);
}

/* Words are shifted, without the bits that would come from, or came from, the other byte. */
static void logical_8(struct x64 *c, enum direction direction, unsigned a, struct count by,
                      unsigned gp)
{
    struct x64_asm *code = &c->code;
    unsigned kept = by.constant ? X64_NONE : x64_alloc_xmm(c);
    set_count(c, &by, gp, 7, 0);
    if (by.constant) {
        uint64_t byte = direction == LEFT ? 0xffu << by.value & 0xff : 0xffu >> by.value;
        shift(c, direction, 16, a, by);
        x64_rm(code, SSE_PAND, a, x64_simd_twice(c, byte * 0x0101010101010101));
        return;
    }
    /* 0x00ff >> count in each word, packed to 0xff >> count in each byte. */
    x64_rr(code, SSE_PCMPEQD, kept, kept);
    x64_rri(code, SSE_SHIFT_W, SSE_SHIFT_RIGHT, kept, 8);
    shift(c, RIGHT, 16, kept, by);
    x64_rr(code, SSE_PACKUSWB, kept, kept);
    if (direction == LEFT)
        x64_rr(code, SSE_PAND, a, kept);
    shift(c, direction, 16, a, by);
    if (direction == RIGHT)
        x64_rr(code, SSE_PAND, a, kept);
}

/* With m the sign bit shifted alike: (a >> count ^ m) - m extends the sign. */
static void arithmetic_64(struct x64 *c, unsigned a, struct count by, unsigned gp)
{
    struct x64_asm *code = &c->code;
    unsigned m = x64_alloc_xmm(c);
    set_count(c, &by, gp, 63, 0);
    x64_rr(code, SSE_PCMPEQD, m, m);
    x64_rri(code, SSE_SHIFT_Q, SSE_SHIFT_LEFT, m, 63);
    shift(c, RIGHT, 64, m, by);
    shift(c, RIGHT, 64, a, by);
    x64_rr(code, SSE_PXOR, a, m);
    x64_rr(code, SSE_PSUBQ, a, m);
}

void x64_simd_shift(struct x64 *c, uint32_t number)
{
    const struct shift *s = &SHIFTS[number];
    unsigned gp;
    struct count by = pop_count(c, &gp);
    unsigned a = x64_pop_xmm_tmp(c);
    if (s->bits == 8 && s->direction == ARITHMETIC) {
        arithmetic_8(c, a, by, gp);
    } else if (s->bits == 8) {
        logical_8(c, s->direction, a, by, gp);
    } else if (s->bits == 64 && s->direction == ARITHMETIC) {
        arithmetic_64(c, a, by, gp);
    } else {
        set_count(c, &by, gp, (uint8_t)(s->bits - 1), 0);
        shift(c, s->direction, s->bits, a, by);
    }
    x64_push_reg(c, WASM_V128, a);
}
