// See ports.h. Called by the three drivers.
#include "ports.h"

#include <lib/kept.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/start.h>
#include <lib/text.h>
#include <pith/syscall.h>

enum { SIGNALS_MAX = 4 };

static KEPT uint32_t signals[SIGNALS_MAX]; // slots, by bit

struct granted ports_grant(const char *name)
{
    const struct startup_grant *grant = startup_grant(name);
    CHECK(grant);
    return (struct granted){grant->slot, (uint32_t)grant->first};
}

uint8_t ports_in(struct granted ports, uint32_t offset)
{
    uint64_t value;
    CHECK(sys_ioport(ports.slot, IO_BYTE, ports.first + offset, 0, &value) == OK);
    return (uint8_t)value;
}

void ports_out(struct granted ports, uint32_t offset, uint8_t value)
{
    uint64_t ignored;
    CHECK(sys_ioport(ports.slot, IO_OUT | IO_BYTE, ports.first + offset, value, &ignored) ==
          OK);
}

void ports_out_many(struct granted ports, uint32_t offset, uint32_t count)
{
    CHECK(kept_ioport(ports.slot, IO_OUT | IO_BYTE | IO_REPEAT, ports.first + offset, count) ==
          OK);
}

void ports_bind(struct granted irq, uint32_t endpoint, uint64_t bit)
{
    uint32_t *signal = &KEPT_VIEW(signals)[0][__builtin_ctzl(bit) % SIGNALS_MAX];
    if (!*signal)
        *signal = slot_alloc();
    slot_empty(*signal);
    CHECK(*signal && sys_cap_copy(HANDLE_NULL, *signal, endpoint, DERIVE_SIGNAL, bit, 0) == OK);
    status_ignore(sys_irq_control(irq.slot, IRQ_OP_UNBIND, irq.first, 0, 0)); // our former's
    CHECK(sys_irq_control(irq.slot, IRQ_OP_BIND, irq.first, *signal, 0) == OK);
}

void ports_acknowledge(struct granted irq)
{
    CHECK(sys_irq_control(irq.slot, IRQ_OP_ACK, irq.first, 0, 0) == OK);
}
