/* Vector instructions that load, store, make, name or move lanes; see simd.h. */
#include "simd.h"

/* ---- Memory ---- */

static void load(struct x64 *c, uint32_t number, unsigned d, struct x64_mem m)
{
    static const uint32_t WHOLE[256] = {
        [SIMD_v128_load] = SSE_MOVUPS,          [SIMD_v128_load8x8_s] = SSE_PMOVSXBW,
        [SIMD_v128_load8x8_u] = SSE_PMOVZXBW,   [SIMD_v128_load16x4_s] = SSE_PMOVSXWD,
        [SIMD_v128_load16x4_u] = SSE_PMOVZXWD,  [SIMD_v128_load32x2_s] = SSE_PMOVSXDQ,
        [SIMD_v128_load32x2_u] = SSE_PMOVZXDQ,  [SIMD_v128_load32_splat] = SSE_MOVSS,
        [SIMD_v128_load64_splat] = SSE_MOVDDUP, [SIMD_v128_load32_zero] = SSE_MOVSS,
        [SIMD_v128_load64_zero] = SSE_MOVSD,
    };
    struct x64_asm *code = &c->code;
    if (WHOLE[number]) {
        x64_rm(code, WHOLE[number], d, m);
        if (number == SIMD_v128_load32_splat)
            x64_rri(code, SSE_PSHUFD, d, d, 0);
    } else if (number == SIMD_v128_load16_splat) {
        x64_rmi(code, SSE_PINSRW, d, m, 0);
        x64_rri(code, SSE_PSHUFLW, d, d, 0);
        x64_rri(code, SSE_PSHUFD, d, d, 0);
    } else { /* v128.load8_splat */
        x64_rmi(code, SSE_PINSRB, d, m, 0);
        x64_rr(code, SSE_PXOR, XMM15, XMM15);
        x64_rr(code, SSE_PSHUFB, d, XMM15);
    }
}

static const uint32_t INSERT[] = {SSE_PINSRB, SSE_PINSRW, SSE_PINSRD, SSE_PINSRQ};
static const uint32_t EXTRACT[] = {SSE_PEXTRB, SSE_PEXTRW, SSE_PEXTRD, SSE_PEXTRQ};

/* The last byte is touched first: an emulator that writes 16 bytes in two steps must not write
 * one half of what reaches beyond the memory. */
static void store(struct x64 *c, unsigned value, struct x64_mem m)
{
    enum { LAST = 15 };
    struct x64_mem last = m;
    if (m.disp > INT32_MAX - LAST) {
        last = x64_at((uint8_t)x64_alloc_gp(c), 0);
        x64_lea(&c->code, W64, last.base, m);
    }
    last.disp += LAST;
    x64_rmi(&c->code, 0x80, ALU_CMP, last, 0);
    x64_rm(&c->code, SSE_MOVUPS_STORE, value, m);
}

void x64_simd_access(struct x64 *c, uint32_t number)
{
    const struct wasm_simd_op *op = &wasm_simd_ops[number];
    struct x64_memarg memarg = x64_read_memarg(c);
    bool named = op->shape == WASM_SIMD_LOAD_LANE || op->shape == WASM_SIMD_STORE_LANE;
    uint8_t lane = named ? *c->at++ : 0;
    unsigned value = op->shape == WASM_SIMD_LOAD ? X64_NONE : x64_pop_xmm(c);
    struct x64_mem m = x64_pop_address(c, memarg);
    if (op->shape == WASM_SIMD_STORE) {
        store(c, value, m);
        return;
    }
    if (op->shape == WASM_SIMD_STORE_LANE) {
        x64_rmi(&c->code, EXTRACT[op->log2], value, m, lane);
        return;
    }
    unsigned d = x64_dest_xmm(c, value);
    if (op->shape == WASM_SIMD_LOAD) {
        load(c, number, d, m);
    } else {
        x64_simd_copy(c, d, value);
        x64_rmi(&c->code, INSERT[op->log2], d, m, lane);
    }
    x64_push_reg(c, WASM_V128, d);
}

/* ---- Making and naming lanes ---- */

