// Who waits for the terminal: readers for a line, writers for room, watches (poll) for either.
// A caller that was cancelled meanwhile takes nothing: what it would have read stays.
#pragma once

#include <lib/list.h>
#include <lib/server.h>

#define HANDLES_MAX 64u // of one client

/// An open file description.
struct open_terminal {
    uint32_t references;
    uint32_t flags; ///< io_flag
};

/// What this server keeps for each client.
struct console_client {
    struct client client;
    bool started; ///< the lists are usable
    struct list waiters, watches;
    uint32_t waiter_count, watch_count;
    struct open_terminal *handles[HANDLES_MAX]; ///< handle n is at n - 1
};

struct console_client *console_client(struct client *client);
/// The request waits; `from` is null to read, else the bytes to write, in the client's window.
/// LATER, or E_NOMEM.
enum status waits_add(struct request *r, uint32_t length, const void *from);
/// Signal `wake` (a slot, owned from here on when OK) once one of `events` may hold. E_NOMEM.
enum status waits_watch(struct console_client *client, uint32_t events, uint32_t wake);
/// Which io_event hold now.
uint32_t waits_events(void);
/// Input came or output went: answer whom it concerns.
void waits_wake(void);
/// After a restart: check what is there; waiters are gone, watches stay.
void waits_resume(void);
void waits_client_end(struct console_client *client);
