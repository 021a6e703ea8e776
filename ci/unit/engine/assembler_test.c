/* Writes instructions of the compiler's assembler, and what they should be called, for
 * assembler.sh to compare with what objdump reads: bytes to argv[1], text to standard output.
 */
#include "x86_64/asm.h"

#include <stdio.h>

static uint8_t buffer[1 << 20];
static struct x64_asm a = {buffer, buffer, 0, NULL};

static const char *const NAMES[4][16] = {
    {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
     "r13", "r14", "r15"},
    {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d",
     "r12d", "r13d", "r14d", "r15d"},
    {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
     "r13b", "r14b", "r15b"},
    {"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
     "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"}};
enum { QUAD, LONG, LOW, VECTOR };

static const char *name(int form, unsigned reg)
{
    return NAMES[reg >= 16 ? VECTOR : form][reg & 15];
}

static int form_of(uint32_t w)
{
    return w ? QUAD : LONG;
}

/* The text of an address, as objdump writes it. */
static const char *address(struct x64_mem m)
{
    static char text[80];
    int used = snprintf(text, sizeof text, "[%s", m.base == X64_NONE ? "" : name(QUAD, m.base));
    if (m.index != X64_NONE)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%s*%d",
                         m.base == X64_NONE ? "" : "+", name(QUAD, m.index), 1 << m.scale);
    if (m.disp || m.base == X64_NONE)
        used += snprintf(text + used, sizeof text - (size_t)used, "%c0x%x",
                         m.disp < 0 ? '-' : '+', (unsigned)(m.disp < 0 ? -m.disp : m.disp));
    snprintf(text + used, sizeof text - (size_t)used, "]");
    return text;
}

static const char *const ALU[] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
static const unsigned SOME[] = {RAX, RBX, RSP, RBP, RDI, R8, R12, R13, R15};
#define EACH(r) (unsigned i_##r = 0, r; i_##r < 9 && (r = SOME[i_##r], 1); i_##r++)

static void test_registers(uint32_t w)
{
    int f = form_of(w);
    for (unsigned op = 0; op < 8; op++)
        for
            EACH(x)
            for
                EACH(y)
                {
                    x64_alu_rr(&a, w, op, x, y);
                    printf("%s %s,%s\n", ALU[op], name(f, x), name(f, y));
                }
    for
        EACH(x)
        {
        for
            EACH(y)
            {
                x64_mov_rr(&a, w, x, y);
                printf("mov %s,%s\n", name(f, x), name(f, y));
                x64_rr(&a, w | M0F | 0xaf, x, y);
                printf("imul %s,%s\n", name(f, x), name(f, y));
                x64_rr(&a, w | BYTE | M0F | 0xbe, x, y);
                printf("movsx %s,%s\n", name(f, x), name(LOW, y));
                x64_rr(&a, w | M0F | 0x44, x, y);
                printf("cmove %s,%s\n", name(f, x), name(f, y));
                x64_rr(&a, w | PF3 | M0F | 0xb8, x, y);
                printf("popcnt %s,%s\n", name(f, x), name(f, y));
            }
        x64_shift_ri(&a, w, SHIFT_SHL, x, 5);
        printf("shl %s,0x5\n", name(f, x));
        x64_shift_ri(&a, w, SHIFT_SAR, x, 7);
        printf("sar %s,0x7\n", name(f, x));
        x64_shift_rc(&a, w, SHIFT_ROR, x);
        printf("ror %s,cl\n", name(f, x));
        x64_rr(&a, w | 0xf7, 7, x);
        printf("idiv %s\n", name(f, x));
        }
}

static void test_immediates(void)
{
    for
        EACH(x)
        {
            for (unsigned op = 0; op < 8; op++) {
                x64_alu_ri(&a, W64, op, x, -5);
                printf("%s %s,0xfffffffffffffffb\n", ALU[op], name(QUAD, x));
                if (x == RAX)
                    continue; /* objdump knows a second encoding by the same name: not ours */
                x64_alu_ri(&a, 0, op, x, 0x12345);
                printf("%s %s,0x12345\n", ALU[op], name(LONG, x));
            }
            x64_mov_ri(&a, x, 0);
            printf("mov %s,0x0\n", name(LONG, x));
            x64_mov_ri(&a, x, 0xfedcba98);
            printf("mov %s,0xfedcba98\n", name(LONG, x));
            x64_mov_ri(&a, x, UINT64_MAX);
            printf("mov %s,0xffffffffffffffff\n", name(QUAD, x));
            x64_mov_ri(&a, x, 0x123456789abcdef0);
            printf("movabs %s,0x123456789abcdef0\n", name(QUAD, x));
            x64_rm_imm(&a, P66 | 0xc7, 0, x64_at((uint8_t)x, 8), 0x1234, 2);
            printf("mov WORD PTR %s,0x1234\n", address(x64_at((uint8_t)x, 8)));
            x64_alu_mi(&a, 0, ALU_CMP, x64_at((uint8_t)x, -8), 0x1000);
            printf("cmp DWORD PTR %s,0x1000\n", address(x64_at((uint8_t)x, -8)));
            x64_setcc(&a, CC_LE, x);
            printf("setle %s\nmovzx %s,%s\n", name(LOW, x), name(LONG, x), name(LOW, x));
            x64_push(&a, x);
            printf("push %s\n", name(QUAD, x));
            x64_pop(&a, x);
            printf("pop %s\n", name(QUAD, x));
        }
}