void x64_simd_const(struct x64 *c)
{
    uint64_t low = x64_fixed(c, 8), high = x64_fixed(c, 8);
    unsigned d = x64_dest_xmm(c, X64_NONE);
    if ((low | high) == 0)
        x64_rr(&c->code, SSE_PXOR, d, d);
    else if ((low & high) == UINT64_MAX)
        x64_rr(&c->code, SSE_PCMPEQD, d, d);
    else
        x64_rm(&c->code, SSE_MOVAPS, d, x64_constant(c, low, high, 16));
    x64_push_reg(c, WASM_V128, d);
}

void x64_simd_splat(struct x64 *c, uint32_t number)
{
    struct x64_asm *code = &c->code;
    bool wide = number == SIMD_i64x2_splat || number == SIMD_f64x2_splat;
    unsigned from, d;
    if (number == SIMD_f32x4_splat || number == SIMD_f64x2_splat) {
        from = x64_pop_xmm(c);
        d = x64_dest_xmm(c, from);
    } else {
        from = x64_pop_gp(c);
        d = x64_dest_xmm(c, X64_NONE);
        x64_rr(code, wide ? SSE_MOVQ : SSE_MOVD, d, from);
        from = d;
    }
    if (number == SIMD_i8x16_splat) {
        x64_rr(code, SSE_PXOR, XMM15, XMM15);
        x64_rr(code, SSE_PSHUFB, d, XMM15);
    } else {
        if (number == SIMD_i16x8_splat)
            x64_rri(code, SSE_PSHUFLW, d, d, 0);
        x64_rri(code, SSE_PSHUFD, d, from, wide ? 0x44 : 0);
    }
    x64_push_reg(c, WASM_V128, d);
}

void x64_simd_extract(struct x64 *c, uint32_t number)
{
    const struct wasm_simd_op *op = &wasm_simd_ops[number];
    struct x64_asm *code = &c->code;
    uint8_t lane = *c->at++;
    unsigned a = x64_pop_xmm(c), d;
    if (x64_is_vector(op->type)) {
        d = x64_dest_xmm(c, a);
        if (lane == 0)
            x64_simd_copy(c, d, a);
        else
            x64_rri(code, SSE_PSHUFD, d, a, op->type == WASM_F64 ? 0xee : lane);
    } else {
        d = x64_dest_gp(c, X64_NONE);
        if (lane == 0 && op->log2 >= 2)
            x64_rr(code, op->log2 == 3 ? SSE_MOVQ_STORE : SSE_MOVD_STORE, a, d);
        else
            x64_rri(code, EXTRACT[op->log2], a, d, lane);
        if (number == SIMD_i8x16_extract_lane_s)
            x64_rr(code, BYTE | M0F | 0xbe, d, d); /* movsx */
        else if (number == SIMD_i16x8_extract_lane_s)
            x64_rr(code, M0F | 0xbf, d, d);
    }
    x64_push_reg(c, op->type, d);
}

void x64_simd_replace(struct x64 *c, uint32_t number)
{
    const struct wasm_simd_op *op = &wasm_simd_ops[number];
    struct x64_asm *code = &c->code;
    uint8_t lane = *c->at++;
    bool vector = x64_is_vector(op->type);
    unsigned value = vector ? x64_pop_xmm(c) : x64_pop_gp(c);
    unsigned a = x64_pop_xmm(c), none = X64_NONE;
    unsigned d = x64_simd_begin(c, a, vector ? &value : &none);
    if (!vector)
        x64_rri(code, INSERT[op->log2], d, value, lane);
    else if (op->type == WASM_F32)
        x64_rri(code, SSE_INSERTPS, d, value, (uint8_t)(lane << 4));
    else
        x64_rr(code, lane == 0 ? SSE_MOVSD : SSE_MOVLHPS, d, value);
    x64_push_reg(c, WASM_V128, d);
}

/* ---- Shuffles ---- */

/* The unpack that interleaves lanes as `lanes` says, or 0. */
static uint32_t unpack(const uint8_t lanes[16])
{
    static const uint32_t OPS[2][4] = {
        {SSE_PUNPCKLBW, SSE_PUNPCKLWD, SSE_PUNPCKLDQ, SSE_PUNPCKLQDQ},
        {SSE_PUNPCKHBW, SSE_PUNPCKHWD, SSE_PUNPCKHDQ, SSE_PUNPCKHQDQ}};
    for (unsigned high = 0; high < 2; high++) {
        for (unsigned log2 = 0; log2 < 4; log2++) {
            unsigned i = 0, bytes = 1u << log2;
            while (i < 16) {
                unsigned lane = i / (2 * bytes) * bytes + i % bytes + 8 * high;
                if (lanes[i] != lane + (i & bytes ? 16 : 0))
                    break;
                i++;
            }
            if (i == 16)
                return OPS[high][log2];
        }
    }
    return 0;
}

