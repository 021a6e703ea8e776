// Off and restart, by what ACPI describes. Called by main.c for `process`.
//
// Off: the FADT names the PM1 control registers, and the package \_S5 in the DSDT the value
// that means "soft off" (ACPI specification 6.4: 5.2.9, 4.8.3.2, 7.4.2). The package is found
// by its name: the byte code of the DSDT is not run. Restart: the FADT's reset register
// (4.8.3.6), then the chip set's port 0xcf9, then the keyboard controller. Tables are believed
// only after their checksum.
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/text.h>
#include <proto/memory.h>
#include "init.h"

enum {
    TABLE_HEADER = 36,
    TABLE_MAX = 1 << 20,
    SLEEP_ENABLE = 1 << 13,
    SLEEP_TYPE_SHIFT = 10,
    SCI_ENABLED = 1,
    FADT_RESET_SUPPORTED = 1 << 10,
    SPACE_PORTS = 1,
    KEYBOARD_COMMAND = 0x64,
    KEYBOARD_RESET = 0xfe,
    CHIPSET_RESET = 0xcf9,
};

/// Offsets in the FADT, 5.2.9.
enum {
    FADT_DSDT = 40,
    FADT_SMI_COMMAND = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_PM1A_CONTROL = 64,
    FADT_PM1B_CONTROL = 68,
    FADT_FLAGS = 112,
    FADT_RESET_SPACE = 116,
    FADT_RESET_ADDRESS = 120,
    FADT_RESET_VALUE = 128,
    FADT_X_DSDT = 140,
};

static uint64_t field(const struct blob *table, uint32_t offset, uint32_t bytes)
{
    uint64_t value = 0;
    if (offset + bytes <= table->size)
        memcpy(&value, table->bytes + offset, bytes);
    return value;
}

