/// x87 and SSE state. kern decides when it is exchanged; a thread without the FPU option runs
/// with CR0.TS set, as at boot, and its first FPU instruction is the fault NO_FPU.
#pragma once

#include <stdint.h>

/// What FXSAVE writes. Legal contents only: user space never supplies one.
struct arch_fpu {
    _Alignas(16) uint8_t image[512];
};

/// The state a thread starts with: everything masked and empty.
void arch_fpu_init(struct arch_fpu *fpu);

/// Both need the FPU enabled.
static inline void arch_fpu_save(struct arch_fpu *fpu)
{
    __asm__ volatile("fxsave64 %0" : "=m"(*fpu));
}

static inline void arch_fpu_restore(const struct arch_fpu *fpu)
{
    __asm__ volatile("fxrstor64 %0" ::"m"(*fpu));
}

static inline void arch_fpu_enable(void)
{
    __asm__ volatile("clts" ::: "memory");
}

static inline void arch_fpu_disable(void)
{
    uint64_t cr0;
    __asm__ volatile("movq %%cr0, %0; orq $8, %0; movq %0, %%cr0" : "=&r"(cr0)::"memory");
}
