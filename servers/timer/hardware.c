// See hardware.h. Called by main.c and waits.c. The PIT because every machine has one at the
// same place, whatever its ACPI tables say; its 54 ms are enough, since a longer wait is armed
// again. Intel 8254 data sheet, mode 0; MC146818 data sheet.
#include "hardware.h"

#include <cpuid.h>
#include <x86gprintrin.h>
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/start.h>
#include <pith/syscall.h>

#include "calendar.h"

#define PIT_DATA     0x40u
#define PIT_CONTROL  0x43u
#define PIT_ONE_SHOT 0x30u // channel 0, low byte then high byte, mode 0
#define PIT_HZ       1193182u
#define PIT_MAX      0xffffu

#define CMOS_INDEX    0x70u
#define CMOS_DATA     0x71u
#define CMOS_STATUS_A 10u
#define CMOS_STATUS_B 11u
#define CMOS_UPDATING 0x80u
#define CMOS_TRIES    100000u // an update takes 2 ms

static uint32_t pit, cmos, irq, irq_line;
static KEPT uint32_t irq_signal; // slot

static void out(uint32_t handle, uint32_t port, uint32_t value)
{
    uint64_t ignored;
    CHECK(sys_ioport(handle, IO_OUT | IO_BYTE, port, value, &ignored) == OK);
}

static uint8_t in(uint32_t handle, uint32_t port)
{
    uint64_t value;
    CHECK(sys_ioport(handle, IO_BYTE, port, 0, &value) == OK);
    return (uint8_t)value;
}

static uint32_t grant_slot(const char *name)
{
    const struct startup_grant *grant = startup_grant(name);
    CHECK(grant);
    return grant->slot;
}

void hardware_start(uint32_t endpoint)
{
    pit = grant_slot("pit");
    cmos = grant_slot("cmos");
    irq = grant_slot("pit-irq");
    irq_line = (uint32_t)startup_grant("pit-irq")->first;
    uint32_t *signal = KEPT_VIEW(irq_signal);
    if (!*signal)
        *signal = slot_alloc();
    slot_empty(*signal);
    CHECK(*signal && sys_cap_copy(HANDLE_NULL, *signal, endpoint, DERIVE_SIGNAL,
                                  HARDWARE_SIGNAL, 0) == OK);
    status_ignore(sys_irq_control(irq, IRQ_OP_UNBIND, irq_line, 0, 0)); // our former's
    CHECK(sys_irq_control(irq, IRQ_OP_BIND, irq_line, *signal, 0) == OK);
}

void hardware_arm(uint64_t nanoseconds)
{
    uint64_t longest = (uint64_t)PIT_MAX * 1000000000u / PIT_HZ;
    uint64_t count = PIT_MAX;
    if (nanoseconds < longest)
        count = nanoseconds * PIT_HZ / 1000000000u + 1; // never early
    out(pit, PIT_CONTROL, PIT_ONE_SHOT);
    out(pit, PIT_DATA, count & 0xff);
    out(pit, PIT_DATA, count >> 8 & 0xff);
}

void hardware_acknowledge(void)
{
    CHECK(sys_irq_control(irq, IRQ_OP_ACK, irq_line, 0, 0) == OK);
}

static uint8_t cmos_read(uint32_t index)
{
    out(cmos, CMOS_INDEX, index);
    return in(cmos, CMOS_DATA);
}

static struct rtc_registers cmos_registers(void)
{
    for (uint32_t i = 0; i < CMOS_TRIES && cmos_read(CMOS_STATUS_A) & CMOS_UPDATING; i++)
        ;
    return (struct rtc_registers){cmos_read(0),
                                  cmos_read(2),
                                  cmos_read(4),
                                  cmos_read(7),
                                  cmos_read(8),
                                  cmos_read(9),
                                  cmos_read(CMOS_STATUS_B)};
}

bool hardware_wall_clock(uint64_t *seconds)
{
    // Two readings that agree were not torn by an update between them.
    uint64_t second_reading;
    for (int i = 0; i < 10; i++) {
        struct rtc_registers first = cmos_registers(), second = cmos_registers();
        if (calendar_seconds(&first, seconds) && calendar_seconds(&second, &second_reading) &&
            *seconds == second_reading)
            return true;
    }
    return false;
}

__attribute__((target("rdseed"))) static uint64_t cpu_seed(void)
{
    unsigned long long value = 0;
    for (int i = 0; i < 100 && !_rdseed64_step(&value); i++)
        ;
    return value;
}

__attribute__((target("rdrnd"))) static uint64_t cpu_random(void)
{
    unsigned long long value = 0;
    for (int i = 0; i < 100 && !_rdrand64_step(&value); i++)
        ;
    return value;
}

// How long port reads take differs a little each time.
static uint64_t jitter(void)
{
    uint64_t value = 0;
    for (int i = 0; i < 64; i++) {
        (void)cmos_read(0);
        value = (value << 1 | value >> 63) ^ __builtin_ia32_rdtsc();
    }
    return value;
}

void hardware_entropy(uint64_t words[4])
{
    unsigned a, b = 0, c = 0, d;
    bool seed = __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_RDSEED;
    bool rdrand = __get_cpuid(1, &a, &b, &c, &d) && c & bit_RDRND;
    for (int i = 0; i < 4; i++)
        words[i] = jitter() ^ (seed ? cpu_seed() : 0) ^ (rdrand ? cpu_random() : 0);
}
