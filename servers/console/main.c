// The `console` server: the terminal. Subjects, largest first:
//
//      screen.c escape.c grid.c glyphs.c   output: characters, sequences, cells
//      requests.c waits.c                  messages, and who waits
//      line.c                              the line discipline
//      keyboard.c                          scan codes
//      terminal.c                          how they go together
//      vga.c serial.c ps2.c ports.c        the hardware
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/start.h>
#include <proto/console_server.h>
#include <proto/init.h>

#include "requests.h"
#include "terminal.h"
#include "waits.h"

uint32_t kept_words_max = 8192;

static struct server server;

static void on_signals(uint64_t bits)
{
    terminal_service(bits);
    server.unsettled = true;
}

static void settle(void)
{
    terminal_settle();
    waits_wake();
    terminal_settle();
}

void server_main(const struct startup *startup)
{
    server = (struct server){
        .endpoint = STARTUP_SLOT_ENDPOINT,
        .dispatch = console_dispatch,
        .signals = on_signals,
        .settle = settle,
        .client_bytes = sizeof(struct console_client),
    };
    (void)startup;
    bool resumes = server_resume(&server);
    if (resumes) {
        waits_resume();
        requests_resume();
    }
    terminal_start(server.endpoint, requests_interrupt, resumes);
    CHECK(init_ready(session_to(STARTUP_SLOT_INIT)) == OK);
    server_run(&server);
}
