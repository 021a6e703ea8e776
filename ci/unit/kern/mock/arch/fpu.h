/// The host's FPUs: one state for each CPU, and whether user mode can reach it.
#pragma once

#define arch_fpu_save    arch_fpu_save_hardware
#define arch_fpu_restore arch_fpu_restore_hardware
#define arch_fpu_enable  arch_fpu_enable_hardware
#define arch_fpu_disable arch_fpu_disable_hardware
#include_next <arch/fpu.h>
#undef arch_fpu_save
#undef arch_fpu_restore
#undef arch_fpu_enable
#undef arch_fpu_disable

#include <stdbool.h>

enum { MOCK_FPUS = 8 }; // arch/cpu.h: ARCH_CPUS_MAX
extern struct arch_fpu mock_fpu[MOCK_FPUS];
extern bool mock_fpu_on[MOCK_FPUS];
extern uint32_t mock_cpu;

static inline void arch_fpu_save(struct arch_fpu *fpu)
{
    *fpu = mock_fpu[mock_cpu];
}

static inline void arch_fpu_restore(const struct arch_fpu *fpu)
{
    mock_fpu[mock_cpu] = *fpu;
}

static inline void arch_fpu_enable(void)
{
    mock_fpu_on[mock_cpu] = true;
}

static inline void arch_fpu_disable(void)
{
    mock_fpu_on[mock_cpu] = false;
}
