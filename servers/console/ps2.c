// See ps2.h. Called by terminal.c. 8042 as in the IBM PS/2 technical reference. No loop waits
// for the hardware for ever: where there is no controller, there are no keys.
#include "ps2.h"

#include "ports.h"

// Offsets from port 0x60.
#define DATA    0u
#define STATUS  4u // written: commands
#define COMMAND 4u

#define STATUS_OUTPUT 0x01u // a byte for us
#define STATUS_INPUT  0x02u // the controller is busy
#define STATUS_MOUSE  0x20u // the byte is the mouse's
#define STATUS_ABSENT 0xffu

#define READ_CONFIGURATION  0x20u
#define WRITE_CONFIGURATION 0x60u
#define INTERRUPT_KEYBOARD  0x01u
#define DISABLE_KEYBOARD    0x10u
#define TRANSLATE           0x40u // to set 1

#define TRIES     10000u
#define BYTES_MAX 64u // taken in one go

static struct granted ports, irq;

static int wait_for(uint8_t bit, uint8_t value)
{
    for (uint32_t i = 0; i < TRIES; i++)
        if ((ports_in(ports, STATUS) & bit) == value)
            return 1;
    return 0;
}

static void discard_input(void)
{
    for (uint32_t i = 0; i < BYTES_MAX && ports_in(ports, STATUS) & STATUS_OUTPUT; i++)
        (void)ports_in(ports, DATA);
}

static void configure(void)
{
    discard_input();
    if (!wait_for(STATUS_INPUT, 0))
        return;
    ports_out(ports, COMMAND, READ_CONFIGURATION);
    if (!wait_for(STATUS_OUTPUT, STATUS_OUTPUT))
        return;
    uint8_t configuration = ports_in(ports, DATA);
    configuration |= INTERRUPT_KEYBOARD | TRANSLATE;
    configuration &= (uint8_t)~DISABLE_KEYBOARD;
    ports_out(ports, COMMAND, WRITE_CONFIGURATION);
    if (wait_for(STATUS_INPUT, 0))
        ports_out(ports, DATA, configuration);
    if (wait_for(STATUS_INPUT, 0))
        discard_input();
}

void ps2_start(uint32_t endpoint, uint64_t bit, bool resumes)
{
    ports = ports_grant("keyboard");
    irq = ports_grant("keyboard-irq");
    if (!resumes && ports_in(ports, STATUS) != STATUS_ABSENT)
        configure();
    ports_bind(irq, endpoint, bit);
}

void ps2_service(void (*take)(struct keys keys))
{
    ports_acknowledge(irq); // first: what comes from now on interrupts again
    for (uint32_t i = 0; i < BYTES_MAX; i++) {
        uint8_t status = ports_in(ports, STATUS);
        if (status == STATUS_ABSENT || !(status & STATUS_OUTPUT))
            return;
        uint8_t byte = ports_in(ports, DATA);
        if (!(status & STATUS_MOUSE))
            take(keyboard_scan(byte));
    }
}
