/// The host's direct map: an array stands for physical memory.
#pragma once

#define arch_pointer arch_pointer_direct
#define arch_phys    arch_phys_direct
#include_next <arch/address.h>
#undef arch_pointer
#undef arch_phys

/// Bytes of physical memory, from address 0.
#define MOCK_MEMORY (64ul << 20)
extern uint8_t *mock_memory;

/// Stops the test if a physical address is none.
void mock_check_phys(uint64_t at);

static inline void *arch_pointer(struct phys p)
{
    mock_check_phys(p.at);
    return mock_memory + p.at;
}

static inline struct phys arch_phys(const void *pointer)
{
    return phys((uint64_t)((const uint8_t *)pointer - mock_memory));
}
