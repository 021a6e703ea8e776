/// The servers, as init keeps them. For servers.c (their life), gifts.c (what they get) and
/// beat.c (whether they are well).
#pragma once

#include <proto/startup.h>
#include "init.h"

enum state { DOWN, STARTING, UP, WAITING };

struct server {
    const struct server_plan *plan;
    enum state state;
    uint32_t id;
    uint32_t endpoint;
    uint32_t session; ///< ours, a manager's, for session_end
    uint32_t ping;    ///< signal capability: asks for a heartbeat; 0: it is not watched
    uint32_t pong;    ///< what it answers with: bit PONG_SHIFT + its place
    uint32_t missed;  ///< beats since it answered
    uint32_t shares[GRANTS_MAX];
    struct loader_process process;
    uint32_t back_off;     ///< milliseconds that the next burial is followed by
    uint64_t started, due; ///< TSC
    uint64_t ended;        ///< TSC, while its former is the last that was ready
    uint64_t former_ip;    ///< where the instance before was stopped, 0: it left nothing
    uint64_t former_status;
    uint32_t slots;    ///< of its space, for the next instance
    uint64_t doom;     ///< TSC from which on it is to be ended, 0: it is not
    uint64_t doom_end; ///< until then only if it is at work
    bool hang;         ///< it is not ended, but stopped
};

extern struct manifest manifest;
extern struct server servers[SERVERS_MAX];
extern uint32_t memory_endpoint;

static inline uint64_t milliseconds(uint64_t count)
{
    return boot->tsc_hz / 1000 * count;
}

/// Whether an instance is starting that has a former one's state to take over.
static inline bool server_starts_again(const struct server *server)
{
    return server->state == STARTING && server->former_ip;
}

/// What a server gets: capabilities, and the grants that tell of them.
struct gifts {
    struct loader_capability capabilities[8 + 5 + 2 + GRANTS_MAX];
    uint32_t capability_count;
    struct startup_grant grants[GRANTS_MAX];
    uint32_t made[GRANTS_MAX]; ///< slots to delete when it has its copies
};

/// E_NOENT, E_NOMEM, ...: said in the log. gifts_drop() afterwards in any case.
enum status gifts_make(struct gifts *gifts, struct server *server);
void gifts_drop(struct gifts *gifts);

/// Makes the capabilities with which the server is watched.
void beat_prepare(struct server *server);

/// The signal capability for timer's ticks.
uint32_t beat_tick(void);

/// Ends a server that is not well and starts it again after its back-off. `kept`: with what it
/// keeps, if it keeps anything; else with empty hands.
void server_bury(struct server *server, bool kept);

/// Null: no such server.
struct server *server_find(uint32_t id);
