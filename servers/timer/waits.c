// See waits.h. Called by main.c. What always holds: each wait is in the heap of deadlines and
// in its client's list; the hardware is armed for the first, or for its longest time.
#include "waits.h"

#include <lib/clock.h>
#include <lib/heap.h>
#include <lib/kept.h>
#include <lib/list.h>
#include <lib/slots.h>
#include <lib/start.h>
#include <proto/timer_server.h>

#include "deadlines.h"
#include "hardware.h"

#define WAITS_MAX 64u // of one client: beyond, the oldest is given up

struct wait {
    struct deadline deadline; // first: the heap's pointers are pointers to this
    struct list by_client;
    struct timer_client *client;
    struct reply *reply; // a sleep
    uint32_t wake;       // an alarm
    uint32_t id;
};

static uint64_t now(void)
{
    return clock_now(startup_block->tsc_hz);
}

// The slot counts as free from here on; what is in it is for the caller to delete.
static void wait_forget(struct wait *wait)
{
    deadlines_remove(&wait->deadline);
    list_remove(&wait->by_client);
    wait->client->count--;
    slot_free(wait->wake);
    heap_free(wait);
}

static void wait_end(struct wait *wait)
{
    slot_empty(wait->wake);
    wait_forget(wait);
}

// Told and forgotten in one: nobody is told twice, whenever this server is stopped.
static void wait_finish(struct wait *wait)
{
    struct timer_sleep_out out = {0};
    struct reply *reply = wait->reply;
    uint32_t wake = wait->wake;
    kept_commit();
    wait_forget(wait);
    if ((reply ? timer_sleep_reply(reply, OK, &out) : kept_signal(wake)) != OK)
        wait_forget(wait); // that was undone, since nobody is there
    slot_empty(wake);
    kept_commit();
}

// Beyond what one client may have: most likely cancelled long ago.
static void wait_give_up(struct wait *wait)
{
    if (wait->reply)
        reply_drop(wait->reply, E_INTR);
    else
        status_ignore(sys_signal(wait->wake));
    wait_end(wait);
}

static struct timer_client *timer_client(struct client *client)
{
    struct timer_client *timer = (struct timer_client *)client;
    if (!timer->started) {
        timer->started = true;
        list_start(&timer->waits);
    }
    return timer;
}

static struct wait *wait_new(struct client *client, uint64_t deadline)
{
    struct timer_client *timer = timer_client(client);
    if (timer->count == WAITS_MAX)
        wait_give_up(LIST_OBJECT(timer->waits.next, struct wait, by_client));
    struct wait *wait = heap_alloc(sizeof *wait);
    if (!wait)
        return NULL;
    wait->deadline.when = deadline;
    if (!deadlines_add(&wait->deadline)) {
        heap_free(wait);
        return NULL;
    }
    wait->client = timer;
    list_append(&timer->waits, &wait->by_client);
    timer->count++;
    return wait;
}

static void arm(void)
{
    const struct deadline *first = deadlines_first();
    uint64_t time = now();
    if (first)
        hardware_arm(first->when > time ? first->when - time : 0);
}

static void arm_if_first(const struct wait *wait)
{
    if (deadlines_first() == &wait->deadline)
        arm();
}

enum status waits_sleep(struct request *r, uint64_t deadline)
{
    if (deadline <= now())
        return OK;
    struct wait *wait = wait_new(r->client, deadline);
    if (!wait)
        return E_NOMEM;
    wait->reply = reply_take(r);
    if (!wait->reply) {
        wait_end(wait);
        return E_NOMEM;
    }
    arm_if_first(wait);
    return LATER;
}

enum status waits_alarm(struct client *client, uint64_t deadline, uint32_t id, uint32_t wake)
{
    struct wait *wait = wait_new(client, deadline);
    if (!wait)
        return E_NOMEM;
    list_remove(&wait->by_client); // not what the next line is to find
    waits_cancel(client, id);
    list_append(&wait->client->waits, &wait->by_client);
    wait->wake = wake;
    wait->id = id;
    arm_if_first(wait);
    return OK;
}

void waits_cancel(struct client *client, uint32_t id)
{
    LIST_EACH(link, &timer_client(client)->waits)
    {
        struct wait *wait = LIST_OBJECT(link, struct wait, by_client);
        if (!wait->reply && wait->id == id)
            wait_end(wait);
    }
}

void waits_client_end(struct client *client)
{
    LIST_EACH(link, &timer_client(client)->waits)
    {
        struct wait *wait = LIST_OBJECT(link, struct wait, by_client);
        if (wait->reply)
            reply_drop(wait->reply, E_DEAD);
        wait_end(wait);
    }
}

void waits_run(void)
{
    struct deadline *first;
    while ((first = deadlines_first()) && first->when <= now())
        wait_finish((struct wait *)first);
    arm();
}

static void client_resume(struct timer_client *timer)
{
    uint32_t count = 0, said = timer->count;
    KEPT_CHECK(server_list_valid(&timer->waits, offsetof(struct wait, by_client),
                                 sizeof(struct wait)));
    LIST_EACH(link, &timer->waits)
    {
        struct wait *wait = LIST_OBJECT(link, struct wait, by_client);
        KEPT_CHECK(wait->client == timer && (wait->reply || slot_taken(wait->wake)));
        count++;
        wait->deadline.place = 0;
        if (wait->reply)
            wait_forget(wait);
        else
            KEPT_CHECK(deadlines_add(&wait->deadline));
    }
    KEPT_CHECK(count == said);
}

void waits_resume(void)
{
    deadlines_forget();
    MAP_EACH(node, &server_loop()->clients)
    {
        struct timer_client *timer = (struct timer_client *)(void *)node;
        if (timer->started)
            client_resume(timer);
    }
}