/// `size` bytes of physical memory; no bytes: it cannot be shown.
static struct blob show(uint64_t address, uint64_t size)
{
    struct session *memory = session_to(STARTUP_SLOT_MEMORY);
    uint64_t first = address & ~(uint64_t)(PAGE - 1), at, length;
    uint64_t end = (address + size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    uint32_t share;
    if (address == 0 || memory_device_share(memory, first, end - first, 0, &share) != OK)
        return (struct blob){0, 0};
    enum status status = memory_attach_share(memory, PROTECTION_READ, share, &at, &length);
    slot_delete(share);
    return status == OK ? (struct blob){(const uint8_t *)at + (address - first), size}
                        : (struct blob){0, 0};
}

static bool sums_to_zero(const struct blob *table)
{
    uint8_t sum = 0;
    for (uint64_t i = 0; i < table->size; i++)
        sum = (uint8_t)(sum + table->bytes[i]);
    return sum == 0;
}

/// The table at `address`, if it is one with this signature (null: any).
static struct blob table_at(uint64_t address, const char *signature)
{
    struct blob header = show(address, TABLE_HEADER);
    uint64_t size = field(&header, 4, 4);
    if (!header.bytes || size < TABLE_HEADER || size > TABLE_MAX ||
        (signature && memcmp(header.bytes, signature, 4) != 0))
        return (struct blob){0, 0};
    struct blob table = show(address, size);
    return table.bytes && sums_to_zero(&table) ? table : (struct blob){0, 0};
}

static struct blob find_fadt(void)
{
    struct blob rsdp = show(boot->rsdp, 36);
    bool wide = field(&rsdp, 15, 1) >= 2 && field(&rsdp, 24, 8);
    struct blob root = table_at(wide ? field(&rsdp, 24, 8) : field(&rsdp, 16, 4), 0);
    uint32_t size = wide ? 8 : 4;
    for (uint32_t at = TABLE_HEADER; at + size <= root.size; at += size) {
        struct blob fadt = table_at(field(&root, at, size), "FACP");
        if (fadt.bytes)
            return fadt;
    }
    return (struct blob){0, 0};
}

/// An AML integer of at most a byte: ZeroOp, OneOp, or BytePrefix and the byte (20.2.3).
static bool small_integer(const struct blob *code, uint64_t *at, uint32_t *value)
{
    uint8_t op = *at < code->size ? code->bytes[*at] : 0xff;
    if (op == 0x0a && *at + 1 < code->size) {
        *value = code->bytes[*at + 1];
        *at += 2;
        return true;
    }
    *value = op;
    *at += 1;
    return op <= 1;
}

/// SLP_TYPa and SLP_TYPb: `Name (_S5_, Package () {a, b, ...})`.
static bool find_s5(const struct blob *dsdt, uint32_t types[2])
{
    for (uint64_t i = TABLE_HEADER; i + 8 < dsdt->size; i++) {
        if (memcmp(dsdt->bytes + i, "_S5_\x12", 5) != 0)
            continue;
        uint64_t at = i + 5;
        at += 1u + (dsdt->bytes[at] >> 6); // package length, 20.2.4
        at += 1;                           // number of elements
        if (small_integer(dsdt, &at, &types[0]) && small_integer(dsdt, &at, &types[1]))
            return true;
    }
    return false;
}

// ---------------------------------------------------------------- registers

static void out(uint32_t width, uint64_t port, uint64_t value)
{
    uint64_t ignored;
    status_ignore(
        sys_ioport(own.ioport, IO_OUT | width, (uint32_t)port, (uint32_t)value, &ignored));
}

static uint32_t in(uint32_t width, uint64_t port)
{
    uint64_t value = 0;
    status_ignore(sys_ioport(own.ioport, width, (uint32_t)port, 0, &value));
    return (uint32_t)value;
}

/// Waits for what hardware does in microseconds.
static void pause_ms(uint32_t milliseconds)
{
    uint64_t end = tsc_now() + boot->tsc_hz / 1000 * milliseconds;
    while ((int64_t)(tsc_now() - end) < 0)
        ;
}

static void enable_acpi(const struct blob *fadt)
{
    uint64_t control = field(fadt, FADT_PM1A_CONTROL, 4),
             command = field(fadt, FADT_SMI_COMMAND, 4);
    if (in(IO_WORD, control) & SCI_ENABLED || command == 0)
        return;
    out(IO_BYTE, command, field(fadt, FADT_ACPI_ENABLE, 1));
    for (uint32_t i = 0; i < 300 && !(in(IO_WORD, control) & SCI_ENABLED); i++)
        pause_ms(10);
}

static void off(const struct blob *fadt)
{
    uint64_t x_dsdt = field(fadt, FADT_X_DSDT, 8);
    struct blob dsdt = table_at(x_dsdt ? x_dsdt : field(fadt, FADT_DSDT, 4), "DSDT");
    uint64_t pm1a = field(fadt, FADT_PM1A_CONTROL, 4), pm1b = field(fadt, FADT_PM1B_CONTROL, 4);
    uint32_t types[2];
    if (!find_s5(&dsdt, types)) {
        log_line("cannot turn off: no _S5 package, ACPI tables");
        return;
    }
    enable_acpi(fadt);
    out(IO_WORD, pm1a, types[0] << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
    if (pm1b)
        out(IO_WORD, pm1b, types[1] << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
    pause_ms(1000);
    log_line("cannot turn off: the machine ignored it, PM1 control at 0x%lx", pm1a);
}

static void restart(const struct blob *fadt)
{
    if (field(fadt, FADT_FLAGS, 4) & FADT_RESET_SUPPORTED &&
        field(fadt, FADT_RESET_SPACE, 1) == SPACE_PORTS) {
        out(IO_BYTE, field(fadt, FADT_RESET_ADDRESS, 8), field(fadt, FADT_RESET_VALUE, 1));
        pause_ms(100);
    }
    out(IO_BYTE, CHIPSET_RESET, 2); // hard reset, then the edge that does it
    out(IO_BYTE, CHIPSET_RESET, 6);
    pause_ms(100);
    out(IO_BYTE, KEYBOARD_COMMAND, KEYBOARD_RESET);
    pause_ms(1000);
    log_line("cannot restart: the machine ignored it");
}

void power(uint32_t how)
{
    struct blob fadt = find_fadt();
    log_line(how ? "restarting" : "turning off");
    if (how)
        restart(&fadt);
    else
        off(&fadt);
}
