/// Inside arch: collecting struct arch_boot.
#pragma once

#include <arch/boot.h>

/// Reads GRUB's boot information at `info`, which lies below 4 GiB, and copies all of value
/// from it. Panics if it is unusable. After this, memory that it occupied may be overwritten.
void multiboot_read(struct phys info, struct arch_boot *boot);

/// Adds [start, end) as `kind`. What was said before about parts of it is replaced. FREE is
/// rounded inward to pages, the others outward. FREE is dropped when the table is nearly full.
void ranges_set(struct arch_boot *boot, uint64_t start, uint64_t end,
                enum arch_range_kind kind);

/// Takes one free page below 4 GiB for the kernel or, as `kind` says, for user space to read.
struct phys ranges_take_page(struct arch_boot *boot, enum arch_range_kind kind);

/// End of the highest FREE range.
uint64_t ranges_free_end(const struct arch_boot *boot);

/// What the MADT says, in a form for cpu/irq.c. All zero without ACPI.
struct acpi_ioapic {
    struct phys at;
    uint32_t first_gsi;
};

#define MADT_CPUS 256

struct acpi_madt {
    uint32_t ioapic_count;
    struct acpi_ioapic ioapics[8];
    uint32_t isa_gsi[16];   ///< where each ISA interrupt arrives
    uint16_t isa_flags[16]; ///< MPS INTI flags of its override
    uint32_t cpu_count;     ///< enabled ones, as far as there is room; perhaps one twice
    uint32_t apic_ids[MADT_CPUS];
    struct phys local_apic;
};

/// Starts the CPUs that the MADT names and fills boot's list of those that run; the others are
/// left out with a message. Everything else is set up.
void smp_start(const struct acpi_madt *madt, struct arch_boot *boot);

/// Reads the MADT, starting at boot->rsdp.
void acpi_read(const struct arch_boot *boot, struct acpi_madt *madt);
