// The real-time clock's periodic interrupt: a pulse that depends on no server. It shows whether
// `timer`, from whose ticks the heartbeats come, is itself well; and it is the moment at which
// a server is ended on purpose, wherever it happens to be. It also shortens the wait for a
// back-off's end where programs leave the clock (clock.c) little time.
//
// MC146818 data sheet: register A has the rate in its low bits, B the interrupts' enable bits,
// and C, read after each interrupt, lets the next one come. `timer` reads the same chip when it
// starts, so that another CPU may move the index between our two accesses: C is read more than
// once, and the interrupt enabled again at each start of a server. Without the chip nobody
// looks after `timer`.
#include <lib/clock.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <proto/init.h>
#include "servers.h"

enum {
    INDEX = 0x70,
    DATA = 0x71,
    LINE = 8,
    REGISTER_A = 10,
    REGISTER_B = 11,
    REGISTER_C = 12,
    RATE_MASK = 15,
    RATE_SLOW = 15, // 2 Hz
    RATE_FAST = 3,  // 8192 Hz
    PERIODIC = 0x40,
    C_READS = 3,
    PULSES_MAX = 24, // without a tick of `timer`, and
    SILENCE_MS = 12000,
    BUSY_MS = 1000, // how long a moment of work is waited for
};

static uint32_t irq, ports;
static uint32_t pulses;  // since timer ticked
static uint64_t tick_at; // TSC
static bool fast;

static uint8_t chip_read(uint32_t index)
{
    uint64_t value = 0, none;
    status_ignore(sys_ioport(ports, IO_OUT | IO_BYTE, INDEX, index, &none));
    status_ignore(sys_ioport(ports, IO_BYTE, DATA, 0, &value));
    return (uint8_t)value;
}

static void chip_write(uint32_t index, uint8_t value)
{
    uint64_t none;
    status_ignore(sys_ioport(ports, IO_OUT | IO_BYTE, INDEX, index, &none));
    status_ignore(sys_ioport(ports, IO_OUT | IO_BYTE, DATA, value, &none));
}

static void set_rate(bool to_fast)
{
    fast = to_fast;
    chip_write(REGISTER_A, (uint8_t)((chip_read(REGISTER_A) & ~RATE_MASK) |
                                     (fast ? RATE_FAST : RATE_SLOW)));
    chip_write(REGISTER_B, chip_read(REGISTER_B) | PERIODIC);
    for (int i = 0; i < C_READS; i++)
        (void)chip_read(REGISTER_C);
}

static enum status bind(void)
{
    uint32_t signal = slot_alloc();
    enum status status = sys_cap_copy(HANDLE_NULL, irq, own.irq, DERIVE_RANGE, LINE, 1);
    if (status == OK)
        status = sys_cap_copy(HANDLE_NULL, ports, own.ioport, DERIVE_RANGE, INDEX, 2);
    if (status == OK)
        status = sys_cap_copy(HANDLE_NULL, signal, own_endpoint, DERIVE_SIGNAL, RTC_SIGNAL, 0);
    if (status == OK)
        status = sys_irq_control(irq, IRQ_OP_BIND, LINE, signal, 0);
    return status;
}

void rtc_start(void)
{
    irq = slot_alloc();
    ports = slot_alloc();
    if (bind() == OK)
        set_rate(false);
    else
        log_line("no interrupts of the real-time clock: nobody looks after timer");
}

void rtc_ticked(void)
{
    pulses = 0;
    tick_at = tsc_now();
}

void rtc_hasten(void)
{
    if (!fast)
        set_rate(true);
}

// ---------------------------------------------------------------- ends

enum status rtc_end_server(uint32_t id, uint64_t after, uint32_t how)
{
    if (id == INIT_ID || id == MEMORY_ID)
        return E_RIGHTS;
    struct server *server = server_find(id);
    if (!server)
        return E_SRCH;
    if (server->doom)
        return E_AGAIN;
    uint64_t due = tsc_now() + after / CLOCK_SECOND * boot->tsc_hz +
                   after % CLOCK_SECOND * (boot->tsc_hz / 1000) / (CLOCK_SECOND / 1000);
    server->doom = due ? due : 1;
    server->doom_end = how == END_AT_WORK ? due + milliseconds(BUSY_MS) : due;
    server->hang = how == END_HANG;
    rtc_hasten();
    return OK;
}

static bool at_work(const struct server *server)
{
    uint64_t state = 0, ticks, priority;
    return sys_thread_control(server->process.thread, THREAD_OP_INFO, 0, 0, &state, &ticks,
                              &priority) == OK &&
           state != THREAD_STATE_RECEIVING;
}

static void end(struct server *server)
{
    uint64_t none[3];
    log_line("%s is %s", server->plan->name, server->hang ? "stopped" : "ended");
    server->doom = 0;
    if (server->hang)
        status_ignore(sys_thread_control(server->process.thread, THREAD_OP_SUSPEND, 0, 0,
                                         &none[0], &none[1], &none[2]));
    else
        server_bury(server, true);
}

/// Whether any server is still to be ended.
static bool end_doomed(void)
{
    bool left = false;
    uint64_t now = tsc_now();
    for (uint32_t i = 0; i < manifest.count; i++) {
        struct server *server = &servers[i];
        if (!server->doom)
            continue;
        bool lives = server->state == UP || server->state == STARTING;
        bool due = (int64_t)(now - server->doom) >= 0;
        if (lives && due && ((int64_t)(now - server->doom_end) >= 0 || at_work(server))) {
            end(server);
        }
        left |= server->doom != 0;
    }
    return left;
}

void rtc_due(void)
{
    status_ignore(sys_irq_control(irq, IRQ_OP_ACK, LINE, 0, 0));
    for (int i = 0; i < C_READS; i++)
        (void)chip_read(REGISTER_C);
    if (fast) {
        if (!end_doomed() && !servers_wake())
            set_rate(false);
        return;
    }
    for (uint32_t i = 0; i < manifest.count; i++) {
        struct server *server = &servers[i];
        bool up = server->state == UP, again = server_starts_again(server);
        if (session_slot(server->plan->name) != STARTUP_SLOT_TIMER || (!up && !again))
            continue;
        if (++pulses > PULSES_MAX && tsc_now() - tick_at > milliseconds(SILENCE_MS)) {
            log_line("%s does not %s", server->plan->name, up ? "tick" : "start");
            server_bury(server, up);
        }
    }
}
