/// The host's CPUs: one runs at a time, mock_cpu; privileged instructions become counters.
#pragma once

#define arch_cpu(none)    arch_cpu_hardware(none) // not the struct
#define arch_space_switch arch_space_switch_hardware
#define arch_relax        arch_relax_hardware
#define arch_fs_switch    arch_fs_switch_hardware
#include_next <arch/cpu.h>
#undef arch_cpu
#undef arch_space_switch
#undef arch_relax
#undef arch_fs_switch

struct cpu *arch_cpu(void);

/// The CPU that runs.
extern uint32_t mock_cpu;
/// What is loaded, by CPU.
extern uint64_t mock_top[ARCH_CPUS_MAX], mock_fs_base;
/// One turn of a waiting loop: other CPUs get on meanwhile.
void arch_relax(void);

static inline void arch_space_switch(struct phys top)
{
    mock_top[mock_cpu] = top.at;
}

static inline void arch_fs_switch(struct arch_cpu *cpu, const struct arch_frame *frame)
{
    cpu->fs_base = frame->fs_base;
    mock_fs_base = frame->fs_base;
}
