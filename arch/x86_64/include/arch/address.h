/// Three kinds of address that must never be mixed up, and the direct map.
///
/// Included by all of kern and arch. All physical memory is mapped at ARCH_DIRECT_BASE with
/// supervisor rights, so the kernel reaches any byte of RAM by adding a constant, and never
/// dereferences a user address. A host test replaces this header with one whose direct map
/// is an array.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCH_PAGE_BITS   12
#define ARCH_PAGE_BYTES  4096ul
#define ARCH_DIRECT_BASE 0xffff800000000000ul

/// A physical address.
struct phys {
    uint64_t at;
};

/// An address in some user address space: a number, never dereferenced. Any value is possible
/// until arch_user_valid() has seen it.
struct user {
    uint64_t at;
};

static inline struct phys phys(uint64_t at)
{
    return (struct phys){at};
}

static inline struct user user(uint64_t at)
{
    return (struct user){at};
}

/// The kernel's pointer to physical memory. Valid for RAM, modules and firmware tables; device
/// registers are reached through arch's own uncached mappings.
static inline void *arch_pointer(struct phys p)
{
    return (void *)(p.at + ARCH_DIRECT_BASE);
}

/// The inverse. `pointer` must lie in the direct map (an object made from untyped memory), not
/// in the kernel's image: for that there is arch_image_phys().
static inline struct phys arch_phys(const void *pointer)
{
    return phys((uint64_t)pointer - ARCH_DIRECT_BASE);
}

/// Zeroes and copies whole words: `bytes` is a multiple of 8, the pointers are aligned to 8.
static inline void arch_zero(void *to, uint64_t bytes)
{
    uint64_t words = bytes / 8;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0ul) : "memory");
}

static inline void arch_copy(void *to, const void *from, uint64_t bytes)
{
    uint64_t words = bytes / 8;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
}

/// Whether [at, at + bytes) lies below USER_END (the first page below 2^47 stays free).
static inline bool arch_user_valid(struct user u, uint64_t bytes)
{
    const uint64_t end = 0x00007ffffffff000ul;
    return bytes <= end && u.at <= end - bytes;
}
