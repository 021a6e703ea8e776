// The table of a server's clients, and what generated code needs of their windows.
#include <lib/heap.h>
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/server.h>
#include <lib/slots.h>
#include <proto/memory.h>

static KEPT struct server_loop the_loop;

struct server_loop *server_loop(void)
{
    return KEPT_VIEW(the_loop);
}

struct client *server_client(struct server *server, uint64_t id, bool create)
{
    struct map_node *node = map_find(&server_loop()->clients, id);
    if (node || !create)
        return (struct client *)(void *)node;
    size_t bytes = server->client_bytes ? server->client_bytes : sizeof(struct client);
    struct client *client = heap_alloc(bytes);
    if (client && !map_add(&server_loop()->clients, &client->node, id)) {
        heap_free(client);
        client = 0;
    }
    return client;
}

static void unmap(struct server *server, struct client *client)
{
    if (!client->window)
        return;
    if (server->window_unmap)
        server->window_unmap(client->window, WINDOW_BYTES);
    else
        status_ignore(memory_release(session_to(STARTUP_SLOT_MEMORY), (uint64_t)client->window,
                                     WINDOW_BYTES));
    client->window = 0;
}

void server_client_end(struct server *server, struct client *client)
{
    unmap(server, client);
    map_remove(&server_loop()->clients, &client->node);
    heap_free(client);
}

static enum status map_window(struct server *server, uint32_t share, void **address,
                              uint64_t *length)
{
    if (server->window_map)
        return server->window_map(share, address, length);
    uint64_t where;
    enum status result =
        memory_attach_share(session_to(STARTUP_SLOT_MEMORY), PROTECTION_READ | PROTECTION_WRITE,
                            share, &where, length);
    if (result == OK)
        *address = (void *)where;
    return result;
}

/// The window's length is the share's, which the client chose.
static enum status attach(struct request *r, uint32_t share)
{
    struct server *server = r->server;
    void *address;
    uint64_t length;
    enum status result = map_window(server, share, &address, &length);
    if (result != OK)
        return result;
    if (length != WINDOW_BYTES) {
        if (server->window_unmap)
            server->window_unmap(address, length);
        else
            status_ignore(
                memory_release(session_to(STARTUP_SLOT_MEMORY), (uint64_t)address, length));
        return E_INVAL;
    }
    unmap(server, r->client);
    r->client->window = address;
    return OK;
}

enum status request_attach(struct request *r)
{
    enum status result = request_check(r, 0, 1, false, false);
    if (result == OK && r->caps[0])
        result = attach(r, r->caps[0]);
    if (result == OK) {
        slot_delete(r->caps[0]);
        r->message = (struct message){.tag = tag_make(OK, 0, 0)};
    }
    return result;
}

enum status request_check(struct request *r, uint32_t words, uint32_t caps, bool manager,
                          bool window)
{
    if (manager && !(r->badge & BADGE_MANAGER))
        return E_RIGHTS;
    if (tag_words(r->message.tag) != words)
        return E_INVAL;
    for (uint32_t i = caps; i < MESSAGE_CAPS; i++) {
        if (r->caps[i])
            return E_INVAL;
    }
    return window && !r->client->window ? E_STALE : OK;
}

static uint32_t round_up(uint32_t bytes)
{
    return (bytes + 7) & ~7u;
}

uint32_t request_get(struct request *r, uint32_t at, void *to, uint32_t size)
{
    __builtin_memcpy(to, r->client->window + at, size);
    return at + round_up(size);
}

uint32_t request_bulk(struct request *r, uint32_t at, struct data *data)
{
    data->bytes = (const char *)r->client->window + at;
    return at + round_up(data->size);
}

void client_put(struct client *client, uint32_t at, const void *from, uint32_t size)
{
    __builtin_memcpy(client->window + at, from, size);
}
