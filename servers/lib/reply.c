// Deferred replies. A server has two Replies more than callers that wait: the one that the loop
// receives with, and a spare one, so that taking one over costs no call. What is above that
// goes back to `memory` at once.
#include <lib/heap.h>
#include <lib/kept.h>
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
    list_append(&server_loop()->replies, &reply->all);
    return reply;
}

/// A free Reply is no longer needed by anybody.
static void put(struct reply *reply)
{
    struct server_loop *loop = server_loop();
    reply->client = 0;
    reply->next = 0;
    if (reply->server->reply_create || !loop->spare) {
        reply->next = loop->spare;
        loop->spare = reply;
        return;
    }
    list_remove(&reply->all);
    slot_delete(reply->handle);
    status_ignore(memory_object_destroy(session_to(STARTUP_SLOT_MEMORY), reply->id));
    heap_free(reply);
}

bool reply_start(struct server *server)
{
    struct server_loop *loop = server_loop();
    list_start(&loop->replies);
    loop->current = create(server);
    loop->spare = create(server);
    return loop->current && loop->spare;
}

struct reply *reply_take(struct request *r)
{
    struct server_loop *loop = server_loop();
    struct reply *next = loop->spare;
    if (next)
        loop->spare = next->next;
    else
        next = create(r->server);
    if (!next)
        return 0;
    struct reply *taken = loop->current;
    taken->client = r->client;
    taken->next = 0;
    next->next = 0;
    loop->current = next;
    return taken;
}

enum status reply_send(struct reply *reply, struct message *m)
{
    enum status result = kept_reply(reply->handle, m);
    put(reply);
    return result;
}

enum status reply_fault(struct reply *reply, enum fault_action action)
{
    struct message m = {.tag = tag_make(OK, 1, 0), .words = {action}};
    enum status result = sys_reply(reply->handle, &m);
    put(reply);
    return result;
}

void reply_drop(struct reply *reply, enum status status)
{
    struct message m = {.tag = tag_make(status, 0, 0)};
    status_ignore(sys_reply(reply->handle, &m));
    put(reply);
}
