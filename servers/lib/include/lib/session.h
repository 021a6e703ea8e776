/// A client's side of its conversation with one server: the badged capability, and the window
/// of shared memory through which bulk data goes.
///
/// Used by the generated stubs. A session serves one thread at a time: who shares it between
/// threads locks it from before a stub until the results were copied out of the window.
#pragma once

#include <stdbool.h>
#include <lib/ipc.h>
#include <pith/syscall.h>
#include <proto/startup.h>

struct session {
    uint32_t endpoint; ///< slot of the badged capability
    uint32_t share;    ///< slot of the window's share, 0: no window yet
    uint8_t *window;   ///< WINDOW_BYTES, null: no window yet
    bool known;        ///< the server has answered: it has a record of this session
    uint32_t lost;     ///< how often a new instance of the server did not know it
    uint32_t deaths;   ///< how often in a row the server died under one request
};

/// From session_call: the server died before it answered, and nothing of the request has been
/// done: it is to be sent again, window and all. No status has this number.
#define SESSION_AGAIN ((enum status)0x10001)

/// The process's session with the server in this slot (enum startup_slot).
struct session *session_to(enum startup_slot slot) PITH_SYMBOL(session_to);

/// Makes sure that there is a window. E_NOMEM, or what `memory` or the server answered.
PITH_CHECKED enum status session_window(struct session *s, uint32_t interface)
    PITH_SYMBOL(session_window);

/// Gives the window back to `memory` and forgets it; the capability stays.
void session_close(struct session *s) PITH_SYMBOL(session_close);

/// Sends `m` and waits. The status is the system call's, or else the reply's label, or
/// SESSION_AGAIN. E_DEAD: the server died under this request time after time.
PITH_CHECKED enum status session_call(struct session *s, struct message *m)
    PITH_SYMBOL(session_call);

/// After E_STALE: introduces the session to the server (again). True: it was the first time, so
/// the request can be repeated. False: the server was restarted and handles of this session are
/// lost; `lost` counts it, the caller reports E_STALE, the next request works.
PITH_CHECKED bool session_renew(struct session *s, uint32_t interface)
    PITH_SYMBOL(session_renew);

/// Copies into the window at `at`; the result is the place of the next item (8-aligned).
uint32_t session_put(struct session *s, uint32_t at, const void *bytes, uint32_t size)
    PITH_SYMBOL(session_put);

/// Copies out of the window.
void session_get(const struct session *s, uint32_t at, void *bytes, uint32_t size)
    PITH_SYMBOL(session_get);
