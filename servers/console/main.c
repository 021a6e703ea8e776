// The `console` server: the terminal. Subjects, largest first:
//
//      screen.c escape.c grid.c glyphs.c   output: characters, sequences, cells
//      requests.c waits.c                  messages, and who waits
//      line.c                              the line discipline
//      keyboard.c                          scan codes
//      terminal.c                          how they go together
//      vga.c serial.c ps2.c ports.c        the hardware
#include <lib/log.h>
#include <lib/start.h>
#include <proto/console_server.h>
#include <proto/init.h>

#include "requests.h"
#include "terminal.h"
#include "waits.h"

static void on_signals(uint64_t bits)
{
    terminal_service(bits);
    waits_wake();
}

void server_main(const struct startup *startup)
{
    static struct server server = {
        .endpoint = STARTUP_SLOT_ENDPOINT,
        .dispatch = console_dispatch,
        .signals = on_signals,
        .client_bytes = sizeof(struct console_client),
    };
    (void)startup;
    terminal_start(server.endpoint, requests_interrupt);
    CHECK(init_ready(session_to(STARTUP_SLOT_INIT)) == OK);
    server_run(&server);
}
