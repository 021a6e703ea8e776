// Sleeps and alarms: who waits for which time.
#pragma once

#include <lib/list.h>
#include <lib/server.h>

/// What this server keeps for each client.
struct timer_client {
    struct client client;
    bool started;      ///< the list is usable
    struct list waits; ///< oldest first
    uint32_t count;
};

/// Answer the request at `deadline`. LATER, or OK if it has passed; E_NOMEM.
enum status waits_sleep(struct request *r, uint64_t deadline);
/// Signal `wake` (a slot, owned from here on when OK) at `deadline`, in place of an earlier
/// alarm of this id. E_NOMEM.
enum status waits_alarm(struct client *client, uint64_t deadline, uint32_t id, uint32_t wake);
void waits_cancel(struct client *client, uint32_t id);
void waits_client_end(struct client *client);
/// After a restart: check what is there; sleeps are gone, alarms stay.
void waits_resume(void);
/// Answer all whose time has come, and arm the hardware for the next.
void waits_run(void);