static void test_address(struct x64_mem m)
{
    const char *at = address(m);
    x64_rm(&a, W64 | 0x8b, RDX, m);
    printf("mov rdx,QWORD PTR %s\n", at);
    x64_rm(&a, 0x89, R9, m);
    printf("mov DWORD PTR %s,r9d\n", at);
    x64_rm(&a, BYTE | 0x88, RSI, m);
    printf("mov BYTE PTR %s,sil\n", at);
    x64_lea(&a, 0, R10, m);
    printf("lea r10d,%s\n", at);
    x64_rm(&a, PF2 | M0F | 0x10, XMM9, m);
    printf("movsd xmm9,QWORD PTR %s\n", at);
    x64_rmi(&a, P66 | M3A | 0x0b, XMM1, m, 9);
    printf("roundsd xmm1,QWORD PTR %s,0x9\n", at);
    x64_alu_rm(&a, W64, ALU_SUB, RBP, m);
    printf("sub rbp,QWORD PTR %s\n", at);
}

static void test_addresses(void)
{
    static const int32_t DISTANCES[] = {0, 1, -128, 127, 128, -129, 0x7fffffff};
    for (unsigned d = 0; d < sizeof DISTANCES / sizeof *DISTANCES; d++)
        for (uint8_t base = 0; base < 16; base++) {
            test_address(x64_at(base, DISTANCES[d]));
            for (uint8_t index = 0; index < 16; index++)
                if (index != RSP)
                    test_address(x64_indexed(base, index, index & 3, DISTANCES[d]));
        }
    for (uint8_t index = 0; index < 16; index++)
        if (index != RSP)
            test_address(x64_indexed(X64_NONE, index, 2, 0x100));
}

static void test_vectors(void)
{
    for (unsigned x = XMM0; x <= XMM15; x += 3)
        for (unsigned y = XMM0; y <= XMM15; y += 5) {
            x64_rr(&a, PF3 | M0F | 0x58, x, y);
            printf("addss %s,%s\n", name(0, x), name(0, y));
            x64_rr(&a, P66 | M0F | 0xfe, x, y);
            printf("paddd %s,%s\n", name(0, x), name(0, y));
            x64_rr(&a, P66 | M38 | 0x00, x, y);
            printf("pshufb %s,%s\n", name(0, x), name(0, y));
            x64_rri(&a, P66 | M3A | 0x0f, x, y, 4);
            printf("palignr %s,%s,0x4\n", name(0, x), name(0, y));
            x64_rr(&a, W64 | PF2 | M0F | 0x2a, x, y & 15);
            printf("cvtsi2sd %s,%s\n", name(0, x), name(QUAD, y & 15));
            x64_rr(&a, W64 | P66 | M0F | 0x7e, x, y & 15);
            printf("movq %s,%s\n", name(QUAD, y & 15), name(0, x));
        }
}

static void test_jumps(void)
{
    uint32_t back = x64_here(&a);
    x64_jmp_to(&a, back);
    printf("jmp 0x%x\n", back);
    x64_jcc_to(&a, CC_A, back);
    printf("ja 0x%x\n", back);
    uint32_t place = x64_jcc(&a, CC_NE, 7);
    x64_ret(&a, 0);
    uint32_t over = x64_call(&a, place);
    x64_ret(&a, 16);
    if (x64_patch(&a, over, x64_here(&a)) != place || x64_patch(&a, place, back) != 7)
        printf("links are lost\n");
    printf("jne 0x%x\nret\ncall 0x%x\nret 0x10\n", back, x64_here(&a));
    x64_call_to(&a, back);
    printf("call 0x%x\n", back);
    x64_rm(&a, W64 | 0x8b, RCX, x64_absolute(NULL));
    printf("mov rcx,QWORD PTR [rip+0x%llx]\n",
           (unsigned long long)(0 - (uint64_t)x64_here(&a)));
    x64_rmi(&a, W64 | 0x83, ALU_CMP, x64_absolute(NULL), 3);
    printf("cmp QWORD PTR [rip+0x%llx],0x3\n",
           (unsigned long long)(0 - (uint64_t)x64_here(&a)));
    x64_align(&a, 16);
    if (x64_here(&a) % 16)
        printf("not aligned\n");
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    test_registers(0);
    test_registers(W64);
    test_immediates();
    test_addresses();
    test_vectors();
    test_jumps();
    FILE *out = fopen(argv[1], "wb");
    if (!out || fwrite(buffer, 1, x64_here(&a), out) != x64_here(&a))
        return 1;
    return fclose(out) != 0;
}