/* The immediate of a shuffle of 32-bit lanes, of two sources where the upper half is wholly of
 * the second and the lower of the first (`two`) or of the first alone; -1 if it is none. */
static int doublewords(const uint8_t lanes[16], bool two)
{
    int imm = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned first = lanes[4 * i], from = two && i >= 2 ? 16 : 0;
        if (first % 4 || first < from || first >= from + 16)
            return -1;
        for (unsigned k = 1; k < 4; k++)
            if (lanes[4 * i + k] != first + k)
                return -1;
        imm |= (int)((first - from) / 4) << (2 * i);
    }
    return imm;
}

/* How far a's bytes followed by b's are shifted down, or 0. */
static unsigned shifted(const uint8_t lanes[16])
{
    for (unsigned i = 1; i < 16; i++)
        if (lanes[i] != lanes[0] + i)
            return 0;
    return lanes[0];
}

/* The lanes of one operand, from `from` on, as a mask for pshufb; others become zero. */
static struct x64_mem mask(struct x64 *c, const uint8_t lanes[16], unsigned from)
{
    uint64_t words[2] = {0, 0};
    for (unsigned i = 0; i < 16; i++) {
        uint64_t lane = (lanes[i] & 16) == from ? lanes[i] & 15 : 0x80;
        words[i / 8] |= lane << i % 8 * 8;
    }
    return x64_constant(c, words[0], words[1], 16);
}

/* Lanes of a alone. */
static unsigned permute(struct x64 *c, const uint8_t lanes[16], unsigned a)
{
    unsigned d = x64_dest_xmm(c, a);
    int imm = doublewords(lanes, false);
    if (imm >= 0) {
        x64_rri(&c->code, SSE_PSHUFD, d, a, (uint8_t)imm);
    } else {
        x64_simd_copy(c, d, a);
        x64_rm(&c->code, SSE_PSHUFB, d, mask(c, lanes, 0));
    }
    return d;
}

static unsigned merge(struct x64 *c, const uint8_t lanes[16], unsigned a, unsigned b)
{
    struct x64_asm *code = &c->code;
    int imm = doublewords(lanes, true);
    uint32_t op = unpack(lanes);
    unsigned bytes = shifted(lanes), d;
    if (bytes) { /* palignr shifts the first operand's bytes above the second's */
        d = x64_simd_begin(c, b, &a);
        x64_rri(code, SSE_PALIGNR, d, a, (uint8_t)bytes);
    } else if (op || imm >= 0) {
        d = x64_simd_begin(c, a, &b);
        if (op)
            x64_rr(code, op, d, b);
        else
            x64_rri(code, SSE_SHUFPS, d, b, (uint8_t)imm);
    } else {
        d = x64_dest_xmm(c, a); /* may be b */
        x64_simd_copy(c, XMM15, b);
        x64_rm(code, SSE_PSHUFB, XMM15, mask(c, lanes, 16));
        x64_simd_copy(c, d, a);
        x64_rm(code, SSE_PSHUFB, d, mask(c, lanes, 0));
        x64_rr(code, SSE_POR, d, XMM15);
    }
    return d;
}

void x64_simd_shuffle(struct x64 *c)
{
    uint8_t lanes[16];
    unsigned of_a = 0, of_b = 0;
    for (unsigned i = 0; i < 16; i++) {
        lanes[i] = *c->at++;
        of_a += lanes[i] < 16;
        of_b += lanes[i] >= 16;
    }
    unsigned b = x64_pop_xmm(c), a = x64_pop_xmm(c), d;
    if (of_a == 0) {
        for (unsigned i = 0; i < 16; i++)
            lanes[i] -= 16;
        d = permute(c, lanes, b);
    } else if (of_b == 0) {
        d = permute(c, lanes, a);
    } else {
        d = merge(c, lanes, a, b);
    }
    x64_push_reg(c, WASM_V128, d);
}
