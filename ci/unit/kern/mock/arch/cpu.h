/// The host's CPU: privileged instructions become counters.
#pragma once

#define arch_cpu(none)    arch_cpu_hardware(none) // not the struct
#define arch_space_switch arch_space_switch_hardware
#define arch_fs_switch    arch_fs_switch_hardware
#include_next <arch/cpu.h>
#undef arch_cpu
#undef arch_space_switch
#undef arch_fs_switch

struct cpu *arch_cpu(void);

/// What is loaded.
extern uint64_t mock_top, mock_fs_base;

static inline void arch_space_switch(struct arch_cpu *cpu, struct phys top)
{
    cpu->space_writes++;
    mock_top = top.at;
}

static inline void arch_fs_switch(struct arch_cpu *cpu, const struct arch_frame *frame)
{
    cpu->fs_base = frame->fs_base;
    mock_fs_base = frame->fs_base;
}
