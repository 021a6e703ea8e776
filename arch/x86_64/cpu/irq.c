/// Interrupt lines: IOAPICs as ACPI's MADT describes them, or the 8259s where it names none.
///
/// Line n has vector 32 + n and goes to the boot CPU. The 8259s are always remapped (their
/// spurious interrupts need vectors) and masked.

#include "cpu/cpu.h"
#include "mm/map.h"
#include <arch/irq.h>
#include <arch/kern.h>
#include <arch/port.h>

#define NO_GSI UINT32_MAX

enum { IOAPIC_VERSION = 1, IOAPIC_TABLE = 16, IOAPICS_MAX = 8, ISA_LINES = 16 };
enum { // low word of a redirection entry (82093AA data sheet, section 3.2.4)
    REDIRECT_LOW = 1 << 13,
    REDIRECT_LEVEL = 1 << 15,
    REDIRECT_MASKED = 1 << 16,
};
enum { // MPS INTI flags (ACPI 5.2.12.5); 0 in a field: as the bus has it
    INTI_POLARITY = 3,
    INTI_ACTIVE_LOW = 3,
    INTI_TRIGGER = 3 << 2,
    INTI_LEVEL = 3 << 2,
};
enum { PIC_1 = 0x20, PIC_2 = 0xa0, PIC_END = 0x20, PIC_READ_ISR = 0x0b, PIC_ELCR = 0x4d0 };

struct ioapic {
    volatile uint32_t *registers; ///< [0] selects, [4] is the window
    uint32_t first_gsi, pins;
};

static struct ioapic ioapics[IOAPICS_MAX];
static uint32_t ioapic_count, line_count = ISA_LINES;
static uint32_t isa_gsi[ISA_LINES];
static uint16_t isa_flags[ISA_LINES];
static uint16_t pic_masked = 0xffff;

enum { LINE_LEVEL = 1, LINE_FIRED = 2, LINE_AGAIN = 4 };
static uint8_t line_states[ARCH_LINES_MAX]; ///< with IOAPICs; an 8259 keeps edges itself

static uint32_t ioapic_read(const struct ioapic *io, uint32_t index)
{
    io->registers[0] = index;
    return io->registers[4];
}

static void ioapic_write(const struct ioapic *io, uint32_t index, uint32_t value)
{
    io->registers[0] = index;
    io->registers[4] = value;
}

/// The IOAPIC that has `line`, and the index of the line's entry there; null: none has it.
static const struct ioapic *find_pin(uint32_t line, uint32_t *index)
{
    uint32_t gsi = line < ISA_LINES ? isa_gsi[line] : line;
    for (uint32_t i = 0; i < ioapic_count; i++) {
        const struct ioapic *io = &ioapics[i];
        if (gsi - io->first_gsi < io->pins) {
            *index = IOAPIC_TABLE + 2 * (gsi - io->first_gsi);
            return io;
        }
    }
    return NULL;
}

static void pic_write_masks(void)
{
    arch_port_write(PIC_1 + 1, 1, pic_masked & 0xff);
    arch_port_write(PIC_2 + 1, 1, pic_masked >> 8);
}

static void pic_init(void)
{
    static const uint8_t words[2][4] = {{0x11, VECTOR_IRQ, 4, 1}, {0x11, VECTOR_IRQ + 8, 2, 1}};
    for (int i = 0; i < 4; i++) {
        arch_port_write(PIC_1 + (i != 0), 1, words[0][i]);
        arch_port_write(PIC_2 + (i != 0), 1, words[1][i]);
    }
    if (ioapic_count == 0)
        pic_masked &= ~(1 << 2); // the second 8259's
    pic_write_masks();
}

/// Notes where the ISA lines arrive. A line whose own input an override gave to another (2,
/// when the PIT arrives there) has none: else whoever holds it could take that input over.
static void route_isa(const struct acpi_madt *madt)
{
    for (uint32_t i = 0; i < ISA_LINES; i++) {
        isa_gsi[i] = madt->isa_gsi[i];
        isa_flags[i] = madt->isa_flags[i];
        for (uint32_t j = 0; j < ISA_LINES; j++)
            if (j != i && isa_gsi[i] == i && madt->isa_gsi[j] == i)
                isa_gsi[i] = NO_GSI;
    }
}

