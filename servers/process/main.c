// The process server: wiring and loop. See process.h.
#include <lib/log.h>
#include <lib/start.h>
#include <proto/init.h>
#include <proto/startup.h>
#include "process.h"

static struct server server;

/// A thread of a program of ours cannot go on and has no handler.
static enum status fault(struct request *r, const struct fault *fault,
                         enum fault_action *action)
{
    *action = FAULT_ACTION_PASS; // the thread is gone by then
    struct process *process = process_find(r->badge);
    if (process && process->state == PROCESS_STATE_RUNNING)
        process_fault(r->server, process, fault);
    return OK;
}

static void signals(uint64_t bits)
{
    signals_arrived(&server, bits);
}

void server_main(const struct startup *startup)
{
    server = (struct server){.endpoint = STARTUP_SLOT_ENDPOINT,
                             .dispatch = process_dispatch,
                             .fault = fault,
                             .signals = signals,
                             .welcome = true};
    table_start(startup);
    spawn_start(startup);
    signals_start(server.endpoint);
    CHECK(init_ready(session_to(STARTUP_SLOT_INIT)) == OK);
    server_run(&server);
}
