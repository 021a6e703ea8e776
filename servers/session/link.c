// The link to the host: frames of type (1 byte), length (4, little-endian), payload. The frame
// types are drawn in toolchain/boot.py, the other end.
//
// To the host: QEMU's isa-debugcon, a port that takes a byte a write and is never busy. From
// the host: the second serial port, a 16550, which interrupts when bytes have arrived. Input
// that nobody takes yet stays in the emulator.
#include <lib/ipc.h>
#include <lib/log.h>
#include <lib/start.h>
#include <lib/text.h>
#include <pith/syscall.h>

#include "session.h"

// Registers and bits of the 16550 (PC16550D data sheet, section 8).
enum {
    DATA = 0,
    INTERRUPT_ENABLE = 1,
    INTERRUPT_ID = 2, // read
    FIFO_CONTROL = 2, // write
    LINE_CONTROL = 3,
    MODEM_CONTROL = 4,

    ENABLE_RECEIVE = 1,
    ID_MASK = 0x0f,
    ID_RECEIVE = 0x04, // at least FIFO_TRIGGER bytes are there
    ID_TIMEOUT = 0x0c, // fewer are there, and no more came for four characters' time
    FIFO_ON = 0xc7,    // enable, clear both, trigger at 14
    FIFO_TRIGGER = 14,
    DIVISOR_ACCESS = 0x80,
    DIVISOR = 96, // 1200 bit/s: the emulator's data keeps no such time, but the time-out does,
                  // and a busy guest must not get its input byte by byte because of it
    EIGHT_BITS = 3,
    MODEM_READY = 0x0b, // DTR, RTS, and OUT2, which lets the interrupt through
};

enum { HEADER_BYTES = 5 };

static uint32_t ports, irq, out_port;
static uint16_t base, line, out_number;
static uint32_t received; // bytes of the frame being received, its header included
static uint8_t header[HEADER_BYTES];
static uint8_t chunk[FIFO_TRIGGER]; // read from the port and not yet taken
static uint32_t chunk_at, chunk_bytes;

static uint8_t port_in(uint16_t offset)
{
    uint64_t value = 0;
    CHECK(sys_ioport(ports, IO_BYTE, base + offset, 0, &value) == OK);
    return (uint8_t)value;
}

static void port_out(uint16_t offset, uint8_t byte)
{
    uint64_t ignored;
    CHECK(sys_ioport(ports, IO_OUT | IO_BYTE, base + offset, byte, &ignored) == OK);
}

void link_start(void)
{
    const struct startup_grant *grant = startup_grant("link-ports");
    const struct startup_grant *interrupt = startup_grant("link-irq");
    const struct startup_grant *out = startup_grant("link-out");
    CHECK(grant && interrupt && out);
    out_port = out->slot;
    out_number = (uint16_t)out->first;
    ports = grant->slot;
    base = (uint16_t)grant->first;
    irq = interrupt->slot;
    line = (uint16_t)interrupt->first;
    port_out(LINE_CONTROL, DIVISOR_ACCESS);
    port_out(DATA, DIVISOR);
    port_out(INTERRUPT_ENABLE, 0);
    port_out(LINE_CONTROL, EIGHT_BITS);
    port_out(FIFO_CONTROL, FIFO_ON);
    port_out(MODEM_CONTROL, MODEM_READY);
    CHECK(sys_irq_control(irq, IRQ_OP_BIND, line, wake_capability(WAKE_LINK), 0) == OK);
    port_out(INTERRUPT_ENABLE, ENABLE_RECEIVE);
}

static void write_bytes(const uint8_t *bytes, uint32_t count)
{
    while (count > 0) {
        uint32_t part = count < IOPORT_WORDS ? count : IOPORT_WORDS;
        uint64_t ignored;
        memcpy(ipc_buffer()->io, bytes, part);
        CHECK(sys_ioport(out_port, IO_OUT | IO_BYTE | IO_REPEAT, out_number, part, &ignored) ==
              OK);
        bytes += part;
        count -= part;
    }
}

void link_send(char kind, const void *payload, uint32_t bytes)
{
    uint8_t head[HEADER_BYTES] = {(uint8_t)kind, (uint8_t)bytes, (uint8_t)(bytes >> 8),
                                  (uint8_t)(bytes >> 16), (uint8_t)(bytes >> 24)};
    CHECK(bytes <= FRAME_BYTES);
    write_bytes(head, HEADER_BYTES);
    write_bytes(payload, bytes);
}

// What the port has ready, into `chunk`. The few bytes of a tail come one by one.
static void refill(void)
{
    uint64_t ignored;
    uint8_t id = port_in(INTERRUPT_ID) & ID_MASK;
    chunk_at = chunk_bytes = 0;
    if (id == ID_RECEIVE) {
        CHECK(sys_ioport(ports, IO_BYTE | IO_REPEAT, base + DATA, FIFO_TRIGGER, &ignored) ==
              OK);
        memcpy(chunk, ipc_buffer()->io, FIFO_TRIGGER);
        chunk_bytes = FIFO_TRIGGER;
    } else if (id == ID_TIMEOUT) {
        chunk[0] = port_in(DATA);
        chunk_bytes = 1;
    }
}

// At most `max` bytes of what has arrived.
static uint32_t read_some(uint8_t *bytes, uint32_t max)
{
    if (chunk_at == chunk_bytes)
        refill();
    uint32_t count = chunk_bytes - chunk_at < max ? chunk_bytes - chunk_at : max;
    memcpy(bytes, chunk + chunk_at, count);
    chunk_at += count;
    return count;
}

bool link_receive(struct frame *frame)
{
    status_ignore(sys_irq_control(irq, IRQ_OP_ACK, line, 0, 0));
    for (;;) {
        uint32_t count;
        if (received < HEADER_BYTES) {
            count = read_some(header + received, 1);
        } else {
            uint32_t at = received - HEADER_BYTES;
            count = read_some(frame->payload + at, frame->bytes - at);
        }
        if (count == 0)
            return false;
        received += count;
        if (received == HEADER_BYTES) {
            frame->kind = header[0];
            frame->bytes =
                header[1] | header[2] << 8 | header[3] << 16 | (uint32_t)header[4] << 24;
            CHECK(frame->bytes <= FRAME_BYTES);
        }
        if (received >= HEADER_BYTES && received == HEADER_BYTES + frame->bytes) {
            received = 0;
            return true;
        }
    }
}
