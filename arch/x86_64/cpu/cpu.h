/// Inside arch: bringing up a CPU and its devices.
#pragma once

#include "boot/boot.h"
#include <arch/cpu.h>

// ---- features.c

/// Panics, naming it, if the CPU lacks something that the kernel needs; switches on what it
/// has.
void features_enable(void);
bool features_large_pages(void); ///< 1 GiB pages
/// End of the physical address space, at most 2^47.
uint64_t features_phys_end(void);

// ---- tables.c

/// Loads CPU `number`'s GDT, TSS and the IDT, points GS at kern_cpu(number), sets the SYSCALL
/// registers.
void cpu_init(uint32_t number);
/// Where CPU `number`'s kernel stack begins.
uint64_t cpu_stack_top(uint32_t number);
/// Whether `page` is one below a stack, which stays unmapped.
bool cpu_is_guard(const char *page);
/// The CPU whose IST stack `on_stack` points into.
struct arch_cpu *cpu_of_ist(const void *on_stack);

// ---- apic.c

/// Finds the local APICs at the MADT's address (0: the architecture's) and enables the boot
/// CPU's. Without an IOAPIC its LINT0 passes the 8259's interrupts.
void apic_init(struct phys from_madt, bool ioapic);
/// Enables the local APIC of CPU `number`, which runs. `external`: its LINT0 passes the 8259's.
void apic_enable(uint32_t number, bool external);
/// The two steps that start another CPU: INIT, and the page where it begins.
void apic_send_init(uint32_t apic_id);
void apic_send_start(uint32_t apic_id, uint32_t page);
/// Whether arch_stop_others() was called: an NMI is its.
bool apic_stopping(void);
struct phys apic_base(void);
void apic_eoi(void);
/// Runs the timer freely, unheard, from 2^32 - 1 down; what it shows.
void apic_timer_free_run(void);
uint32_t apic_timer_count(void);
/// Tells its rate, in ticks per second.
void apic_timer_set_rate(uint64_t hz);

// ---- clock.c

/// Measures the time stamp counter and the local APIC's timer; returns TSC ticks per second.
uint64_t clock_calibrate(void);
/// Waits; after calibration.
void clock_wait(uint32_t microseconds);

// ---- irq.c

void irq_init(const struct acpi_madt *madt);

// ---- console.c

void console_init(void);

// ---- ../trap/backtrace.c

/// As trap/entry.asm's trap_alone pushes it.
struct trap_state {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, code, rip, cs, rflags, rsp, ss;
};

/// The panic to come is about an exception that this CPU met in the kernel.
void backtrace_from(const struct trap_state *state);

// ---- instructions

enum { VECTOR_IRQ = 32, VECTOR_TIMER = 0xf0, VECTOR_CPU = 0xf1, VECTOR_SPURIOUS = 0xff };

#define MSR_APIC_BASE      0x1b
#define MSR_SYSENTER_CS    0x174
#define MSR_MCG_CAP        0x179
#define MSR_MCG_STATUS     0x17a
#define MSR_PAT            0x277
#define MSR_MC0_STATUS     0x401
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_FMASK          0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

static inline uint64_t msr_read(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"(value >> 32) : "memory");
}

#define CR_READ(n)                                                                             \
    ({                                                                                         \
        uint64_t value_;                                                                       \
        __asm__ volatile("movq %%cr" #n ", %0" : "=r"(value_));                                \
        value_;                                                                                \
    })
#define CR_WRITE(n, value)                                                                     \
    __asm__ volatile("movq %0, %%cr" #n ::"r"((uint64_t)(value)) : "memory")

#define CR4_PGE (1ul << 7)

/// Forgets all translations, the kernel's too.
static inline void cpu_flush_global(void)
{
    uint64_t cr4 = CR_READ(4);
    CR_WRITE(4, cr4 & ~CR4_PGE);
    CR_WRITE(3, CR_READ(3));
    CR_WRITE(4, cr4 | CR4_PGE);
}
