/// The local APIC of the CPU that runs (Intel SDM volume 3, chapter 11): its timer is the
/// preemption tick, and every interrupt is acknowledged here. xAPIC, by memory.

#include "cpu/cpu.h"
#include "mm/map.h"
#include <arch/irq.h>
#include <arch/kern.h>

enum { // registers, in words
    APIC_ID = 0x20 / 4,
    APIC_TPR = 0x80 / 4,
    APIC_EOI = 0xb0 / 4,
    APIC_SPURIOUS = 0xf0 / 4,
    APIC_ICR = 0x300 / 4,
    APIC_ICR_TARGET = 0x310 / 4,
    APIC_LVT_TIMER = 0x320 / 4,
    APIC_LVT_LINT0 = 0x350 / 4,
    APIC_LVT_LINT1 = 0x360 / 4,
    APIC_LVT_ERROR = 0x370 / 4,
    APIC_TIMER_INITIAL = 0x380 / 4,
    APIC_TIMER_CURRENT = 0x390 / 4,
    APIC_TIMER_DIVIDE = 0x3e0 / 4,
};

enum {
    LVT_NMI = 4 << 8,
    LVT_EXTERNAL = 7 << 8,
    LVT_MASKED = 1 << 16,
    TIMER_BY_16 = 3,
    SOFTWARE_ENABLE = 1 << 8,
};

enum { // commands
    ICR_NMI = 4 << 8,
    ICR_INIT = 5 << 8,
    ICR_START = 6 << 8,
    ICR_PENDING = 1 << 12,
    ICR_ASSERT = 1 << 14,
};

#define BASE_X2APIC (1ul << 10)
#define BASE_ENABLE (1ul << 11)

static volatile uint32_t *apic;
static struct phys base;
static uint64_t timer_hz;
static bool stopping;

void apic_init(struct phys from_madt, bool ioapic)
{
    uint64_t msr = msr_read(MSR_APIC_BASE);
    if ((msr & (BASE_X2APIC | BASE_ENABLE)) == (BASE_X2APIC | BASE_ENABLE))
        kern_panic(
            "the firmware left the local APIC in x2APIC mode; switch that off in its setup");
    base = from_madt.at ? from_madt : phys(msr & 0x000ffffffffff000ul);
    apic = map_device(base);
    apic_enable(0, !ioapic);
}

void apic_enable(uint32_t number, bool external)
{
    msr_write(MSR_APIC_BASE, (msr_read(MSR_APIC_BASE) & 0xfff) | base.at | BASE_ENABLE);
    apic[APIC_TPR] = 0;
    apic[APIC_LVT_TIMER] = LVT_MASKED;
    apic[APIC_LVT_ERROR] = LVT_MASKED;
    apic[APIC_LVT_LINT0] = external ? LVT_EXTERNAL : LVT_MASKED;
    apic[APIC_LVT_LINT1] = LVT_NMI;
    apic[APIC_TIMER_DIVIDE] = TIMER_BY_16;
    apic[APIC_SPURIOUS] = SOFTWARE_ENABLE | VECTOR_SPURIOUS;
    apic[APIC_EOI] = 0;
    kern_cpu(number)->apic_id = apic[APIC_ID] >> 24;
}

static void command(uint32_t apic_id, uint32_t word)
{
    while (apic[APIC_ICR] & ICR_PENDING)
        arch_relax();
    apic[APIC_ICR_TARGET] = apic_id << 24;
    apic[APIC_ICR] = word | ICR_ASSERT;
}

void apic_send_init(uint32_t apic_id)
{
    command(apic_id, ICR_INIT);
}

void apic_send_start(uint32_t apic_id, uint32_t page)
{
    command(apic_id, ICR_START | page / ARCH_PAGE_BYTES);
}

void arch_interrupt(const struct arch_cpu *cpu)
{
    command(cpu->apic_id, VECTOR_CPU);
}

/// Those that were left out are left alone: an NMI would have them run what is no code. Of the
/// others all but the first, which starts them, have told that they are there.
void arch_stop_others(void)
{
    __atomic_store_n(&stopping, true, __ATOMIC_RELEASE);
    if (!apic)
        return;
    uint32_t self = apic[APIC_ID] >> 24;
    for (uint32_t i = 0; i < ARCH_CPUS_MAX; i++) {
        const struct arch_cpu *cpu = kern_cpu(i);
        bool runs = i == 0 || __atomic_load_n(&cpu->frame, __ATOMIC_ACQUIRE);
        if (runs && cpu->apic_id != self)
            command(cpu->apic_id, ICR_NMI);
    }
}

bool apic_stopping(void)
{
    return __atomic_load_n(&stopping, __ATOMIC_ACQUIRE);
}

struct phys apic_base(void)
{
    return base;
}

void apic_eoi(void)
{
    apic[APIC_EOI] = 0;
}

void apic_timer_free_run(void)
{
    apic[APIC_LVT_TIMER] = LVT_MASKED;
    apic[APIC_TIMER_INITIAL] = UINT32_MAX;
}

uint32_t apic_timer_count(void)
{
    return apic[APIC_TIMER_CURRENT];
}

void apic_timer_set_rate(uint64_t hz)
{
    timer_hz = hz;
    apic[APIC_TIMER_INITIAL] = 0;
}

void arch_timer_start(uint32_t microseconds)
{
    uint64_t ticks = timer_hz * microseconds / 1000000;
    apic[APIC_LVT_TIMER] = VECTOR_TIMER;
    apic[APIC_TIMER_INITIAL] = ticks ? (uint32_t)ticks : 1;
}

void arch_timer_stop(void)
{
    apic[APIC_TIMER_INITIAL] = 0;
    apic[APIC_LVT_TIMER] = LVT_MASKED;
}
