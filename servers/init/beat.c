// Heartbeats: init asks each server once a second, by a signal, and its receive loop answers
// with one (lib/server.c). A server that is silent for ten beats is buried like one that
// faulted. Beats are counted, not seconds: a machine that stood still loses nobody.
//
// The beat comes from `timer`, asked by a message that does not wait; where timer is busy or
// gone, init's own clock serves.
#include <lib/log.h>
#include <lib/clock.h>
#include <lib/slots.h>
#include <proto/timer.h>
#include "servers.h"

enum {
    BEAT_MILLISECONDS = 1000,
    MISSED_MAX = 10,
    BEAT_ALARM = 1,
};

static uint32_t beat_wake; // signal capability for the alarm
static uint64_t next_beat; // TSC; the clock wakes init for other things too
static bool by_clock;      // it is the clock that was asked for the next beat

static uint32_t signal_to(uint32_t endpoint, uint64_t bits)
{
    uint32_t slot = slot_alloc();
    CHECK(slot && sys_cap_copy(HANDLE_NULL, slot, endpoint, DERIVE_SIGNAL, bits, 0) == OK);
    return slot;
}

void beat_prepare(struct server *server)
{
    if (!session_slot(server->plan->name))
        return; // nobody calls it: it has a loop of its own
    server->ping = signal_to(server->endpoint, HEARTBEAT_SIGNAL);
    server->pong = signal_to(own_endpoint, 1ul << (PONG_SHIFT + (server - servers)));
}

static void ask_for_next(void)
{
    next_beat = tsc_now() + milliseconds(BEAT_MILLISECONDS);
    uint64_t when = clock_now(boot->tsc_hz) + (BEAT_MILLISECONDS + 1) * 1000000ul;
    by_clock = false;
    for (uint32_t i = 0; i < manifest.count; i++) {
        if (session_slot(servers[i].plan->name) != STARTUP_SLOT_TIMER || servers[i].state != UP)
            continue;
        struct message m = {.tag = tag_make(LABEL_TIMER_ALARM, 2, 1),
                            .words = {when, BEAT_ALARM}};
        ipc_buffer()->caps[0] = beat_wake;
        if (sys_send(servers[i].session, &m, IPC_NONBLOCK) == OK && !tag_unsent(m.tag))
            return;
    }
    by_clock = true;
    clock_set(next_beat);
}

void beat_due(void)
{
    if (!beat_wake)
        beat_wake = signal_to(own_endpoint, BEAT_SIGNAL);
    if (next_beat && (int64_t)(tsc_now() - next_beat) < 0) {
        if (by_clock) // it was woken for something else
            clock_set(next_beat);
        return;
    }
    ask_for_next(); // first: a server that was signalled does not wait for messages
    for (uint32_t i = 0; i < manifest.count; i++) {
        struct server *server = &servers[i];
        if (server->state != UP || !server->ping)
            continue;
        if (server->missed++ < MISSED_MAX) {
            status_ignore(sys_signal(server->ping));
        } else {
            log_line("%s does not answer for %u beats", server->plan->name, MISSED_MAX);
            server_bury(server);
        }
    }
}

void beat_answered(uint64_t bits)
{
    for (uint32_t i = 0; i < manifest.count; i++)
        if (bits >> (PONG_SHIFT + i) & 1)
            servers[i].missed = 0;
}
