/// Exceptions and interrupts, from trap/entry.asm: a user's fault goes to kern_fault(), an
/// interrupt to kern_interrupt() or kern_timer(), anything else in the kernel is a panic.

#include "cpu/cpu.h"
#include <arch/irq.h>
#include <arch/kern.h>
#include <arch/port.h>
#include <pith/abi.h>

// For trap/entry.asm alone.
struct arch_resume trap_user(struct arch_frame *frame, uint64_t vector, uint64_t code);
struct arch_resume trap_idle(uint64_t vector);
void trap_kernel(struct trap_state *state);

extern const char entry_syscall[];

enum vector {
    VECTOR_DB = 1,
    VECTOR_NMI = 2,
    VECTOR_DF = 8,
    VECTOR_PF = 14,
    VECTOR_MF = 16,
    VECTOR_MC = 18,
    VECTOR_XM = 19,
};

/// enum fault by vector; 0 counts as PROTECTION.
static const uint8_t fault_kinds[VECTOR_IRQ] = {
    [0] = FAULT_DIVIDE,     [VECTOR_DB] = FAULT_DEBUG,   [3] = FAULT_BREAKPOINT,
    [4] = FAULT_OVERFLOW,   [5] = FAULT_BOUND,           [6] = FAULT_OPCODE,
    [7] = FAULT_NO_FPU,     [VECTOR_PF] = FAULT_PAGE,    [VECTOR_MF] = FAULT_FPU,
    [17] = FAULT_ALIGNMENT, [VECTOR_MC] = FAULT_MACHINE, [VECTOR_XM] = FAULT_SIMD,
};

static const char *const names[VECTOR_IRQ] = {
    "divide error",
    "debug",
    "NMI",
    "breakpoint",
    "overflow",
    "bound range",
    "invalid opcode",
    "no FPU",
    "double fault",
    NULL,
    "invalid TSS",
    "segment not present",
    "stack segment",
    "protection",
    "page fault",
    NULL,
    "x87",
    "alignment",
    "machine check",
    "SIMD",
    NULL,
    "control protection",
};

/// Reads and clears what a machine check left. True: the interrupted program can be told and
/// the machine go on (SDM volume 3, section 16.3).
static bool machine_check_survivable(void)
{
    enum { RESTART_VALID = 1, BANKS = 255 };
    const uint64_t context_corrupt = 1ul << 57, valid = 1ul << 63;
    bool survivable = msr_read(MSR_MCG_STATUS) & RESTART_VALID;
    uint32_t banks = msr_read(MSR_MCG_CAP) & BANKS;
    for (uint32_t i = 0; i < banks; i++) {
        uint64_t status = msr_read(MSR_MC0_STATUS + 4 * i);
        if ((status & valid) == 0)
            continue;
        kern_log("machine check: bank %u, status %lx\n", i, status);
        survivable &= (status & context_corrupt) == 0;
        msr_write(MSR_MC0_STATUS + 4 * i, 0);
    }
    msr_write(MSR_MCG_STATUS, 0);
    return survivable;
}

/// What struct fault says besides the registers, and clears its source.
static uint64_t fault_code(uint64_t vector, uint64_t code)
{
    uint32_t mxcsr;
    uint16_t x87;
    switch (vector) {
    case VECTOR_DB:
        __asm__ volatile("movq %%dr6, %0" : "=r"(code));
        __asm__ volatile("movq %0, %%dr6" ::"r"(0ul));
        return code;
    case VECTOR_MF:
        __asm__ volatile("fnstsw %0" : "=m"(x87));
        return x87;
    case VECTOR_XM:
        __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
        return mxcsr;
    default:
        return code;
    }
}

static struct arch_resume interrupt(uint64_t vector)
{
    if (vector == VECTOR_TIMER || vector == VECTOR_CPU)
        apic_eoi();
    if (vector == VECTOR_TIMER)
        return kern_timer();
    if (vector - VECTOR_IRQ < arch_irq_count())
        return kern_interrupt((uint32_t)vector - VECTOR_IRQ);
    return kern_called();
}

struct arch_resume trap_user(struct arch_frame *frame, uint64_t vector, uint64_t code)
{
    uint64_t address = vector == VECTOR_PF ? CR_READ(2) : 0;
    if (frame->rip >> 47 != 0) { // some CPUs notice a jump there only at its target
        address = frame->rip;
        frame->rip = USER_END; // nothing is there either, and IRET can go to it
    }
    if (vector >= VECTOR_IRQ)
        return interrupt(vector);
    if (vector == VECTOR_DF)
        kern_panic("double fault in user mode at %lx", frame->rip);
    if (vector == VECTOR_MC && !machine_check_survivable())
        kern_panic("machine check in user mode at %lx", frame->rip);
    uint32_t kind = fault_kinds[vector] ? fault_kinds[vector] : FAULT_PROTECTION;
    return kern_fault(frame, kind, address, fault_code(vector, code));
}

struct arch_resume trap_idle(uint64_t vector)
{
    return interrupt(vector);
}

/// Hardware that reports a failure by NMI says so at port 0x61; a CPU that panics stops the
/// others by NMI. Others are for nobody.
static void handle_nmi(void)
{
    enum { FAILURES = 0xc0 };
    if (apic_stopping())
        arch_halt();
    uint32_t reason = arch_port_read(0x61, 1);
    if (reason & FAILURES)
        kern_panic("NMI: the hardware reports a failure (port 0x61: %x)", reason);
}

/// What can be met in the kernel and is no bug. True: go on where it struck.
static bool handled(struct trap_state *s)
{
    const uint64_t resume_flag = 1ul << 16;
    switch (s->vector) {
    case VECTOR_NMI:
        handle_nmi();
        return true;
    case VECTOR_DB: // some CPUs deliver a user's single step behind its SYSCALL
        fault_code(VECTOR_DB, 0);
        s->rflags |= resume_flag;
        return s->rip == (uint64_t)entry_syscall;
    case VECTOR_MC:
        return machine_check_survivable();
    default:
        return false;
    }
}

/// Runs on the stack of the exception. Returning resumes what was interrupted. GS may still be,
/// or again, the user's; a vector with its own stack finds the CPU there.
void trap_kernel(struct trap_state *s)
{
    bool ist = s->vector == VECTOR_DB || s->vector == VECTOR_NMI || s->vector == VECTOR_DF ||
               s->vector == VECTOR_MC;
    uint64_t gs = msr_read(MSR_GS_BASE);
    if (ist)
        msr_write(MSR_GS_BASE, (uint64_t)cpu_of_ist(s));
    else if ((int64_t)gs >= 0) // between entry and SWAPGS
        __asm__ volatile("swapgs");
    if (handled(s)) {
        msr_write(MSR_GS_BASE, gs);
        return;
    }
    backtrace_from(s);
    kern_panic("%s in the kernel at %lx",
               names[s->vector] ? names[s->vector] : "unknown exception", s->rip);
}

_Noreturn void arch_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}
