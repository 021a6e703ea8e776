// See waits.h. Called by main.c and requests.c. What always holds: waiters are in the order in
// which they came, and in their client's list.
#include "waits.h"

#include <lib/heap.h>
#include <lib/kept.h>
#include <lib/slots.h>
#include <proto/console_server.h>
#include <proto/io_server.h>

#include "line.h"
#include "terminal.h"

#define WAITS_MAX 32u // waiters of one client, and its watches: beyond, the oldest is given up

struct waiter {
    struct list all, by_client;
    struct console_client *client;
    struct reply *reply;
    const void *from; // null: a reader
    uint32_t length;
};

struct watch {
    struct list all, by_client;
    struct console_client *client;
    uint32_t events;
    uint32_t wake;
};

static KEPT struct waits {
    struct list waiters, watches;
} kept_waits;

static struct waits *all(void)
{
    struct waits *waits = KEPT_VIEW(kept_waits);
    if (!waits->waiters.next) {
        list_start(&waits->waiters);
        list_start(&waits->watches);
    }
    return waits;
}

struct console_client *console_client(struct client *client)
{
    struct console_client *console = (struct console_client *)client;
    if (!console->started) {
        console->started = true;
        list_start(&console->waiters);
        list_start(&console->watches);
    }
    return console;
}

static void waiter_end(struct waiter *waiter)
{
    list_remove(&waiter->all);
    list_remove(&waiter->by_client);
    waiter->client->waiter_count--;
    heap_free(waiter);
}

static void watch_end(struct watch *watch, bool signal)
{
    if (signal)
        status_ignore(sys_signal(watch->wake));
    slot_delete(watch->wake);
    list_remove(&watch->all);
    list_remove(&watch->by_client);
    watch->client->watch_count--;
    heap_free(watch);
}

enum status waits_add(struct request *r, uint32_t length, const void *from)
{
    struct console_client *client = console_client(r->client);
    if (client->waiter_count == WAITS_MAX) { // most likely cancelled long ago
        struct waiter *oldest = LIST_OBJECT(client->waiters.next, struct waiter, by_client);
        reply_drop(oldest->reply, E_INTR);
        waiter_end(oldest);
    }
    struct waiter *waiter = heap_alloc(sizeof *waiter);
    if (!waiter)
        return E_NOMEM;
    waiter->reply = reply_take(r);
    if (!waiter->reply) {
        heap_free(waiter);
        return E_NOMEM;
    }
    waiter->client = client;
    waiter->from = from;
    waiter->length = length;
    list_append(&all()->waiters, &waiter->all);
    list_append(&client->waiters, &waiter->by_client);
    client->waiter_count++;
    return LATER;
}

enum status waits_watch(struct console_client *client, uint32_t events, uint32_t wake)
{
    if (client->watch_count == WAITS_MAX)
        watch_end(LIST_OBJECT(client->watches.next, struct watch, by_client), true);
    struct watch *watch = heap_alloc(sizeof *watch);
    if (!watch)
        return E_NOMEM;
    watch->client = client;
    watch->events = events;
    watch->wake = wake;
    list_append(&all()->watches, &watch->all);
    list_append(&client->watches, &watch->by_client);
    client->watch_count++;
    return OK;
}

uint32_t waits_events(void)
{
    return (line_readable() ? IO_EVENT_READABLE : 0) |
           (terminal_writable() ? IO_EVENT_WRITABLE : 0);
}

static void answer_reader(struct waiter *waiter)
{
    struct io_read_out out;
    size_t bytes;
    uint32_t entries;
    io_read_prepare(waiter->reply->client, &out);
    if (line_peek(out.bytes.bytes, waiter->length, &bytes, &entries) != OK)
        return;
    out.bytes.size = (uint32_t)bytes;
    struct reply *reply = waiter->reply;
    kept_commit();
    line_take(entries);
    waiter_end(waiter);
    if (io_read_reply(reply, OK, &out) != OK)
        waiter_end(waiter); // nobody is there: it is all undone
    kept_commit();
}

static void answer_writer(struct waiter *waiter)
{
    struct io_write_out out = {0};
    if (!terminal_writable())
        return;
    struct reply *reply = waiter->reply;
    kept_commit();
    out.written = (uint32_t)terminal_write(waiter->from, waiter->length);
    waiter_end(waiter);
    if (io_write_reply(reply, OK, &out) != OK)
        waiter_end(waiter); // as above
    kept_commit();
}

void waits_wake(void)
{
    LIST_EACH(link, &all()->waiters)
    {
        struct waiter *waiter = LIST_OBJECT(link, struct waiter, all);
        if (waiter->from)
            answer_writer(waiter);
        else
            answer_reader(waiter);
    }
    uint32_t events = waits_events();
    LIST_EACH(watched, &all()->watches)
    {
        struct watch *watch = LIST_OBJECT(watched, struct watch, all);
        if (events & watch->events)
            watch_end(watch, true);
    }
}

static void client_resume(struct console_client *client)
{
    KEPT_CHECK(server_list_valid(&client->waiters, offsetof(struct waiter, by_client),
                                 sizeof(struct waiter)));
    KEPT_CHECK(server_list_valid(&client->watches, offsetof(struct watch, by_client),
                                 sizeof(struct watch)));
    LIST_EACH(link, &client->waiters)
    {
        struct waiter *waiter = LIST_OBJECT(link, struct waiter, by_client);
        KEPT_CHECK(waiter->client == client);
        waiter_end(waiter); // its caller knows, and comes again
    }
    uint32_t count = 0;
    LIST_EACH(watched, &client->watches)
    {
        struct watch *watch = LIST_OBJECT(watched, struct watch, by_client);
        KEPT_CHECK(watch->client == client && slot_taken(watch->wake));
        count++;
    }
    KEPT_CHECK(client->waiter_count == 0 && client->watch_count == count);
}

void waits_resume(void)
{
    KEPT_CHECK(server_list_valid(&all()->waiters, offsetof(struct waiter, all),
                                 sizeof(struct waiter)));
    KEPT_CHECK(
        server_list_valid(&all()->watches, offsetof(struct watch, all), sizeof(struct watch)));
    MAP_EACH(node, &server_loop()->clients)
    {
        struct console_client *client = (struct console_client *)(void *)node;
        if (client->started)
            client_resume(client);
    }
    KEPT_CHECK(list_empty(&all()->waiters));
}

void waits_client_end(struct console_client *client)
{
    LIST_EACH(link, &client->waiters)
    {
        struct waiter *waiter = LIST_OBJECT(link, struct waiter, by_client);
        reply_drop(waiter->reply, E_DEAD);
        waiter_end(waiter);
    }
    LIST_EACH(watched, &client->watches)
    watch_end(LIST_OBJECT(watched, struct watch, by_client), false);
}
