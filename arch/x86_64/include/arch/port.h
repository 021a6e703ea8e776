/// x86 ports. `bytes` is 1, 2 or 4.
#pragma once

#include <stdint.h>

static inline uint32_t arch_port_read(uint16_t port, unsigned bytes)
{
    uint32_t value = 0;
    if (bytes == 1)
        __asm__ volatile("inb %w1, %b0" : "+a"(value) : "d"(port));
    else if (bytes == 2)
        __asm__ volatile("inw %w1, %w0" : "+a"(value) : "d"(port));
    else
        __asm__ volatile("inl %w1, %0" : "+a"(value) : "d"(port));
    return value;
}

static inline void arch_port_write(uint16_t port, unsigned bytes, uint32_t value)
{
    if (bytes == 1)
        __asm__ volatile("outb %b0, %w1" ::"a"(value), "d"(port));
    else if (bytes == 2)
        __asm__ volatile("outw %w0, %w1" ::"a"(value), "d"(port));
    else
        __asm__ volatile("outl %0, %w1" ::"a"(value), "d"(port));
}

/// Reads `count` units from one port to `data`.
static inline void arch_port_read_many(uint16_t port, unsigned bytes, void *data,
                                       uint64_t count)
{
    if (bytes == 1)
        __asm__ volatile("rep insb" : "+D"(data), "+c"(count) : "d"(port) : "memory");
    else if (bytes == 2)
        __asm__ volatile("rep insw" : "+D"(data), "+c"(count) : "d"(port) : "memory");
    else
        __asm__ volatile("rep insl" : "+D"(data), "+c"(count) : "d"(port) : "memory");
}

/// Writes `count` units from `data` to one port.
static inline void arch_port_write_many(uint16_t port, unsigned bytes, const void *data,
                                        uint64_t count)
{
    if (bytes == 1)
        __asm__ volatile("rep outsb" : "+S"(data), "+c"(count) : "d"(port) : "memory");
    else if (bytes == 2)
        __asm__ volatile("rep outsw" : "+S"(data), "+c"(count) : "d"(port) : "memory");
    else
        __asm__ volatile("rep outsl" : "+S"(data), "+c"(count) : "d"(port) : "memory");
}
