// The process server: wiring and loop. See process.h.
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/start.h>
#include <proto/init.h>
#include <proto/startup.h>
#include "process.h"

uint32_t kept_words_max = 8192;

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

static void settle(void)
{
    spawn_settle();
    signals_settle();
    process_settle(&server);
}

void server_main(const struct startup *startup)
{
    server = (struct server){.endpoint = STARTUP_SLOT_ENDPOINT,
                             .dispatch = process_dispatch,
                             .fault = fault,
                             .signals = signals,
                             .settle = settle,
                             .welcome = true};
    spawn_start(startup);
    if (server_resume(&server)) {
        table_resume(startup);
        spawn_resume();
        signals_resume();
    } else {
        table_start(startup);
    }
    signals_start(server.endpoint);
    CHECK(init_ready(session_to(STARTUP_SLOT_INIT)) == OK);
    server_run(&server);
}
