/// A kernel for one client and one server in one process: capabilities are numbers in a table
/// of slots, a call runs the server's side at once, and `memory` is an allocator that counts.
#pragma once

#include <lib/server.h>

enum {
    MOCK_SERVER = 50, ///< slot of the client's session with the server
    MOCK_BADGE = 1234,
    MOCK_FIRST_SLOT = 130, ///< no first slot of a page, which is the kernel's
    MOCK_SLOT_LIMIT = 190,
};

struct mock {
    struct server *server;
    uint64_t badge;         ///< of the client's capability
    int memory_calls_left;  ///< calls to `memory` that succeed before one fails; -1: all
    void (*deferred)(void); ///< the server took the caller over: runs until someone replies
    bool reply_came;
    bool client_gone; ///< its deferred replies find nobody
    struct message reply;
    int regions; ///< what `memory` has handed out and not got back
    int objects;
    int calls;            ///< to the server
    uint64_t logged;      ///< lines, for log_line
    uint64_t caps[65536]; ///< what each slot holds, 0: nothing
};
extern struct mock mock;

/// Empties the tables, all memory calls succeed, slots [MOCK_FIRST_SLOT, MOCK_SLOT_LIMIT) free.
void mock_start(struct server *server);

/// A capability for the test to send around.
uint32_t mock_cap(uint64_t object);

/// Slots that are in use.
int mock_caps(void);

/// Sends a signal or a fault to the server's loop.
void mock_signal(uint64_t bits);
struct message mock_fault(uint64_t badge, const struct fault *fault);

/// Sends anything: what a hostile client could.
enum status mock_raw(struct message *m);
