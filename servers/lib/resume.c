// A server's next instance: what all servers keep is checked, and what the last, unfinished
// request left elsewhere is given back: capabilities in slots that count as free, regions that
// nobody knows, pages of the heap that are not in use. See lib/kept.h and docs/restart.md.
#include <lib/heap.h>
#include <lib/server.h>
#include <lib/slots.h>
#include <proto/memory.h>
#include "resume.h"

enum { CLAIMS_MAX = 8, CHOSEN_LOW_BITS = 32 };

static uint64_t claims[CLAIMS_MAX];
static uint32_t claim_count;

void server_claim(const void *address)
{
    CHECK(claim_count < CLAIMS_MAX);
    claims[claim_count++] = (uint64_t)address;
}

// ---------------------------------------------------------------- clients

/// The window must still be there: an attach or an end that was undone may have lost it.
static void check_window(struct client *client)
{
    uint64_t address, length;
    uint32_t kind;
    uint64_t window = (uint64_t)client->window;
    if (window && (memory_region_next(session_to(STARTUP_SLOT_MEMORY), window, &address,
                                      &length, &kind) != OK ||
                   address != window || length != WINDOW_BYTES))
        client->window = 0; // its owner will bring another
}

bool server_map_valid(const struct map *map, size_t bytes)
{
    uint32_t count = 0, buckets = map->bucket_count;
    if (buckets & (buckets - 1) ||
        (buckets && !heap_holds(map->buckets, buckets * sizeof *map->buckets)))
        return false;
    for (uint32_t i = 0; i < buckets; i++)
        for (const struct map_node *node = map->buckets[i]; node; node = node->next)
            if (!heap_holds(node, bytes) || ++count > map->count)
                return false;
    MAP_EACH(node, map) // all chains end, so each can be searched
    {
        if (map_find(map, node->key) != node)
            return false;
    }
    return count == map->count;
}

static void check_clients(const struct server *server)
{
    const struct map *map = &server_loop()->clients;
    KEPT_CHECK(server_map_valid(map, server->client_bytes ? server->client_bytes
                                                          : sizeof(struct client)));
    MAP_EACH(node, map)
    {
        check_window((struct client *)(void *)node);
    }
}

bool server_list_valid(const struct list *head, size_t offset, size_t bytes)
{
    const struct list *before = head;
    for (const struct list *link = head->next; link != head; link = link->next) {
        if (!heap_holds((const char *)link - offset, bytes) || link->prev != before)
            return false;
        before = link;
    }
    return head->prev == before;
}

/// Those of the instance before: their objects are gone.
static void replies_forget(void)
{
    struct server_loop *loop = server_loop();
    if (!loop->replies.next)
        return;
    KEPT_CHECK(
        server_list_valid(&loop->replies, offsetof(struct reply, all), sizeof(struct reply)));
    LIST_EACH(link, &loop->replies)
    {
        struct reply *reply = LIST_OBJECT(link, struct reply, all);
        KEPT_CHECK(slot_taken(reply->handle));
        list_remove(link);
        slot_delete(reply->handle);
        heap_free(reply);
    }
    loop->current = loop->spare = 0;
}

bool server_resume(struct server *server)
{
    if (!kept_former())
        return false;
    KEPT_CHECK(heap_check());
    check_clients(server);
    replies_forget();
    struct server_loop *loop = server_loop();
    KEPT_CHECK(loop->given_count <= MESSAGE_CAPS);
    while (loop->given_count)
        slot_delete(loop->given[--loop->given_count]);
    for (int i = 0; i < MESSAGE_CAPS; i++) {
        slot_delete(loop->receive[i]);
        loop->receive[i] = 0;
    }
    kept_commit();
    return true;
}

// ---------------------------------------------------------------- what was left

static bool known(uint64_t address)
{
    for (uint32_t i = 0; i < claim_count; i++)
        if (claims[i] == address)
            return true;
    for (uint32_t slot = STARTUP_SLOT_MEMORY; slot < STARTUP_SLOT_ENDPOINT; slot++)
        if ((uint64_t)session_to(slot)->window == address)
            return true;
    const struct map *map = &server_loop()->clients;
    MAP_EACH(node, map)
    {
        if ((uint64_t)((const struct client *)(const void *)node)->window == address)
            return true;
    }
    return false;
}

static void sweep_regions(void)
{
    struct session *memory = session_to(STARTUP_SLOT_MEMORY);
    uint64_t address = 1ul << CHOSEN_LOW_BITS, length;
    uint32_t kind;
    while (memory_region_next(memory, address, &address, &length, &kind) == OK &&
           address < KEPT_PAGES) {
        if (!known(address))
            status_ignore(memory_release(memory, address, length));
        address += length;
    }
}

void resume_finish(void)
{
    kept_commit();
    slots_sweep(STARTUP_SLOT_FREE);
    sweep_regions();
    kept_commit();
}
