/* Conversions between integers and floats (specification 4.3.4). */
#include "compiler.h"

static uint32_t scalar(uint8_t type)
{
    return type == WASM_F32 ? PF3 : PF2;
}

static uint32_t ucomis(uint8_t type)
{
    return (type == WASM_F32 ? 0 : P66) | M0F | 0x2e;
}

/* ---- Integer to float ---- */

static void to_float(struct x64 *c, uint8_t result, uint32_t w)
{
    struct x64_asm *a = &c->code;
    unsigned from = x64_pop_gp(c), to = x64_dest_xmm(c, X64_NONE);
    x64_rr(a, M0F | 0x57, to, to); /* else it would wait for what `to` held */
    x64_rr(a, w | scalar(result) | M0F | 0x2a, to, from);
    x64_push_reg(c, result, to);
}

/* A number above 2^63 is halved, with its last bit kept for the rounding, and doubled. */
static void u64_to_float(struct x64 *c, uint8_t result)
{
    struct x64_asm *a = &c->code;
    unsigned from = x64_pop_gp(c), to = x64_dest_xmm(c, X64_NONE);
    unsigned half = x64_alloc_gp(c), odd = x64_alloc_gp(c);
    x64_rr(a, M0F | 0x57, to, to);
    x64_rr(a, W64 | 0x85, from, from);
    uint32_t large = x64_jcc(a, CC_S, 0);
    x64_rr(a, W64 | scalar(result) | M0F | 0x2a, to, from);
    uint32_t done = x64_jmp(a, 0);
    x64_patch(a, large, x64_here(a));
    x64_mov_rr(a, W64, half, from);
    x64_mov_rr(a, 0, odd, from);
    x64_shift_ri(a, W64, SHIFT_SHR, half, 1);
    x64_alu_ri(a, 0, ALU_AND, odd, 1);
    x64_alu_rr(a, W64, ALU_OR, half, odd);
    x64_rr(a, W64 | scalar(result) | M0F | 0x2a, to, half);
    x64_rr(a, scalar(result) | M0F | 0x58, to, to);
    x64_patch(a, done, x64_here(a));
    x64_push_reg(c, result, to);
}

/* ---- Float to integer ---- */

struct truncation {
    uint8_t from, to;
    bool is_signed;
    bool saturates;
};

static void convert(struct x64 *c, uint8_t type, unsigned to, unsigned from)
{
    x64_rr(&c->code, W64 | scalar(type) | M0F | 0x2c, to, from); /* cvtts?2si */
}

/* The value in `x` does not fit: traps, or leaves the nearest that does in `to`. */
static void does_not_fit(struct x64 *c, const struct truncation *t, unsigned to, unsigned x)
{
    struct x64_asm *a = &c->code;
    x64_rr(a, ucomis(t->from), x, x);
    if (!t->saturates) {
        x64_trap_if(c, CC_P, WASM_TRAP_INVALID_CONVERSION);
        x64_trap(c, WASM_TRAP_INTEGER_OVERFLOW);
        return;
    }
    bool wide = t->to == WASM_I64;
    uint64_t least = !t->is_signed ? 0 : wide ? (uint64_t)1 << 63 : (uint32_t)1 << 31;
    uint64_t most = t->is_signed ? least - 1 : wide ? UINT64_MAX : UINT32_MAX;
    x64_mov_ri(a, to, 0);
    uint32_t nan = x64_jcc(a, CC_P, 0);
    x64_rr(a, M0F | 0x57, XMM15, XMM15);
    x64_mov_ri(a, to, least);
    x64_rr(a, ucomis(t->from), x, XMM15);
    uint32_t negative = x64_jcc(a, CC_B, 0);
    x64_mov_ri(a, to, most);
    x64_patch(a, negative, x64_here(a));
    x64_patch(a, nan, x64_here(a));
}

/* By way of 64 bits: it fits if the low half says the same. */
static void to_i32(struct x64 *c, const struct truncation *t, unsigned x)
{
    struct x64_asm *a = &c->code;
    unsigned to = x64_alloc_gp(c), low = x64_alloc_gp(c);
    convert(c, t->from, to, x);
    x64_rr(a, t->is_signed ? W64 | 0x63 : 0x8b, low, to);
    x64_alu_rr(a, W64, ALU_CMP, low, to);
    uint32_t fits = x64_jcc(a, CC_E, 0);
    does_not_fit(c, t, to, x);
    x64_patch(a, fits, x64_here(a));
    x64_mov_rr(a, 0, to, to);
    x64_push_reg(c, WASM_I32, to);
}

static struct x64_mem two_to_63(struct x64 *c, uint8_t type, bool negative)
{
    uint64_t bits = type == WASM_F32 ? 0x5f000000 : 0x43e0000000000000;
    uint64_t sign = type == WASM_F32 ? 0x80000000 : (uint64_t)1 << 63;
    return x64_constant(c, negative ? bits | sign : bits, 0, 8);
}

/* The machine answers -2^63 where a value does not fit, and for itself. */
static void to_i64(struct x64 *c, const struct truncation *t, unsigned x)
{
    struct x64_asm *a = &c->code;
    unsigned to = x64_alloc_gp(c);
    convert(c, t->from, to, x);
    x64_alu_ri(a, W64, ALU_CMP, to, 1);
    uint32_t fits = x64_jcc(a, CC_NO, 0);
    x64_rm(a, ucomis(t->from), x, two_to_63(c, t->from, true));
    uint32_t bad = x64_jcc(a, CC_P, 0), itself = x64_jcc(a, CC_E, 0);
    x64_patch(a, bad, x64_here(a));
    does_not_fit(c, t, to, x);
    x64_patch(a, fits, x64_here(a));
    x64_patch(a, itself, x64_here(a));
    x64_push_reg(c, WASM_I64, to);
}

