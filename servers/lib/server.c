// The receive loop: see lib/server.h. Nothing that comes in a message is believed before it is
// checked, and nothing here waits for a client.
#include <lib/server.h>
#include <lib/heap.h>
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/slots.h>
#include "reply.h"
#include "resume.h"

/// Declares empty slots for the capabilities of the next message. Without a slot that one is
/// skipped by the kernel and missed by its handler, which says so.
static void declare_slots(void)
{
    struct server_loop *loop = server_loop();
    for (int i = 0; i < MESSAGE_CAPS; i++) {
        if (!loop->receive[i])
            loop->receive[i] = slot_alloc();
    }
}

static void delete_given(void)
{
    struct server_loop *loop = server_loop();
    while (loop->given_count)
        slot_delete(loop->given[--loop->given_count]);
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
            r->caps[i] = server_loop()->receive[i];
            server_loop()->receive[i] = 0;
        }
    }
    r->server = server;
    r->badge = r->message.badge;
    r->client = 0;
    r->staged = 0;
    r->keep_caps = false;
    if (caps)
        declare_slots();
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

/// Should this instance end meanwhile, the next one serves them again.
static void serve_signals(struct server *server, uint64_t bits)
{
    if (!server->signals || !bits)
        return;
    server_loop()->signals = bits;
    kept_commit();
    server->signals(bits);
    server_loop()->signals = 0;
}

bool server_serve(struct server *server, struct request *r)
{
    enum message_kind kind = tag_kind(r->message.tag);
    if (kind == MESSAGE_SIGNAL) {
        uint64_t bits = r->message.badge;
        if (bits & HEARTBEAT_SIGNAL)
            status_ignore(sys_signal(STARTUP_SLOT_HEART));
        serve_signals(server, bits & ~HEARTBEAT_SIGNAL);
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
    if (result == OK && !r->keep_caps && kind != MESSAGE_FAULT && tag_caps(r->message.tag)) {
        struct server_loop *loop = server_loop();
        loop->given_count = tag_caps(r->message.tag);
        for (uint32_t i = 0; i < loop->given_count; i++)
            loop->given[i] = ipc_buffer()->caps[i];
    }
    if (kind == MESSAGE_SEND)
        delete_given();
    return kind != MESSAGE_SEND && result != LATER;
}

bool server_start(struct server *server)
{
    declare_slots();
    return server_loop()->receive[MESSAGE_CAPS - 1] && reply_start(server);
}

/// What has to be done between an answer and the next message.
static bool unsettled(const struct server *server)
{
    return server_loop()->given_count || server->unsettled || heap_unsettled();
}

static void settle(struct server *server)
{
    delete_given();
    if (server->unsettled && server->settle) {
        server->unsettled = false;
        server->settle();
    }
    kept_commit();
    if (heap_unsettled())
        heap_settle();
}

/// Sends the answer, if there is one, and waits for the next message.
static bool next(struct server *server, struct request *r, bool answer)
{
    uint32_t handle = server_loop()->current->handle;
    enum status result;
    bool busy = unsettled(server);
    if (busy) {
        if (answer)
            status_ignore(kept_answer(handle, &r->message));
        kept_commit();
        settle(server);
        handle = server_loop()->current->handle;
    }
    for (int i = 0; i < MESSAGE_CAPS; i++)
        ipc_buffer()->slots[i] = server_loop()->receive[i];
    if (answer && !busy) {
        result = kept_reply_recv(server->endpoint, handle, &r->message);
    } else {
        kept_commit();
        result = sys_recv(server->endpoint, handle, &r->message, 0);
    }
    CHECK(result == OK || result == E_INTR);
    return result == OK;
}

_Noreturn void server_run(struct server *server)
{
    static struct request r;
    if (kept_former())
        resume_finish();
    CHECK(server_start(server));
    kept_begin();
    serve_signals(server, server_loop()->signals);
    server->unsettled = server->settle != 0;
    bool answer = false;
    for (;;)
        answer = next(server, &r, answer) && server_serve(server, &r);
}
