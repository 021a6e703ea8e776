/// What the CPU must have, and what is switched on where it has it (Intel SDM volume 3,
/// section 2.5; CPUID: volume 2). Runs once on each CPU, before anything relies on NX.

#include "cpu/cpu.h"
#include <arch/kern.h>

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static struct cpuid cpuid(uint32_t leaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(0));
    return r;
}

static bool large_pages;
static uint64_t phys_end;

#define CR0_MP (1ul << 1)
#define CR0_EM (1ul << 2)
#define CR0_TS (1ul << 3)
#define CR0_NE (1ul << 5)
#define CR0_WP (1ul << 16)
#define CR0_AM (1ul << 18)

#define CR4_PAE        (1ul << 5)
#define CR4_MCE        (1ul << 6)
#define CR4_OSFXSR     (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)
#define CR4_UMIP       (1ul << 11)
#define CR4_SMEP       (1ul << 20)
#define CR4_SMAP       (1ul << 21)

#define EFER_SCE (1ul << 0)
#define EFER_NXE (1ul << 11)

/// Write back, write combining (for PWT), uncached-, uncached; twice.
#define PAT_ENTRIES 0x0007010600070106ul

static void require(uint32_t word, unsigned bit, const char *name)
{
    if (!(word >> bit & 1))
        kern_panic("this CPU lacks %s", name);
}

static void check_required(uint32_t basic, uint32_t extended)
{
    require(basic, 4, "a time stamp counter");
    require(basic, 5, "model-specific registers");
    require(basic, 9, "a local APIC");
    require(basic, 13, "global pages");
    require(basic, 16, "a page attribute table");
    require(basic, 24, "FXSAVE");
    require(basic, 26, "SSE2");
    require(extended, 11, "SYSCALL");
    require(extended, 20, "no-execute pages");
}

void features_enable(void)
{
    struct cpuid basic = cpuid(1), extended = cpuid(0x80000001), seven = {0};
    check_required(basic.edx, extended.edx);
    if (cpuid(0).eax >= 7)
        seven = cpuid(7);

    large_pages = extended.edx >> 26 & 1;
    unsigned bits = 36;
    if (cpuid(0x80000000).eax >= 0x80000008)
        bits = cpuid(0x80000008).eax & 255;
    phys_end = 1ul << (bits > 47 ? 47 : bits);

    uint64_t cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    cr4 |= basic.edx >> 7 & 1 ? CR4_MCE : 0;
    cr4 |= seven.ebx >> 7 & 1 ? CR4_SMEP : 0;
    cr4 |= seven.ebx >> 20 & 1 ? CR4_SMAP : 0;
    cr4 |= seven.ecx >> 2 & 1 ? CR4_UMIP : 0;
    CR_WRITE(4, cr4); // so without FSGSBASE, OSXSAVE, and limits on RDTSC
    CR_WRITE(0, (CR_READ(0) & ~CR0_EM) | CR0_MP | CR0_TS | CR0_NE | CR0_WP | CR0_AM);
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SCE | EFER_NXE);
    msr_write(MSR_PAT, PAT_ENTRIES);
}

bool features_large_pages(void)
{
    return large_pages;
}

uint64_t features_phys_end(void)
{
    return phys_end;
}
