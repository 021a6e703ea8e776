// See blocked.h. Called by requests.c. What always holds: a waiter is in the lists of its pipe
// and of its client, and holds its description; a watch is in both lists and holds nothing:
// when its pipe goes, it is signalled.
#include "blocked.h"

#include <lib/kept.h>
#include <lib/slots.h>
#include <proto/io_server.h>

#include "objects.h"

#define RELEASE_WORDS 4096u // of kept state that may change with one description
#define WAITS_MAX     32u // waiters of one client, and its watches: beyond, the oldest is given up

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

// Pipes whose waiters are to be looked at; the list holds each.
static KEPT struct list kept_changed;

static struct list *changed(void)
{
    struct list *list = KEPT_VIEW(kept_changed);
    if (!list->next)
        list_start(list);
    return list;
}

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
    struct reply *reply = waiter->reply;
    kept_commit();
    description_took(description, bytes);
    waiter_end(waiter);
    if (io_read_reply(reply, status, &out) != OK)
        waiter_end(waiter); // nobody is there: it is all undone
    kept_commit();
    return true;
}

static bool retry_write(struct waiter *waiter)
{
    struct io_write_out out = {0};
    size_t written;
    kept_commit();
    enum status status =
        pipe_write(waiter->description->pipe, waiter->from, waiter->length, &written);
    if (status == E_AGAIN)
        return false;
    struct reply *reply = waiter->reply;
    out.written = (uint32_t)written;
    waiter_end(waiter);
    if (io_write_reply(reply, status, &out) != OK)
        waiter_end(waiter); // as above
    kept_commit();
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

static void wake(struct pipe *pipe)
{
    while (wake_one(pipe))
        ;
    LIST_EACH(link, &pipe->watches)
    {
        struct watch *watch = LIST_OBJECT(link, struct watch, by_pipe);
        if (pipe_events(pipe, watch->writer) & (watch->events | IO_EVENT_HANGUP))
            watch_end(watch, true);
    }
}

void blocked_wake(struct pipe *pipe)
{
    if (!list_empty(&pipe->changed))
        return;
    pipe_hold(pipe); // its last end may go with a waiter
    list_append(changed(), &pipe->changed);
}

bool blocked_unsettled(void)
{
    return !list_empty(changed());
}

void blocked_settle(void)
{
    while (!list_empty(changed())) {
        struct pipe *pipe = LIST_OBJECT(changed()->next, struct pipe, changed);
        kept_commit();
        wake(pipe);
        list_remove(&pipe->changed);
        pipe_drop(pipe);
        kept_commit();
    }
}

void blocked_release(struct description *description)
{
    struct pipe *pipe = description->references == 1 ? description->pipe : NULL;
    if (pipe)
        blocked_wake(pipe); // an end closes; without any, every watch is told so and gone
    description_release(description);
    if (kept_room() < RELEASE_WORDS)
        kept_commit(); // one of many that a client had: the rest comes with the next try
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

static void client_resume(struct files_client *client)
{
    KEPT_CHECK(handles_valid(&client->handles));
    for (const struct list *link = client->waiters.next; link != &client->waiters;
         link = link->next)
        KEPT_CHECK(object_valid(LIST_OBJECT(link, const struct waiter, by_client),
                                sizeof(struct waiter)));
    while (!list_empty(&client->waiters)) {
        struct waiter *waiter = LIST_OBJECT(client->waiters.next, struct waiter, by_client);
        KEPT_CHECK(waiter->client == client);
        waiter_end(waiter); // its caller knows, and comes again
    }
    uint32_t count = 0;
    for (const struct list *link = client->watches.next; link != &client->watches;
         link = link->next) {
        const struct watch *watch = LIST_OBJECT(link, const struct watch, by_client);
        KEPT_CHECK(object_valid(watch, sizeof *watch) && watch->client == client &&
                   slot_taken(watch->wake) && ++count <= WAITS_MAX);
    }
    KEPT_CHECK(count == client->watch_count && client->waiter_count == 0);
}

void blocked_resume(void)
{
    for (const struct list *link = changed()->next; link != changed(); link = link->next)
        KEPT_CHECK(
            object_valid(LIST_OBJECT(link, const struct pipe, changed), sizeof(struct pipe)));
    MAP_EACH(node, &server_loop()->clients)
    {
        struct files_client *client = (struct files_client *)(void *)node;
        if (client->started)
            client_resume(client);
    }
}