/* From 2^63 on, 2^63 is taken off before and put back behind. */
static void to_u64(struct x64 *c, const struct truncation *t, unsigned x)
{
    struct x64_asm *a = &c->code;
    unsigned to = x64_alloc_gp(c), top = x64_alloc_gp(c);
    x64_rm(a, ucomis(t->from), x, two_to_63(c, t->from, false));
    uint32_t large = x64_jcc(a, CC_AE, 0);
    convert(c, t->from, to, x);
    x64_rr(a, W64 | 0x85, to, to);
    uint32_t done = x64_jcc(a, CC_NS, 0), bad = x64_jmp(a, 0);
    x64_patch(a, large, x64_here(a));
    x64_move(c, t->from, XMM15, x);
    x64_rm(a, scalar(t->from) | M0F | 0x5c, XMM15, two_to_63(c, t->from, false));
    convert(c, t->from, to, XMM15);
    x64_mov_ri(a, top, (uint64_t)1 << 63);
    x64_alu_rr(a, W64, ALU_XOR, to, top);
    uint32_t also_done = x64_jcc(a, CC_S, 0);
    x64_patch(a, bad, x64_here(a));
    does_not_fit(c, t, to, x);
    x64_patch(a, done, x64_here(a));
    x64_patch(a, also_done, x64_here(a));
    x64_push_reg(c, WASM_I64, to);
}

static void truncate(struct x64 *c, struct truncation t)
{
    unsigned x = x64_pop_xmm(c);
    if (t.to == WASM_I32)
        to_i32(c, &t, x);
    else if (t.is_signed)
        to_i64(c, &t, x);
    else
        to_u64(c, &t, x);
}

/* ---- The rest ---- */

static void resize(struct x64 *c, uint8_t from, uint8_t result)
{
    unsigned x = x64_pop_xmm(c), to = x64_dest_xmm(c, x);
    x64_rr(&c->code, scalar(from) | M0F | 0x5a, to, x);
    x64_push_reg(c, result, to);
}

static void reinterpret(struct x64 *c, uint8_t result)
{
    uint32_t w = x64_width(result);
    if (x64_top(c)->kind == X64_CONST) {
        x64_top(c)->type = result;
    } else if (x64_is_vector(result)) {
        unsigned from = x64_pop_gp(c), to = x64_dest_xmm(c, X64_NONE);
        x64_rr(&c->code, w | P66 | M0F | 0x6e, to, from);
        x64_push_reg(c, result, to);
    } else {
        unsigned from = x64_pop_xmm(c), to = x64_dest_gp(c, X64_NONE);
        x64_rr(&c->code, w | P66 | M0F | 0x7e, from, to);
        x64_push_reg(c, result, to);
    }
}

/* The eight truncations in the order of both their encodings. */
static const struct truncation TRUNCATIONS[] = {
    {WASM_F32, WASM_I32, true, false}, {WASM_F32, WASM_I32, false, false},
    {WASM_F64, WASM_I32, true, false}, {WASM_F64, WASM_I32, false, false},
    {WASM_F32, WASM_I64, true, false}, {WASM_F32, WASM_I64, false, false},
    {WASM_F64, WASM_I64, true, false}, {WASM_F64, WASM_I64, false, false}};

void x64_compile_saturating(struct x64 *c, uint32_t opcode)
{
    struct truncation t = TRUNCATIONS[opcode];
    t.saturates = true;
    truncate(c, t);
}

bool x64_compile_convert(struct x64 *c, uint8_t opcode)
{
    switch (opcode) {
    case 0xa8: /* i32.trunc */
    case 0xa9:
    case 0xaa:
    case 0xab:
        truncate(c, TRUNCATIONS[opcode - 0xa8]);
        break;
    case 0xae: /* i64.trunc */
    case 0xaf:
    case 0xb0:
    case 0xb1:
        truncate(c, TRUNCATIONS[opcode - 0xae + 4]);
        break;
    case 0xb2: /* f32.convert: i32_s i32_u i64_s i64_u; an i32_u is a positive i64 */
        to_float(c, WASM_F32, 0);
        break;
    case 0xb3:
    case 0xb4:
        to_float(c, WASM_F32, W64);
        break;
    case 0xb5:
        u64_to_float(c, WASM_F32);
        break;
    case 0xb6:
        resize(c, WASM_F64, WASM_F32);
        break;
    case 0xb7:
        to_float(c, WASM_F64, 0);
        break;
    case 0xb8:
    case 0xb9:
        to_float(c, WASM_F64, W64);
        break;
    case 0xba:
        u64_to_float(c, WASM_F64);
        break;
    case 0xbb:
        resize(c, WASM_F32, WASM_F64);
        break;
    case 0xbc:
        reinterpret(c, WASM_I32);
        break;
    case 0xbd:
        reinterpret(c, WASM_I64);
        break;
    case 0xbe:
        reinterpret(c, WASM_F32);
        break;
    case 0xbf:
        reinterpret(c, WASM_F64);
        break;
    default:
        return false;
    }
    return true;
}
