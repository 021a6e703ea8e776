// Heartbeats: timer ticks once a second; then init asks each server, by a signal, and its
// receive loop answers with one (lib/server.c). A server that is silent for ten ticks, or does
// not get ready again in ten, is buried like one that faulted. Ticks are counted, not seconds:
// a machine that stood still loses nobody. Whether timer ticks at all is for rtc.c to notice.
#include <lib/log.h>
#include <lib/slots.h>
#include "servers.h"

enum { MISSED_MAX = 10 };

static uint32_t signal_to(uint32_t endpoint, uint64_t bits)
{
    uint32_t slot = slot_alloc();
    CHECK(slot && sys_cap_copy(HANDLE_NULL, slot, endpoint, DERIVE_SIGNAL, bits, 0) == OK);
    return slot;
}

void beat_prepare(struct server *server)
{
    server->pong = signal_to(own_endpoint, 1ul << (PONG_SHIFT + (server - servers)));
    if (session_slot(server->plan->name)) // else nobody calls it: it has a loop of its own
        server->ping = signal_to(server->endpoint, HEARTBEAT_SIGNAL);
}

uint32_t beat_tick(void)
{
    static uint32_t tick;
    if (!tick)
        tick = signal_to(own_endpoint, TICK_SIGNAL);
    return tick;
}

void beat_due(void)
{
    rtc_ticked();
    bool starved = false; // one that hangs at a higher priority explains the silence of others
    for (uint32_t i = 0; i < manifest.count; i++) {
        struct server *server = &servers[i];
        bool up = server->state == UP, again = server_starts_again(server);
        if (!server->ping || (!up && !again))
            continue;
        if (starved || server->missed < MISSED_MAX) {
            server->missed = starved ? 0 : server->missed + 1;
            status_ignore(sys_signal(server->ping));
        } else {
            log_line("%s does not %s, %u heartbeats", server->plan->name,
                     up ? "answer" : "start", MISSED_MAX);
            server_bury(server, up); // what keeps it from starting is likely what it keeps
            up = false;
        }
        starved |= !up;
    }
}

void beat_answered(uint64_t bits)
{
    for (uint32_t i = 0; i < manifest.count; i++)
        if (bits >> (PONG_SHIFT + i) & 1)
            servers[i].missed = 0;
}
