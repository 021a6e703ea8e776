/// The part of the kernel that `memory` uses, as a model: capabilities in a table, physical
/// memory in a file that is mapped where the server maps Frames into its own space. It is
/// strict: what the real kernel would refuse fails here too.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <pith/syscall.h>

enum {
    KERNEL_SLOTS = 1 << 16,
    KERNEL_RAM_BITS = 26, ///< 64 MiB, from KERNEL_RAM on
    KERNEL_META_BITS = 18,
    FIRST_UNTYPED = 65, ///< slots: RAM, meta block, device
    META_UNTYPED = 66,
    DEVICE_UNTYPED = 67,
    OWN_VSPACE = 68,
    OWN_ENDPOINT = 69,
    FIRST_SLOT = 70,
    SLOT_LIMIT = 512,
};

#define KERNEL_RAM         0x10000000ul
#define KERNEL_META        0x20000000ul
#define KERNEL_DEVICE      0x80000000ul
#define KERNEL_DEVICE_BITS 24u

/// Empties everything; the capabilities above exist.
void kernel_start(void);

/// What is mapped at an address of the space of this VSpace capability.
struct kernel_page {
    bool present;
    uint32_t flags;
    uint8_t *bytes; ///< of the page; null for device memory
};
struct kernel_page kernel_lookup(uint32_t vspace, uint64_t address);

/// Capabilities of this kind.
int kernel_count(enum kind kind);

/// System calls so far.
extern uint64_t kernel_calls;
