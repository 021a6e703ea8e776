// Who waits for a pipe: readers, writers, and watches (poll). Answers come when the pipe
// changes. A caller that was cancelled meanwhile takes nothing: its bytes stay in the pipe.
#pragma once

#include <lib/server.h>

#include "handles.h"

/// What this server keeps for each client.
struct files_client {
    struct client client;
    struct handles handles;
    bool started;        ///< the lists are usable
    struct list waiters; ///< of this client, oldest first
    struct list watches;
    uint32_t waiter_count, watch_count;
};

/// The requester's record.
struct files_client *files_client(struct client *client);

/// The request waits until its pipe changes. `from` is null to read; else the bytes to write,
/// in the client's window. Returns LATER, or E_NOMEM.
enum status blocked_wait(struct request *r, struct description *description, uint32_t length,
                         const void *from);
/// Signal `wake` (a slot, owned from here on when OK) once one of `events` may hold. E_NOMEM.
enum status blocked_watch(struct files_client *client, struct description *description,
                          uint32_t events, uint32_t wake);
/// The pipe changed: whom it concerns is answered by blocked_settle.
void blocked_wake(struct pipe *pipe);
/// Between requests; commits (lib/kept.h).
bool blocked_unsettled(void);
void blocked_settle(void);
/// After a restart: check what clients have; waiters are gone, watches stay.
void blocked_resume(void);
/// Drop a reference, and tell those at the other end if a pipe's end closed.
void blocked_release(struct description *description);
/// The client is dead: forget its waits and watches.
void blocked_client_end(struct files_client *client);
