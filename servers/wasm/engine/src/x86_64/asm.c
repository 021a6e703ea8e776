/* Encodings; see asm.h. */
#include "asm.h"

enum { REX = 0x40, REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1 };

/* Prefixes and opcode; `low_byte` is set where a byte register needs a REX to be named. */
static void opcode(struct x64_asm *a, uint32_t op, unsigned rex, bool low_byte)
{
    static const uint8_t PREFIX[] = {0, 0x66, 0xf3, 0xf2};
    uint8_t *p = a->at;
    if (op & 0x300)
        *p++ = PREFIX[op >> 8 & 3];
    if (op & W64)
        rex |= REX_W;
    if (rex || low_byte)
        *p++ = (uint8_t)(REX | rex);
    if (op & 0xc00) {
        *p++ = 0x0f;
        if ((op & 0xc00) == M38)
            *p++ = 0x38;
        else if ((op & 0xc00) == M3A)
            *p++ = 0x3a;
    }
    *p++ = (uint8_t)op;
    a->at = p;
}

void x64_rr(struct x64_asm *a, uint32_t op, unsigned reg, unsigned rm)
{
    unsigned rex = (reg & 8 ? REX_R : 0) | (rm & 8 ? REX_B : 0);
    opcode(a, op, rex, (op & BYTE) && rm >= 4); /* reg is wider, or an extension */
    x64_byte(a, (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7)));
}

void x64_rri(struct x64_asm *a, uint32_t op, unsigned reg, unsigned rm, uint8_t imm)
{
    x64_rr(a, op, reg, rm);
    x64_byte(a, imm);
}

/* ModRM and displacement of an address without base register; `tail` bytes follow it. */
static void relative(struct x64_asm *a, unsigned reg, struct x64_mem m, unsigned tail)
{
    x64_byte(a, (uint8_t)((reg & 7) << 3 | 5));
    uint32_t here = x64_here(a);
    if (m.base == X64_POOL) {
        struct x64_constant *c = &a->constants[m.disp];
        x64_word(a, c->uses);
        c->uses = here << 1 | (tail != 0);
    } else {
        x64_word(a, (uint32_t)(m.target - (a->place + here + 4 + tail)));
    }
}

static void memory(struct x64_asm *a, uint32_t op, unsigned reg, struct x64_mem m,
                   unsigned tail)
{
    bool low_byte = (op & BYTE) && reg >= 4;
    unsigned rex = reg & 8 ? REX_R : 0;
    if (m.base == X64_NONE) {
        rex |= m.index & 8 ? REX_X : 0;
        opcode(a, op, rex, low_byte);
        x64_byte(a, (uint8_t)((reg & 7) << 3 | 4));
        x64_byte(a, (uint8_t)(m.scale << 6 | (m.index & 7) << 3 | 5));
        x64_word(a, (uint32_t)m.disp);
        return;
    }
    if (m.base >= X64_POOL) {
        opcode(a, op, rex, low_byte);
        relative(a, reg, m, tail);
        return;
    }
    rex |= m.base & 8 ? REX_B : 0;
    if (m.index != X64_NONE)
        rex |= m.index & 8 ? REX_X : 0;
    opcode(a, op, rex, low_byte);
    /* rbp and r13 as base need a displacement; rsp and r12 need the second byte. */
    unsigned mode = m.disp == 0 && (m.base & 7) != RBP ? 0 : m.disp == (int8_t)m.disp ? 1 : 2;
    if (m.index != X64_NONE || (m.base & 7) == RSP) {
        unsigned index = m.index == X64_NONE ? RSP : m.index & 7;
        x64_byte(a, (uint8_t)(mode << 6 | (reg & 7) << 3 | 4));
        x64_byte(a, (uint8_t)(m.scale << 6 | index << 3 | (m.base & 7)));
    } else {
        x64_byte(a, (uint8_t)(mode << 6 | (reg & 7) << 3 | (m.base & 7)));
    }
    if (mode == 1)
        x64_byte(a, (uint8_t)m.disp);
    else if (mode == 2)
        x64_word(a, (uint32_t)m.disp);
}

void x64_rm(struct x64_asm *a, uint32_t op, unsigned reg, struct x64_mem m)
{
    memory(a, op, reg, m, 0);
}

void x64_rmi(struct x64_asm *a, uint32_t op, unsigned reg, struct x64_mem m, uint8_t imm)
{
    memory(a, op, reg, m, 1);
    x64_byte(a, imm);
}

void x64_rm_imm(struct x64_asm *a, uint32_t op, unsigned reg, struct x64_mem m, uint32_t imm,
                unsigned bytes)
{
    memory(a, op, reg, m, bytes);
    memcpy(a->at, &imm, bytes);
    a->at += bytes;
}

void x64_alu_rr(struct x64_asm *a, uint32_t w, enum x64_alu alu, unsigned to, unsigned from)
{
    x64_rr(a, w | (alu << 3 | 3), to, from);
}

void x64_alu_rm(struct x64_asm *a, uint32_t w, enum x64_alu alu, unsigned to, struct x64_mem m)
{
    x64_rm(a, w | (alu << 3 | 3), to, m);
}

void x64_alu_ri(struct x64_asm *a, uint32_t w, enum x64_alu alu, unsigned to, int32_t imm)
{
    if (imm == (int8_t)imm) {
        x64_rri(a, w | 0x83, alu, to, (uint8_t)imm);
        return;
    }
    x64_rr(a, w | 0x81, alu, to);
    x64_word(a, (uint32_t)imm);
}

