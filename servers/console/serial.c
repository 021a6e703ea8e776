// See serial.h. Called by terminal.c. Registers: PC16550D data sheet. Output is queued; as much
// as the FIFO takes goes out at once, the rest when the line interrupts. A machine without the
// chip swallows output.
#include "serial.h"

#include <lib/ipc.h>
#include <lib/kept.h>
#include <lib/server.h>
#include <lib/text.h>

#include "ports.h"

// Offsets from port 0x3f8.
#define DATA          0u // with DLAB: divisor, low byte
#define ENABLE        1u // with DLAB: divisor, high byte
#define IDENTIFY      2u // written: FIFO control
#define FIFO_CONTROL  2u
#define LINE_CONTROL  3u
#define MODEM_CONTROL 4u
#define LINE_STATUS   5u
#define SCRATCH       7u

#define ENABLE_RECEIVE  0x01u
#define ENABLE_TRANSMIT 0x02u
#define FIFO_ON         0xc7u // cleared, interrupt at 14 bytes
#define DLAB            0x80u
#define EIGHT_BITS      0x03u
#define MODEM_ON        0x0bu // DTR, RTS, interrupt line connected
#define STATUS_DATA     0x01u
#define STATUS_EMPTY    0x20u // the transmit FIFO
#define IDENTIFY_NONE   0x01u
#define DIVISOR_115200  1u

#define FIFO_BYTES  16u
#define BURSTS_MAX  256u  // of FIFO_BYTES in one go
#define RECEIVE_MAX 1024u // bytes in one go

static struct granted ports, irq;
static bool transmit_interrupts;

static KEPT struct serial {
    uint8_t queue[SERIAL_QUEUE_BYTES];
    uint32_t first, count;
    bool present;
} kept_serial;

static struct serial *serial(void)
{
    return KEPT_VIEW(kept_serial);
}

static bool probe(void)
{
    ports_out(ports, SCRATCH, 0x5a);
    if (ports_in(ports, SCRATCH) != 0x5a)
        return false;
    ports_out(ports, SCRATCH, 0xa5);
    return ports_in(ports, SCRATCH) == 0xa5;
}

// What the chip holds is not to be lost: nothing is cleared.
static void resume(void)
{
    KEPT_CHECK(serial()->first < SERIAL_QUEUE_BYTES && serial()->count <= SERIAL_QUEUE_BYTES);
}

static void set_up(void)
{
    serial()->present = probe();
    if (!serial()->present)
        return;
    ports_out(ports, ENABLE, 0);
    ports_out(ports, LINE_CONTROL, DLAB);
    ports_out(ports, DATA, DIVISOR_115200);
    ports_out(ports, ENABLE, 0);
    ports_out(ports, LINE_CONTROL, EIGHT_BITS);
    ports_out(ports, FIFO_CONTROL, FIFO_ON);
    ports_out(ports, MODEM_CONTROL, MODEM_ON);
}

void serial_start(uint32_t endpoint, uint64_t bit, bool resumes)
{
    ports = ports_grant("com1");
    irq = ports_grant("com1-irq");
    if (resumes)
        resume();
    else
        set_up();
    if (!serial()->present)
        return;
    ports_bind(irq, endpoint, bit);
    ports_out(ports, ENABLE, 0); // what came while nobody listened interrupts again
    ports_out(ports, ENABLE, ENABLE_RECEIVE);
}

size_t serial_room(void)
{
    return SERIAL_QUEUE_BYTES - serial()->count;
}

static void enable_transmit_interrupts(bool on)
{
    if (on == transmit_interrupts)
        return;
    transmit_interrupts = on;
    ports_out(ports, ENABLE, on ? ENABLE_RECEIVE | ENABLE_TRANSMIT : ENABLE_RECEIVE);
}

// Sends while the FIFO is empty; an interrupt tells when it is again. Bytes leave the queue in
// the instant in which they are sent.
void serial_send(void)
{
    struct serial *s = serial();
    if (!s->present)
        return;
    kept_commit();
    for (uint32_t i = 0; i < BURSTS_MAX && s->count > 0; i++) {
        if (!(ports_in(ports, LINE_STATUS) & STATUS_EMPTY))
            break;
        uint32_t burst = SERIAL_QUEUE_BYTES - s->first; // up to the ring's end
        if (burst > s->count)
            burst = s->count;
        if (burst > FIFO_BYTES)
            burst = FIFO_BYTES;
        memcpy(ipc_buffer()->io, s->queue + s->first, burst);
        s->first = (s->first + burst) % SERIAL_QUEUE_BYTES;
        s->count -= burst;
        ports_out_many(ports, DATA, burst);
    }
    enable_transmit_interrupts(s->count > 0);
}

void serial_write(const void *bytes, size_t length)
{
    struct serial *s = serial();
    if (!s->present)
        return;
    for (size_t i = 0; i < length && s->count < SERIAL_QUEUE_BYTES; i++)
        s->queue[(s->first + s->count++) % SERIAL_QUEUE_BYTES] = ((const uint8_t *)bytes)[i];
}

void serial_service(void (*take)(uint8_t byte))
{
    if (!serial()->present)
        return;
    ports_acknowledge(irq); // first: the line is edge-triggered
    uint32_t received = 0;
    do {
        for (; received < RECEIVE_MAX && ports_in(ports, LINE_STATUS) & STATUS_DATA; received++)
            take(ports_in(ports, DATA));
        serial_send();
    } while (received < RECEIVE_MAX && !(ports_in(ports, IDENTIFY) & IDENTIFY_NONE));
    if (received == RECEIVE_MAX) { // others want service too: ask for a new edge
        ports_out(ports, ENABLE, 0);
        ports_out(ports, ENABLE,
                  transmit_interrupts ? ENABLE_RECEIVE | ENABLE_TRANSMIT : ENABLE_RECEIVE);
    }
}
