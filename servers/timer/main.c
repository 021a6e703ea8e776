// The `timer` server: the wall clock, sleeps, alarms, entropy. The monotonic clock needs no
// server: it is the TSC (lib/clock.h). deadlines.c orders who waits, waits.c answers them,
// hardware.c drives the PIT and reads the CMOS clock, calendar.c understands its dates.
#include <lib/clock.h>
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/random.h>
#include <lib/slots.h>
#include <lib/start.h>
#include <proto/init.h>
#include <proto/timer_server.h>

#include "hardware.h"
#include "waits.h"

static KEPT struct state {
    uint64_t wall_offset; // real time - monotonic time
    struct random generator;
} kept;

static struct state *state(void)
{
    return KEPT_VIEW(kept);
}

static void mix_time(void)
{
    uint64_t words[4] = {__builtin_ia32_rdtsc()};
    random_mix(&state()->generator, words);
}

static struct server server;

// init's heartbeat hangs on this: an alarm of our own, once a second.
static void tick_arm(void)
{
    enum { TICK_ID = 1 };
    struct client *self = server_client(&server, startup_block->pid, true);
    uint32_t wake = slot_alloc();
    CHECK(self && wake &&
          sys_cap_copy(HANDLE_NULL, wake, server.endpoint, DERIVE_SIGNAL, TICK_SIGNAL, 0) ==
              OK);
    CHECK(waits_alarm(self, clock_now(startup_block->tsc_hz) + CLOCK_SECOND, TICK_ID, wake) ==
          OK);
}

static void on_signals(uint64_t bits)
{
    if (bits & HARDWARE_SIGNAL) {
        mix_time();             // when an interrupt arrives is a little unpredictable
        hardware_acknowledge(); // first: an edge while the line is masked would be lost
        waits_run();
    }
    if (bits & TICK_SIGNAL) {
        tick_arm();
        status_ignore(sys_signal(STARTUP_SLOT_TICK));
    }
}

enum status timer_on_sleep(struct request *r, const struct timer_sleep_in *in,
                           struct timer_sleep_out *out)
{
    (void)out;
    return waits_sleep(r, in->deadline);
}

enum status timer_on_alarm(struct request *r, const struct timer_alarm_in *in,
                           struct timer_alarm_out *out)
{
    (void)out;
    return in->wake ? waits_alarm(r->client, in->deadline, in->id, in->wake) : E_INVAL;
}

enum status timer_on_cancel(struct request *r, const struct timer_cancel_in *in,
                            struct timer_cancel_out *out)
{
    (void)out;
    waits_cancel(r->client, in->id);
    return OK;
}

enum status timer_on_real_time(struct request *r, const struct timer_real_time_in *in,
                               struct timer_real_time_out *out)
{
    (void)r, (void)in;
    out->offset = state()->wall_offset;
    return OK;
}

enum status timer_on_set_real_time(struct request *r, const struct timer_set_real_time_in *in,
                                   struct timer_set_real_time_out *out)
{
    (void)r, (void)out;
    state()->wall_offset = in->offset;
    return OK;
}

enum status timer_on_entropy(struct request *r, const struct timer_entropy_in *in,
                             struct timer_entropy_out *out)
{
    (void)r, (void)in;
    uint64_t words[4];
    mix_time();
    random_bytes(&state()->generator, words, sizeof words);
    *out = (struct timer_entropy_out){words[0], words[1], words[2], words[3]};
    return OK;
}

enum status timer_on_session_end(struct request *r, const struct timer_session_end_in *in,
                                 struct timer_session_end_out *out)
{
    (void)out;
    struct client *client = server_client(r->server, in->session, false);
    if (!client || client == r->client)
        return client ? E_INVAL : OK;
    waits_client_end(client);
    server_client_end(r->server, client);
    return OK;
}

static void begin(void)
{
    uint64_t seconds;
    if (hardware_wall_clock(&seconds))
        state()->wall_offset = seconds * CLOCK_SECOND - clock_now(startup_block->tsc_hz);
    else
        log_line("the CMOS clock has no valid date: time starts at 1970");
}

void server_main(const struct startup *startup)
{
    (void)startup;
    server = (struct server){
        .endpoint = STARTUP_SLOT_ENDPOINT,
        .dispatch = timer_dispatch,
        .signals = on_signals,
        .client_bytes = sizeof(struct timer_client),
        .welcome = true, // no request of this server needs a window
    };
    uint64_t seed[4];
    hardware_start(server.endpoint);
    hardware_entropy(seed);
    random_mix(&state()->generator, seed);
    if (server_resume(&server)) {
        waits_resume();
        server_loop()->signals |= HARDWARE_SIGNAL; // what was due meanwhile
    } else {
        begin();
    }
    tick_arm();
    CHECK(init_ready(session_to(STARTUP_SLOT_INIT)) == OK);
    server_run(&server);
}
