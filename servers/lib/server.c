// The receive loop: see lib/server.h. Nothing that comes in a message is believed before it is
// checked, and nothing here waits for a client.
#include <lib/server.h>
#include <lib/heap.h>
#include <lib/log.h>
#include <lib/slots.h>
#include "reply.h"

/// Declares empty slots for the capabilities of the next message. Without a slot that one is
/// skipped by the kernel and missed by its handler, which says so.
static void declare_slots(struct server *server)
{
    for (int i = 0; i < MESSAGE_CAPS; i++) {
        if (!server->receive[i])
            server->receive[i] = slot_alloc();
    }
}

static void delete_given(struct server *server)
{
    while (server->given_count)
        slot_delete(server->given[--server->given_count]);
}

/// Takes from the IPC buffer what the next system call would overwrite.
static void receive(struct server *server, struct request *r)
{
    uint32_t words = tag_words(r->message.tag);
    uint32_t caps = tag_caps(r->message.tag);
    uint32_t skipped = tag_skipped(r->message.tag);
    for (uint32_t i = REGISTER_WORDS; i < words && i < MESSAGE_WORDS; i++)
        r->more[i - REGISTER_WORDS] = ipc_buffer()->words[i];
    __builtin_memset(r->caps, 0, sizeof r->caps);
    for (uint32_t i = 0; i < caps; i++) {
        if (!(skipped >> i & 1)) {
            r->caps[i] = server->receive[i];
            server->receive[i] = 0;
        }
    }
    r->server = server;
    r->badge = r->message.badge;
    r->client = 0;
    r->staged = 0;
    r->keep_caps = false;
    if (caps)
        declare_slots(server);
}

static enum status serve_fault(struct server *server, struct request *r)
{
    const uint64_t *words = r->message.words;
    struct fault fault = {words[0], words[1], words[2], words[3], words[4]};
    enum fault_action action = FAULT_ACTION_PASS;
    enum status result = OK;
    if (server->fault)
        result = server->fault(r, &fault, &action);
    r->message = (struct message){.tag = tag_make(OK, 1, 0), .words = {action}};
    return result;
}

static bool may_begin(const struct request *r)
{
    return r->server->welcome || r->badge & BADGE_MANAGER ||
           (tag_label(r->message.tag) & 255) == REQUEST_ATTACH;
}

static enum status serve_request(struct server *server, struct request *r)
{
    uint64_t id = r->badge & ~BADGE_MANAGER;
    if (!id)
        return E_RIGHTS;
    r->client = server_client(server, id, false);
    if (!r->client) {
        if (!may_begin(r))
            return E_STALE;
        r->client = server_client(server, id, true);
        if (!r->client)
            return E_NOMEM;
    }
    return server->dispatch(r);
}

bool server_serve(struct server *server, struct request *r)
{
    enum message_kind kind = tag_kind(r->message.tag);
    if (kind == MESSAGE_SIGNAL) {
        uint64_t bits = r->message.badge;
        if (bits & HEARTBEAT_SIGNAL)
            status_ignore(sys_signal(STARTUP_SLOT_HEART));
        bits &= ~HEARTBEAT_SIGNAL;
        if (server->signals && bits)
            server->signals(bits);
        return false;
    }
    receive(server, r);
    enum status result =
        kind == MESSAGE_FAULT ? serve_fault(server, r) : serve_request(server, r);
    if (result != OK && result != LATER) {
        for (int i = 0; i < MESSAGE_CAPS; i++)
            slot_delete(r->caps[i]);
        r->message = (struct message){.tag = tag_make(result, 0, 0)};
    }
    if (result == OK && !r->keep_caps && kind != MESSAGE_FAULT) {
        server->given_count = tag_caps(r->message.tag);
        for (uint32_t i = 0; i < server->given_count; i++)
            server->given[i] = ipc_buffer()->caps[i];
    }
    if (kind == MESSAGE_SEND)
        delete_given(server);
    return kind != MESSAGE_SEND && result != LATER;
}

bool server_start(struct server *server)
{
    declare_slots(server);
    return server->receive[MESSAGE_CAPS - 1] && reply_start(server);
}

/// Sends the answer, if there is one, and waits for the next message.
static bool next(struct server *server, struct request *r, bool answer)
{
    uint32_t handle = server->current->handle;
    for (int i = 0; i < MESSAGE_CAPS; i++)
        ipc_buffer()->slots[i] = server->receive[i];
    enum status result;
    if (answer && !server->given_count) {
        result = sys_reply_recv(server->endpoint, handle, &r->message);
    } else {
        if (answer)
            status_ignore(sys_reply(handle, &r->message));
        delete_given(server);
        result = sys_recv(server->endpoint, handle, &r->message, 0);
    }
    CHECK(result == OK || result == E_INTR);
    return result == OK;
}

_Noreturn void server_run(struct server *server)
{
    static struct request r;
    CHECK(server_start(server));
    bool answer = false;
    for (;;)
        answer = next(server, &r, answer) && server_serve(server, &r);
}
