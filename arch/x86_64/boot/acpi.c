/// The few ACPI tables that the kernel needs: RSDP, RSDT or XSDT, MADT (ACPI specification 6.5,
/// sections 5.2.5 to 5.2.12). Read once at boot, nothing is written, nothing is believed before
/// its checksum. A table that is damaged counts as absent.

#include "boot/boot.h"
#include "mm/map.h"
#include <arch/kern.h>

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length; ///< from here on only with revision 2
    uint64_t xsdt;
} __attribute__((packed));

struct table {
    uint32_t signature;
    uint32_t length;
    uint8_t revision, checksum;
    char oem[26];
} __attribute__((packed));

_Static_assert(sizeof(struct table) == 36, "ACPI 5.2.6");

struct madt {
    struct table table;
    uint32_t local_apic;
    uint32_t flags;
} __attribute__((packed));

struct madt_entry {
    uint8_t type, length;
    union {
        struct {
            uint8_t processor, apic_id;
            uint32_t flags;
        } __attribute__((packed)) local;
        struct {
            uint8_t id, reserved;
            uint32_t at, first_gsi;
        } __attribute__((packed)) ioapic;
        struct {
            uint8_t bus, irq;
            uint32_t gsi;
            uint16_t flags;
        } __attribute__((packed)) override;
        struct {
            uint16_t reserved;
            uint64_t at;
        } __attribute__((packed)) address;
        struct {
            uint16_t reserved;
            uint32_t id, flags;
        } __attribute__((packed)) x2;
    };
} __attribute__((packed));

enum { MADT_LOCAL = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_ADDRESS = 5, MADT_X2 = 9 };
enum { SIGNATURE_MADT = 0x43495041, TABLE_MAX = 1 << 20, CPU_ENABLED = 1 };

static bool sum_is_zero(const void *data, uint64_t bytes)
{
    uint8_t sum = 0;
    for (uint64_t i = 0; i < bytes; i++)
        sum += ((const uint8_t *)data)[i];
    return sum == 0;
}

/// The table at `at`, or null if it is not one.
static const struct table *table_at(uint64_t at)
{
    if (at == 0 || !map_direct_covers(at, sizeof(struct table)))
        return NULL;
    const struct table *t = arch_pointer(phys(at));
    if (t->length < sizeof *t || t->length > TABLE_MAX || !map_direct_covers(at, t->length) ||
        !sum_is_zero(t, t->length))
        return NULL;
    return t;
}

static const struct madt *find_madt(const struct rsdp *rsdp)
{
    bool wide = rsdp->revision >= 2 && rsdp->xsdt != 0;
    const struct table *root = table_at(wide ? rsdp->xsdt : rsdp->rsdt);
    if (!root)
        return NULL;
    uint32_t size = wide ? 8 : 4;
    const char *entries = (const char *)(root + 1);
    for (uint32_t i = 0; i < (root->length - sizeof *root) / size; i++) {
        uint64_t at = 0;
        __builtin_memcpy(&at, entries + i * size, size);
        const struct table *t = table_at(at);
        if (t && t->signature == SIGNATURE_MADT && t->length >= sizeof(struct madt))
            return (const struct madt *)t;
    }
    return NULL;
}

static void add_cpu(struct acpi_madt *madt, uint32_t apic_id, uint32_t flags)
{
    if ((flags & CPU_ENABLED) && madt->cpu_count < MADT_CPUS)
        madt->apic_ids[madt->cpu_count++] = apic_id;
}

static void read_entry(const struct madt_entry *e, struct acpi_madt *madt)
{
    if (e->type == MADT_LOCAL && e->length >= 8) {
        add_cpu(madt, e->local.apic_id, e->local.flags);
    } else if (e->type == MADT_X2 && e->length >= 16) {
        add_cpu(madt, e->x2.id, e->x2.flags);
    } else if (e->type == MADT_IOAPIC && e->length >= 12 && madt->ioapic_count < 8) {
        madt->ioapics[madt->ioapic_count++] =
            (struct acpi_ioapic){phys(e->ioapic.at), e->ioapic.first_gsi};
    } else if (e->type == MADT_OVERRIDE && e->length >= 10 && e->override.irq < 16) {
        madt->isa_gsi[e->override.irq] = e->override.gsi;
        madt->isa_flags[e->override.irq] = e->override.flags;
    } else if (e->type == MADT_ADDRESS && e->length >= 12) {
        madt->local_apic = phys(e->address.at);
    }
}

void acpi_read(const struct arch_boot *boot, struct acpi_madt *madt)
{
    for (uint32_t i = 0; i < 16; i++)
        madt->isa_gsi[i] = i;
    const struct rsdp *rsdp = arch_pointer(boot->rsdp);
    const struct madt *found = NULL;
    if (boot->rsdp.at != 0 && sum_is_zero(rsdp, 20))
        found = find_madt(rsdp);
    if (!found)
        return;
    madt->local_apic = phys(found->local_apic);
    const char *at = (const char *)(found + 1);
    const char *end = (const char *)found + found->table.length;
    while (at + 2 <= end) {
        const struct madt_entry *e = (const void *)at;
        if (e->length < 2 || e->length > end - at)
            break;
        read_entry(e, madt);
        at += e->length;
    }
}
