// Frames over the second serial port: type (1 byte), length (4, little-endian), payload. The
// frame types are drawn in toolchain/boot.py, the other end.
//
// The port is a 16550: 16 bytes each way. It interrupts when bytes arrive and, while we wait
// to send, when it has room. Input that nobody takes yet stays in the emulator.
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
    LINE_STATUS = 5,

    ENABLE_RECEIVE = 1,
    ENABLE_SEND = 2,
    ID_MASK = 0x0f,
    ID_RECEIVE = 0x04, // at least FIFO_TRIGGER bytes are there
    FIFO_ON = 0xc7,    // enable, clear both, trigger at 14
    FIFO_TRIGGER = 14,
    FIFO_SIZE = 16,
    DIVISOR_ACCESS = 0x80,
    EIGHT_BITS = 3,
    MODEM_READY = 0x0b, // DTR, RTS, and OUT2, which lets the interrupt through
    STATUS_RECEIVED = 0x01,
    STATUS_ROOM = 0x20,
};

enum { HEADER_BYTES = 5 };

static uint32_t ports, irq;
static uint16_t base, line;
static uint32_t received; // bytes of the frame being received, its header included
static uint8_t header[HEADER_BYTES];

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
    CHECK(grant && interrupt);
    ports = grant->slot;
    base = (uint16_t)grant->first;
    irq = interrupt->slot;
    line = (uint16_t)interrupt->first;
    port_out(LINE_CONTROL, DIVISOR_ACCESS);
    port_out(DATA, 1); // 115200 bit/s
    port_out(INTERRUPT_ENABLE, 0);
    port_out(LINE_CONTROL, EIGHT_BITS);
    port_out(FIFO_CONTROL, FIFO_ON);
    port_out(MODEM_CONTROL, MODEM_READY);
    CHECK(sys_irq_control(irq, IRQ_OP_BIND, line, wake_capability(WAKE_LINK), 0) == OK);
    port_out(INTERRUPT_ENABLE, ENABLE_RECEIVE);
}

// The signal may have meant input too: run.c looks for that itself after it has sent.
static void await_room(void)
{
    while (!(port_in(LINE_STATUS) & STATUS_ROOM)) {
        // Input that nobody takes yet keeps the line up, and then room makes no edge: so it is
        // silenced. An interrupt of its that was not acknowledged would hold back ours too.
        port_out(INTERRUPT_ENABLE, 0);
        wake_take(WAKE_LINK);
        status_ignore(sys_irq_control(irq, IRQ_OP_ACK, line, 0, 0));
        port_out(INTERRUPT_ENABLE, ENABLE_SEND);
        wake_wait(WAKE_LINK);
        wake_take(WAKE_LINK);
        status_ignore(sys_irq_control(irq, IRQ_OP_ACK, line, 0, 0));
        port_out(INTERRUPT_ENABLE, ENABLE_RECEIVE);
    }
}

static void write_bytes(const uint8_t *bytes, uint32_t count)
{
    while (count > 0) {
        uint32_t part = count < FIFO_SIZE ? count : FIFO_SIZE;
        uint64_t ignored;
        await_room();
        memcpy(ipc_buffer()->io, bytes, part);
        CHECK(sys_ioport(ports, IO_OUT | IO_BYTE | IO_REPEAT, base + DATA, part, &ignored) ==
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

// At most `max` bytes that are there already.
static uint32_t read_some(uint8_t *bytes, uint32_t max)
{
    uint64_t ignored;
    if (max >= FIFO_TRIGGER && (port_in(INTERRUPT_ID) & ID_MASK) == ID_RECEIVE) {
        CHECK(sys_ioport(ports, IO_BYTE | IO_REPEAT, base + DATA, FIFO_TRIGGER, &ignored) ==
              OK);
        memcpy(bytes, ipc_buffer()->io, FIFO_TRIGGER);
        return FIFO_TRIGGER;
    }
    if (!(port_in(LINE_STATUS) & STATUS_RECEIVED))
        return 0;
    bytes[0] = port_in(DATA);
    return 1;
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
