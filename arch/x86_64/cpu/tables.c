/// Descriptor tables, stacks and per-CPU registers.
///
/// A CPU's stacks lie in one area:
///
///     guard page | kernel stack | #DB | NMI | #MC | #DF
///
/// The four exceptions that can strike anywhere, even with a user's stack pointer and GS, have
/// stacks of their own (IST), each with its CPU's address at the top.

#include "cpu/cpu.h"
#include "cpu/string.h"
#include <arch/kern.h>

enum { IST_DB = 1, IST_NMI, IST_MC, IST_DF, IST_COUNT = 4 };

struct area {
    char guard[ARCH_PAGE_BYTES];
    char stack[STACK_BYTES];
    char ist[IST_COUNT][IST_BYTES];
};

/// Named by boot/entry.asm, which starts on the first one's stack.
struct area cpu_areas[ARCH_CPUS_MAX] __attribute__((aligned(4096)));

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map; ///< beyond the limit: no port is the user's
} __attribute__((packed));

_Static_assert(sizeof(struct tss) == 104, "SDM volume 3, section 8.7");

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

enum { GDT_ENTRIES = 7, GATE_KERNEL = 0x8e, GATE_USER = 0xee, GATES = 256, STUB_BYTES = 16 };

static struct {
    uint64_t gdt[GDT_ENTRIES];
    struct tss tss;
} tables[ARCH_CPUS_MAX];
static struct gate idt[GATES];

extern char trap_stubs[], entry_syscall[]; // trap/entry.asm

static void fill_gdt(uint64_t *gdt, const struct tss *tss)
{
    uint64_t base = (uint64_t)tss;
    gdt[KERNEL_CS / 8] = 0x00209b0000000000;
    gdt[KERNEL_DS / 8] = 0x0000930000000000;
    gdt[USER_DS / 8] = 0x0000f30000000000;
    gdt[USER_CS / 8] = 0x0020fb0000000000;
    gdt[TSS_SEL / 8] =
        (sizeof *tss - 1) | (base & 0xffffff) << 16 | 0x89ul << 40 | (base >> 24 & 0xff) << 56;
    gdt[TSS_SEL / 8 + 1] = base >> 32;
}

static void fill_idt(void)
{
    for (uint32_t i = 0; i < GATES; i++) {
        uint64_t entry = (uint64_t)trap_stubs + i * STUB_BYTES;
        bool user = i == 3 || i == 4; // INT3 and INTO are the user's to execute
        idt[i] = (struct gate){.offset_low = entry & 0xffff,
                               .offset_middle = entry >> 16 & 0xffff,
                               .offset_high = entry >> 32,
                               .selector = KERNEL_CS,
                               .type = user ? GATE_USER : GATE_KERNEL};
    }
    idt[1].ist = IST_DB;
    idt[2].ist = IST_NMI;
    idt[18].ist = IST_MC;
    idt[8].ist = IST_DF;
}

static void load_tables(const uint64_t *gdt)
{
    struct table_pointer g = {sizeof tables->gdt - 1, (uint64_t)gdt};
    struct table_pointer i = {sizeof idt - 1, (uint64_t)idt};
    __asm__ volatile("lgdt %0" ::"m"(g));
    __asm__ volatile("lidt %0" ::"m"(i));
    __asm__ volatile("ltr %w0" ::"r"(TSS_SEL));
    __asm__ volatile("lldt %w0" ::"r"(0));
    __asm__ volatile("movl %0, %%ss" ::"r"(KERNEL_DS));
    __asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:" ::"i"(KERNEL_CS)
                     : "rax", "memory");
}

void cpu_init(uint32_t number)
{
    struct area *area = &cpu_areas[number];
    uint64_t *gdt = tables[number].gdt;
    struct tss *tss = &tables[number].tss;
    struct arch_cpu *cpu = kern_cpu(number);
    cpu->self = (struct cpu *)cpu;
    cpu->number = number;
    cpu->stack = cpu_stack_top(number);
    tss->rsp[0] = cpu->stack;
    tss->io_map = sizeof *tss;
    for (int i = 0; i < IST_COUNT; i++) {
        char *top = area->ist[i] + IST_BYTES - 16;
        memcpy(top, &cpu, sizeof cpu);
        tss->ist[i] = (uint64_t)top;
    }
    fill_gdt(gdt, tss);
    if (number == 0)
        fill_idt(); // all CPUs' one: those that run are using it
    load_tables(gdt);

    msr_write(MSR_GS_BASE, (uint64_t)cpu);
    msr_write(MSR_KERNEL_GS_BASE, 0);
    msr_write(MSR_FS_BASE, 0);
    msr_write(MSR_SYSENTER_CS, 0); // firmware may have used it; with 0 SYSENTER faults
    msr_write(MSR_STAR, (uint64_t)(KERNEL_DS | 3) << 48 | (uint64_t)KERNEL_CS << 32);
    msr_write(MSR_LSTAR, (uint64_t)entry_syscall);
    msr_write(MSR_FMASK, 0x257fd5); // every flag: IF, TF, DF, NT, AC and IOPL count
}

uint64_t cpu_stack_top(uint32_t number)
{
    return (uint64_t)(cpu_areas[number].stack + STACK_BYTES);
}

bool cpu_is_guard(const char *page)
{
    uint64_t offset = (uint64_t)page - (uint64_t)cpu_areas;
    return offset < sizeof cpu_areas && offset % sizeof(struct area) == 0;
}

struct arch_cpu *cpu_of_ist(const void *on_stack)
{
    uint64_t top = ((uint64_t)on_stack | (IST_BYTES - 1)) - 15;
    return *(struct arch_cpu **)top;
}
