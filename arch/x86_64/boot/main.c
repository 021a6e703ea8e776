/// arch_main(): from the first C instruction to kern_main(), in the order that it must be.

#include "boot/boot.h"
#include "cpu/cpu.h"
#include "mm/map.h"
#include <arch/irq.h>
#include <arch/kern.h>

void arch_main(struct phys info);

static struct arch_boot boot;

extern const uint8_t build_id[]; // boot/kernel.ld: an ELF note
enum { NOTE_HEADER = 16, BUILD_ID_BYTES = 20 };

static void read_build_id(char text[41])
{
    for (uint32_t i = 0; i < BUILD_ID_BYTES; i++) {
        uint8_t byte = build_id[NOTE_HEADER + i];
        text[2 * i] = "0123456789abcdef"[byte >> 4];
        text[2 * i + 1] = "0123456789abcdef"[byte & 15];
    }
}

/// Called by boot/entry.asm on the boot CPU's stack, with the first 4 GiB mapped.
void arch_main(struct phys info)
{
    console_init();
    cpu_init(0); // from here on an exception is a panic with a backtrace
    features_enable();
    map_init();
    boot.ranges[0] = (struct arch_range){phys(0), phys(features_phys_end()), ARCH_RANGE_DEVICE};
    boot.range_count = 1;
    multiboot_read(info, &boot);
    map_extend_direct(&boot);

    struct acpi_madt madt = {0};
    acpi_read(&boot, &madt);
    apic_init(madt.local_apic, madt.ioapic_count != 0);
    irq_init(&madt);
    boot.tsc_hz = clock_calibrate();

    ranges_set(&boot, apic_base().at, apic_base().at + ARCH_PAGE_BYTES, ARCH_RANGE_KERNEL);
    for (uint32_t i = 0; i < madt.ioapic_count; i++)
        ranges_set(&boot, madt.ioapics[i].at.at, madt.ioapics[i].at.at + ARCH_PAGE_BYTES,
                   ARCH_RANGE_KERNEL);
    boot.irq_count = arch_irq_count();
    read_build_id(boot.build_id);
    smp_start(&madt, &boot);
    kern_main(&boot);
}