void x64_alu_mi(struct x64_asm *a, uint32_t w, enum x64_alu alu, struct x64_mem m, int32_t imm)
{
    if (imm == (int8_t)imm)
        x64_rmi(a, w | 0x83, alu, m, (uint8_t)imm);
    else
        x64_rm_imm(a, w | 0x81, alu, m, (uint32_t)imm, 4);
}

void x64_shift_ri(struct x64_asm *a, uint32_t w, enum x64_shift s, unsigned reg, uint8_t count)
{
    x64_rri(a, w | 0xc1, s, reg, count);
}

void x64_shift_rc(struct x64_asm *a, uint32_t w, enum x64_shift s, unsigned reg)
{
    x64_rr(a, w | 0xd3, s, reg);
}

void x64_mov_ri(struct x64_asm *a, unsigned to, uint64_t value)
{
    if (value == (uint32_t)value) {
        opcode(a, 0xb8 | (to & 7), to & 8 ? REX_B : 0, false);
        x64_word(a, (uint32_t)value);
    } else if (value == (uint64_t)(int64_t)(int32_t)value) {
        x64_rr(a, W64 | 0xc7, 0, to);
        x64_word(a, (uint32_t)value);
    } else {
        opcode(a, W64 | 0xb8 | (to & 7), to & 8 ? REX_B : 0, false);
        x64_word(a, (uint32_t)value);
        x64_word(a, (uint32_t)(value >> 32));
    }
}

void x64_mov_rr(struct x64_asm *a, uint32_t w, unsigned to, unsigned from)
{
    x64_rr(a, w | 0x8b, to, from);
}

void x64_lea(struct x64_asm *a, uint32_t w, unsigned to, struct x64_mem m)
{
    x64_rm(a, w | 0x8d, to, m);
}

void x64_setcc(struct x64_asm *a, enum x64_cc cc, unsigned reg)
{
    x64_rr(a, BYTE | M0F | 0x90 | cc, 0, reg);
    x64_rr(a, BYTE | M0F | 0xb6, reg, reg);
}

void x64_push(struct x64_asm *a, unsigned reg)
{
    opcode(a, 0x50 | (reg & 7), reg & 8 ? REX_B : 0, false);
}

void x64_pop(struct x64_asm *a, unsigned reg)
{
    opcode(a, 0x58 | (reg & 7), reg & 8 ? REX_B : 0, false);
}

void x64_ret(struct x64_asm *a, uint32_t bytes)
{
    if (bytes == 0) {
        x64_byte(a, 0xc3);
        return;
    }
    x64_byte(a, 0xc2);
    x64_byte(a, (uint8_t)bytes);
    x64_byte(a, (uint8_t)(bytes >> 8));
}

static uint32_t distance(struct x64_asm *a, uint32_t link)
{
    uint32_t place = x64_here(a);
    x64_word(a, link);
    return place;
}

uint32_t x64_jcc(struct x64_asm *a, enum x64_cc cc, uint32_t link)
{
    x64_byte(a, 0x0f);
    x64_byte(a, (uint8_t)(0x80 | cc));
    return distance(a, link);
}

uint32_t x64_jmp(struct x64_asm *a, uint32_t link)
{
    x64_byte(a, 0xe9);
    return distance(a, link);
}

uint32_t x64_call(struct x64_asm *a, uint32_t link)
{
    x64_byte(a, 0xe8);
    return distance(a, link);
}

uint32_t x64_patch(struct x64_asm *a, uint32_t place, uint32_t to)
{
    uint32_t link, far = to - (place + 4);
    memcpy(&link, a->start + place, sizeof link);
    memcpy(a->start + place, &far, sizeof far);
    return link;
}

void x64_jmp_to(struct x64_asm *a, uint32_t to)
{
    int32_t far = (int32_t)(to - (x64_here(a) + 2));
    if (far == (int8_t)far) {
        x64_byte(a, 0xeb);
        x64_byte(a, (uint8_t)far);
        return;
    }
    x64_patch(a, x64_jmp(a, 0), to);
}

void x64_jcc_to(struct x64_asm *a, enum x64_cc cc, uint32_t to)
{
    int32_t far = (int32_t)(to - (x64_here(a) + 2));
    if (far == (int8_t)far) {
        x64_byte(a, (uint8_t)(0x70 | cc));
        x64_byte(a, (uint8_t)far);
        return;
    }
    x64_patch(a, x64_jcc(a, cc, 0), to);
}

void x64_call_to(struct x64_asm *a, uint64_t address)
{
    x64_byte(a, 0xe8);
    x64_word(a, (uint32_t)(address - (a->place + x64_here(a) + 4)));
}

void x64_jmp_address(struct x64_asm *a, uint64_t address)
{
    x64_byte(a, 0xe9);
    x64_word(a, (uint32_t)(address - (a->place + x64_here(a) + 4)));
}

void x64_align(struct x64_asm *a, unsigned alignment)
{
    /* The no-operations that the manual recommends, by length. */
    static const uint8_t NOPS[][8] = {{0},
                                      {0x90},
                                      {0x66, 0x90},
                                      {0x0f, 0x1f, 0x00},
                                      {0x0f, 0x1f, 0x40, 0x00},
                                      {0x0f, 0x1f, 0x44, 0x00, 0x00},
                                      {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
                                      {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
                                      {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00}};
    unsigned missing = (unsigned)-(a->place + x64_here(a)) & (alignment - 1);
    while (missing) {
        unsigned n = missing < 8 ? missing : 8;
        memcpy(a->at, NOPS[n], n);
        a->at += n;
        missing -= n;
    }
}
