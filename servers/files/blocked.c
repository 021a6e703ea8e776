// See blocked.h. Called by requests.c. What always holds: a waiter is in the lists of its pipe
// and of its client, and holds its description; a watch is in both lists and holds nothing:
// when its pipe goes, it is signalled.
#include "blocked.h"

#include <lib/slots.h>
#include <proto/io_server.h>

#include "objects.h"

#define WAITS_MAX 32u // waiters of one client, and its watches: beyond, the oldest is given up

struct waiter {
    struct list by_pipe, by_client;
    struct files_client *client;
    struct description *description;
    struct reply *reply;
    const void *from; // null: a reader
    uint32_t length;
};

struct watch {
    struct list by_pipe, by_client;
    struct files_client *client;
    uint32_t events;
    uint32_t wake;
    bool writer; // which end it watches
};

struct files_client *files_client(struct client *client)
{
    struct files_client *files = (struct files_client *)client;
    if (!files->started) {
        files->started = true;
        list_start(&files->waiters);
        list_start(&files->watches);
    }
    return files;
}

static void waiter_end(struct waiter *waiter)
{
    struct description *description = waiter->description;
    list_remove(&waiter->by_pipe);
    list_remove(&waiter->by_client);
    waiter->client->waiter_count--;
    object_free(waiter);
    blocked_release(description);
}

static void watch_end(struct watch *watch, bool signal)
{
    if (signal)
        status_ignore(sys_signal(watch->wake));
    slot_delete(watch->wake);
    list_remove(&watch->by_pipe);
    list_remove(&watch->by_client);
    watch->client->watch_count--;
    object_free(watch);
}

enum status blocked_wait(struct request *r, struct description *description, uint32_t length,
                         const void *from)
{
    struct files_client *client = files_client(r->client);
    if (client->waiter_count == WAITS_MAX) { // most likely cancelled long ago
        struct waiter *oldest = LIST_OBJECT(client->waiters.next, struct waiter, by_client);
        reply_drop(oldest->reply, E_INTR);
        waiter_end(oldest);
    }
    struct waiter *waiter = object_new(PAGE_SERVER, sizeof *waiter);
    if (!waiter)
        return E_NOMEM;
    waiter->reply = reply_take(r);
    if (!waiter->reply) {
        object_free(waiter);
        return E_NOMEM;
    }
    waiter->client = client;
    waiter->description = description;
    waiter->from = from;
    waiter->length = length;
    description_hold(description);
    list_append(&description->pipe->waiters, &waiter->by_pipe);
    list_append(&client->waiters, &waiter->by_client);
    client->waiter_count++;
    return LATER;
}

enum status blocked_watch(struct files_client *client, struct description *description,
                          uint32_t events, uint32_t wake)
{
    if (client->watch_count == WAITS_MAX)
        watch_end(LIST_OBJECT(client->watches.next, struct watch, by_client), true);
    struct watch *watch = object_new(PAGE_SERVER, sizeof *watch);
    if (!watch)
        return E_NOMEM;
    watch->client = client;
    watch->events = events;
    watch->wake = wake;
    watch->writer = description_is_writer(description);
    list_append(&description->pipe->watches, &watch->by_pipe);
    list_append(&client->watches, &watch->by_client);
    client->watch_count++;
    return OK;
}

// Answers a reader if there is something to say. True: the pipe changed.
static bool retry_read(struct waiter *waiter)
{
    struct description *description = waiter->description;
    struct io_read_out out;
    size_t bytes;
    io_read_prepare(waiter->reply->client, &out);
    enum status status =
        description_read(description, -1, out.bytes.bytes, waiter->length, &bytes);
    if (status == E_AGAIN)
        return false;
    out.bytes.size = (uint32_t)bytes;
    if (io_read_reply(waiter->reply, status, &out) == OK)
        description_took(description, bytes);
    waiter_end(waiter);
    return true;
}

static bool retry_write(struct waiter *waiter)
{
    struct pipe *pipe = waiter->description->pipe;
    struct io_write_out out = {0};
    size_t written;
    enum status status = pipe_write(pipe, waiter->from, waiter->length, &written);
    if (status == E_AGAIN)
        return false;
    out.written = (uint32_t)written;
    if (io_write_reply(waiter->reply, status, &out) != OK)
        pipe_unwrite(pipe, written);
    waiter_end(waiter);
    return true;
}

// The oldest waiter of the pipe that can be answered is. False: none could.
static bool wake_one(struct pipe *pipe)
{
    LIST_EACH(link, &pipe->waiters)
    {
        struct waiter *waiter = LIST_OBJECT(link, struct waiter, by_pipe);
        if (waiter->from ? retry_write(waiter) : retry_read(waiter))
            return true;
    }
    return false;
}

void blocked_wake(struct pipe *pipe)
{
    pipe_hold(pipe); // its last end may go with a waiter
    while (wake_one(pipe))
        ;
    LIST_EACH(link, &pipe->watches)
    {
        struct watch *watch = LIST_OBJECT(link, struct watch, by_pipe);
        if (pipe_events(pipe, watch->writer) & (watch->events | IO_EVENT_HANGUP))
            watch_end(watch, true);
    }
    pipe_drop(pipe);
}

void blocked_release(struct description *description)
{
    struct pipe *pipe = description->references == 1 ? description->pipe : NULL;
    if (pipe)
        pipe_hold(pipe);
    description_release(description);
    if (pipe) {
        blocked_wake(pipe); // an end closed; without any, every watch is told so and gone
        pipe_drop(pipe);
    }
}

void blocked_client_end(struct files_client *client)
{
    while (!list_empty(&client->waiters)) { // ending one may end others
        struct waiter *waiter = LIST_OBJECT(client->waiters.next, struct waiter, by_client);
        reply_drop(waiter->reply, E_DEAD);
        waiter_end(waiter);
    }
    while (!list_empty(&client->watches))
        watch_end(LIST_OBJECT(client->watches.next, struct watch, by_client), false);
}