void irq_init(const struct acpi_madt *madt)
{
    route_isa(madt);
    for (uint32_t i = 0; i < madt->ioapic_count && i < IOAPICS_MAX; i++) {
        struct ioapic *io = &ioapics[ioapic_count++];
        io->registers = map_device(madt->ioapics[i].at);
        io->first_gsi = madt->ioapics[i].first_gsi;
        io->pins = (ioapic_read(io, IOAPIC_VERSION) >> 16 & 255) + 1;
        for (uint32_t pin = 0; pin < io->pins; pin++)
            ioapic_write(io, IOAPIC_TABLE + 2 * pin, REDIRECT_MASKED);
        uint32_t end = io->first_gsi + io->pins;
        if (end > line_count)
            line_count = end > ARCH_LINES_MAX ? ARCH_LINES_MAX : end;
    }
    pic_init();
}

uint32_t arch_irq_count(void)
{
    return line_count;
}

static void pic_configure(uint32_t line, bool level)
{
    uint16_t port = PIC_ELCR + line / 8;
    uint32_t bit = 1u << line % 8, old = arch_port_read(port, 1);
    arch_port_write(port, 1, level ? old | bit : old & ~bit);
}

void arch_irq_configure(uint32_t line, bool level, bool low)
{
    if (ioapic_count == 0) {
        pic_configure(line, level);
        return;
    }
    uint16_t flags = line < ISA_LINES ? isa_flags[line] : 0;
    if (flags & INTI_TRIGGER)
        level = (flags & INTI_TRIGGER) == INTI_LEVEL;
    if (flags & INTI_POLARITY)
        low = (flags & INTI_POLARITY) == INTI_ACTIVE_LOW;
    line_states[line] = level ? LINE_LEVEL : 0;
    uint32_t index;
    const struct ioapic *io = find_pin(line, &index);
    if (!io)
        return;
    ioapic_write(io, index + 1, kern_cpu(0)->apic_id << 24);
    ioapic_write(io, index,
                 (VECTOR_IRQ + line) | REDIRECT_MASKED | (level ? REDIRECT_LEVEL : 0) |
                     (low ? REDIRECT_LOW : 0));
}

static void set_masked(uint32_t line, bool masked)
{
    uint32_t index;
    const struct ioapic *io;
    if (ioapic_count == 0) {
        pic_masked = masked ? pic_masked | 1u << line : pic_masked & ~(1u << line);
        pic_write_masks();
    } else if ((io = find_pin(line, &index)) != NULL) {
        uint32_t entry = ioapic_read(io, index) & ~REDIRECT_MASKED;
        ioapic_write(io, index, masked ? entry | REDIRECT_MASKED : entry);
    }
}

void arch_irq_mask(uint32_t line)
{
    line_states[line] &= LINE_LEVEL;
    set_masked(line, true);
}

bool arch_irq_unmask(uint32_t line)
{
    bool again = line_states[line] & LINE_AGAIN;
    line_states[line] &= again ? LINE_LEVEL | LINE_FIRED : LINE_LEVEL;
    set_masked(line, false);
    return again;
}

/// Whether the 8259 really serves `line`; a spurious interrupt shows as line 7 or 15 of which
/// it knows nothing. Acknowledges it.
static bool pic_accept(uint32_t line)
{
    uint16_t chip = line < 8 ? PIC_1 : PIC_2;
    arch_port_write(chip, 1, PIC_READ_ISR);
    bool real = arch_port_read(chip, 1) >> line % 8 & 1;
    if (real)
        arch_port_write(chip, 1, PIC_END);
    if (line >= 8)
        arch_port_write(PIC_1, 1, PIC_END);
    return real;
}

bool arch_irq_accept(uint32_t line)
{
    if (ioapic_count == 0) {
        set_masked(line, true);
        if (!pic_accept(line)) {
            set_masked(line, false);
            return false;
        }
        return true;
    }
    uint8_t *state = &line_states[line];
    bool again = *state & LINE_FIRED;
    if (again || (*state & LINE_LEVEL))
        set_masked(line, true);
    *state |= again ? LINE_AGAIN : LINE_FIRED;
    apic_eoi();
    return !again;
}
