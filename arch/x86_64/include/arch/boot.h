/// What the boot loader and the firmware told, checked and copied: the argument of kern_main().
#pragma once

#include <arch/address.h>
#include <arch/cpu.h>

#define ARCH_BOOT_RANGES  64
#define ARCH_BOOT_MODULES 8

enum arch_range_kind {
    ARCH_RANGE_FREE,   ///< RAM for anybody
    ARCH_RANGE_KERNEL, ///< image, tables and interrupt controllers: never handed out
    ARCH_RANGE_DEVICE, ///< everything else: registers, ROM, firmware tables, modules, holes
};

struct arch_range {
    struct phys start; ///< both page-aligned
    struct phys end;
    enum arch_range_kind kind;
};

struct arch_module {
    struct phys start; ///< page-aligned; the rest of its last page is not zeroed
    uint64_t bytes;
    char name[48]; ///< first word of its command line
};

struct arch_boot {
    /// Ascending, without gap or overlap, from 0 to the end of the physical address space.
    struct arch_range ranges[ARCH_BOOT_RANGES];
    uint32_t range_count;
    struct arch_module modules[ARCH_BOOT_MODULES];
    uint32_t module_count;
    uint64_t memory_bytes;   ///< usable RAM that the memory map lists
    struct phys rsdp;        ///< a copy of the RSDP in a DEVICE range; 0: no ACPI
    struct phys framebuffer; ///< linear RGB; 0: VGA text
    uint32_t framebuffer_pitch, framebuffer_width, framebuffer_height, framebuffer_bits;
    bool low_ram; ///< the page AP_PAGE is RAM
    uint32_t cpu_count;
    uint32_t apic_ids[ARCH_CPUS_MAX]; ///< of the CPUs that run, by number
    uint32_t irq_count;
    uint64_t tsc_hz;
    char build_id[41];
    char command_line[256];
};

/// The physical address of an object in the kernel's image.
struct phys arch_image_phys(const void *object);
