// Deferred replies. A server has two Replies more than callers that wait: the one that the loop
// receives with, and a spare one, so that taking one over costs no call. What is above that
// goes back to `memory` at once.
#include <lib/heap.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <proto/memory.h>
#include "reply.h"

static enum status object_create(struct server *server, uint32_t *id, uint32_t *handle)
{
    if (server->reply_create)
        return server->reply_create(id, handle);
    return memory_object_create(session_to(STARTUP_SLOT_MEMORY), KIND_REPLY, 0, id, handle);
}

static struct reply *create(struct server *server)
{
    struct reply *reply = heap_alloc(sizeof *reply);
    if (!reply)
        return 0;
    reply->server = server;
    if (object_create(server, &reply->id, &reply->handle) != OK) {
        heap_free(reply);
        return 0;
    }
    return reply;
}

/// A free Reply is no longer needed by anybody.
static void put(struct reply *reply)
{
    struct server *server = reply->server;
    reply->client = 0;
    reply->next = 0;
    if (server->reply_create || !server->spare) {
        reply->next = server->spare;
        server->spare = reply;
        return;
    }
    slot_delete(reply->handle);
    status_ignore(memory_object_destroy(session_to(STARTUP_SLOT_MEMORY), reply->id));
    heap_free(reply);
}

bool reply_start(struct server *server)
{
    server->current = create(server);
    server->spare = create(server);
    return server->current && server->spare;
}

struct reply *reply_take(struct request *r)
{
    struct server *server = r->server;
    struct reply *next = server->spare;
    if (next)
        server->spare = next->next;
    else
        next = create(server);
    if (!next)
        return 0;
    struct reply *taken = server->current;
    taken->client = r->client;
    taken->next = 0;
    next->next = 0;
    server->current = next;
    return taken;
}

enum status reply_send(struct reply *reply, struct message *m)
{
    enum status result = sys_reply(reply->handle, m);
    put(reply);
    return result;
}

enum status reply_fault(struct reply *reply, enum fault_action action)
{
    struct message m = {.tag = tag_make(OK, 1, 0), .words = {action}};
    return reply_send(reply, &m);
}

void reply_drop(struct reply *reply, enum status status)
{
    struct message m = {.tag = tag_make(status, 0, 0)};
    status_ignore(reply_send(reply, &m));
}
