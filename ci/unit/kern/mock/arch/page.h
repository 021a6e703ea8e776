/// The host's TLB: flushes are counted.
#pragma once

#define arch_tlb_flush     arch_tlb_flush_hardware
#define arch_tlb_flush_all arch_tlb_flush_all_hardware
#include_next <arch/page.h>
#undef arch_tlb_flush
#undef arch_tlb_flush_all

extern unsigned mock_flushes[]; ///< by CPU
extern uint32_t mock_cpu;

static inline void arch_tlb_flush(struct user u)
{
    (void)u;
    mock_flushes[mock_cpu]++;
}

static inline void arch_tlb_flush_all(void)
{
    mock_flushes[mock_cpu]++;
}
