/// How fast the time stamp counter and the local APIC's timer run, measured at boot against the
/// PIT's channel 2 (the speaker's; 1,193,182 Hz on every PC), which nobody hears or uses.

#include "cpu/cpu.h"
#include <arch/kern.h>
#include <arch/port.h>

enum {
    PIT_HZ = 1193182,
    PIT_COUNT = 5966, ///< 5 ms
    PIT_CHANNEL_2 = 0x42,
    PIT_COMMAND = 0x43,
    PIT_MODE_0 = 0xb0, ///< channel 2, low and high byte, output rises at the end
    SPEAKER = 0x61,
    SPEAKER_GATE = 1,
    SPEAKER_DATA = 2,
    SPEAKER_OUTPUT = 0x20,
    ROUNDS = 3,
    READS_MAX = 1000000,
};

/// TSC ticks of one PIT count-down, and the APIC timer's; false if the PIT does not count.
static bool measure(uint64_t *tsc, uint32_t *apic)
{
    uint32_t speaker = arch_port_read(SPEAKER, 1) & ~(SPEAKER_GATE | SPEAKER_DATA);
    arch_port_write(SPEAKER, 1, speaker | SPEAKER_GATE);
    arch_port_write(PIT_COMMAND, 1, PIT_MODE_0);
    arch_port_write(PIT_CHANNEL_2, 1, PIT_COUNT & 0xff);
    arch_port_write(PIT_CHANNEL_2, 1, PIT_COUNT >> 8); // it counts from here on
    uint64_t tsc_start = arch_time();
    uint32_t apic_start = apic_timer_count();
    uint32_t reads = 0;
    while (!(arch_port_read(SPEAKER, 1) & SPEAKER_OUTPUT))
        if (++reads == READS_MAX)
            return false;
    *tsc = arch_time() - tsc_start;
    *apic = apic_start - apic_timer_count();
    arch_port_write(SPEAKER, 1, speaker);
    return *tsc != 0 && *apic != 0;
}

static uint64_t tsc_hz;

uint64_t clock_calibrate(void)
{
    uint64_t tsc_best = UINT64_MAX;
    uint32_t apic_best = 0;
    apic_timer_free_run();
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t tsc;
        uint32_t apic;
        if (!measure(&tsc, &apic))
            kern_panic("the PIT's channel 2 does not count, so time cannot be measured");
        if (tsc < tsc_best) { // the round that was disturbed least
            tsc_best = tsc;
            apic_best = apic;
        }
    }
    apic_timer_set_rate((uint64_t)apic_best * PIT_HZ / PIT_COUNT);
    tsc_hz = tsc_best * PIT_HZ / PIT_COUNT;
    return tsc_hz;
}

void clock_wait(uint32_t microseconds)
{
    uint64_t start = arch_time(), ticks = tsc_hz / 1000000 * microseconds;
    while (arch_time() - start < ticks)
        arch_relax();
}
