// What `timer` checks of its alarms before it believes them, and what every server does of its
// log and its clients. Includes the file it tests: its records are its own.
#include "kept_host.h"

#include <string.h>

#include "resume.h"
#include "waits.c"

enum { PER_CLIENT = 60, CLIENTS = DEADLINES_MAX / PER_CLIENT + 1 };

static struct server server = {.client_bytes = sizeof(struct timer_client)};
static struct timer_client *one, *other;

// ---------------------------------------------------------------- what waits.c uses

static uint64_t armed_for;

void hardware_arm(uint64_t nanoseconds)
{
    armed_for = nanoseconds;
}

struct reply *reply_take(struct request *r)
{
    struct reply *reply = heap_alloc(sizeof *reply);
    assert_non_null(reply);
    reply->handle = slot_alloc();
    reply->client = r->client;
    list_append(&server_loop()->replies, &reply->all);
    return reply;
}

static void begin_again(void)
{
    if (server_resume(&server))
        waits_resume();
}

#define BAD(lvalue, value) DAMAGE(begin_again, lvalue, value)

static void add_alarm(struct timer_client *timer, uint64_t deadline, uint32_t id)
{
    assert_int_equal(waits_alarm(&timer->client, deadline, id, slot_alloc()), OK);
}

static void send_signal(void)
{
    status_ignore(kept_signal(1));
}

static int begin(void **state)
{
    (void)state;
    const uint64_t late = now() + 3600 * CLOCK_SECOND;
    host_begin();
    list_start(&server_loop()->replies);
    one = (struct timer_client *)server_client(&server, 20, true);
    other = (struct timer_client *)server_client(&server, 21, true);
    for (uint32_t i = 0; i < 4; i++)
        add_alarm(one, late + i, i);
    struct request r = {.client = &other->client, .server = &server};
    assert_int_equal(waits_sleep(&r, late), LATER);
    add_alarm(other, late - 1, 1);
    assert_false(host_lives(send_signal)); // nothing may be committed by a call yet
    kept_begin();
    return 0;
}

// ---------------------------------------------------------------- timer's own

static struct wait *wait_of(struct timer_client *timer)
{
    return LIST_OBJECT(timer->waits.next, struct wait, by_client);
}

static void test_alarms(void **state)
{
    (void)state;
    struct wait *alarm = wait_of(one);
    assert_true(host_believes(begin_again));
    BAD(alarm->client, other);
    BAD(alarm->wake, 0);
    BAD(alarm->wake, SLOT_LIMIT - 1);
    BAD(alarm->wake, UINT32_MAX);
    BAD(one->count, one->count + 1);
    BAD(one->waits.next, one->waits.next->next);
    BAD(one->waits.prev, &one->waits);
    BAD(alarm->by_client.prev, NOWHERE);
    BAD(alarm->by_client.next, NOWHERE);
    assert_true(host_believes(begin_again));
}

// Sleeps are asked for again, alarms stay: the heap of deadlines is made from the lists.
static void forgets_sleeps(void)
{
    begin_again();
    CHECK(one->count == 4 && other->count == 1 && !wait_of(other)->reply);
    CHECK(deadlines_first() == &wait_of(other)->deadline);
    waits_client_end(&one->client);
    waits_client_end(&other->client);
    CHECK(!deadlines_first());
}

static void test_what_stays(void **state)
{
    (void)state;
    assert_true(host_believes(forgets_sleeps));
}

static uint32_t clients; // that each have many alarms

static void many(void)
{
    for (uint64_t id = 100; id < 100 + clients; id++) {
        struct timer_client *timer = timer_client(server_client(&server, id, true));
        for (; timer->count < PER_CLIENT; timer->count++) {
            struct wait *wait = heap_alloc(sizeof *wait);
            CHECK(wait);
            *wait = (struct wait){.client = timer, .wake = wait_of(one)->wake};
            list_append(&timer->waits, &wait->by_client);
        }
    }
    begin_again();
}

// More than there is room for in the heap of deadlines.
static void test_too_many(void **state)
{
    (void)state;
    clients = CLIENTS - 1;
    assert_true(host_believes(many));
    clients = CLIENTS;
    assert_false(host_believes(many));
}

// ---------------------------------------------------------------- every server's

static void test_clients(void **state)
{
    (void)state;
    struct map *map = &server_loop()->clients;
    struct map_node *node = &one->client.node;
    BAD(map->count, map->count + 1);
    BAD(map->count, map->count - 1);
    BAD(map->bucket_count, 1u << 20);
    BAD(map->buckets, NOWHERE);
    BAD(node->next, NOWHERE);
    BAD(node->next, node);
    BAD(node->key, node->key + 1);
    BAD(server_loop()->given_count, MESSAGE_CAPS + 1);
    struct reply *reply = wait_of(other)->reply;
    BAD(server_loop()->replies.next, NOWHERE);
    BAD(reply->handle, SLOT_LIMIT - 1);
    BAD(*(uint64_t *)((uint64_t)one & ~16383ul),
        NOWHERE); // of the heap: a slab's place in its list
    assert_true(host_believes(begin_again));
}

// A number of buckets that the one entry would be found with.
static void test_buckets(void **state)
{
    (void)state;
    struct map map = {0};
    struct client *client = heap_alloc(sizeof *client);
    assert_true(map_add(&map, &client->node, 0)); // in the first bucket
    assert_true(server_map_valid(&map, sizeof *client));
    map.bucket_count = 7;
    assert_false(server_map_valid(&map, sizeof *client));
    map.bucket_count = 8;
    map_remove(&map, &client->node);
    heap_free(client);
    kept_commit();
}

// A window that is not there any more is forgotten, and its client brings another.
static void keeps_window(void)
{
    begin_again();
    CHECK(one->client.window);
}

static void test_windows(void **state)
{
    (void)state;
    one->client.window = (uint8_t *)(1ul << 33);
    host_region = (uint64_t)one->client.window;
    host_region_bytes = WINDOW_BYTES;
    assert_true(host_believes(keeps_window));
    host_region_bytes = WINDOW_BYTES / 2;
    assert_false(host_believes(keeps_window));
    host_region += WINDOW_BYTES;
    host_region_bytes = WINDOW_BYTES;
    assert_false(host_believes(keeps_window));
    host_region_bytes = 0;
    assert_false(host_believes(keeps_window));
    assert_true(host_believes(begin_again));
    one->client.window = NULL;
}

static void sweep(void)
{
    begin_again();
    resume_finish();
}

// What nobody knows is given back, and nothing else.
static void test_regions(void **state)
{
    (void)state;
    host_region = 1ul << 33;
    host_region_bytes = WINDOW_BYTES;
    assert_true(host_believes(sweep) && host_released);
    host_released = false;
    one->client.window = (uint8_t *)host_region;
    assert_true(host_believes(sweep) && !host_released);
    one->client.window = NULL;
    session_to(STARTUP_SLOT_PROCESS)->window = (uint8_t *)host_region;
    assert_true(host_believes(sweep) && !host_released);
    session_to(STARTUP_SLOT_PROCESS)->window = NULL;
    server_claim((void *)host_region);
    assert_true(host_believes(sweep) && !host_released);
    host_region_bytes = 0;
}

// An instance may end between a commit that frees a slot and the deletion of what is in it.
static void takes_slots(void)
{
    begin_again();
    uint32_t slot;
    for (int i = 0; i < 20; i++) { // those first that were emptied already
        slot = slot_alloc();
        CHECK(slot && !host_full[slot]);
    }
    resume_finish();
    for (slot = FIRST_SLOT; slot < SLOT_LIMIT; slot++)
        CHECK(slot_taken(slot) || slot % 64 == 0 || !host_full[slot]);
}

// A page of slots that an undone request had got is there.
static void takes_page(void)
{
    begin_again();
    slots_resume(SLOT_LIMIT + 64);
    uint32_t slot;
    do
        slot = slot_alloc();
    while (slot < SLOT_LIMIT);
    CHECK(slot < SLOT_LIMIT + 64);
}

static void test_slots(void **state)
{
    (void)state;
    memset(host_full, true, sizeof host_full);
    assert_true(host_believes(takes_slots));
    assert_true(host_believes(takes_page));
}

// ---------------------------------------------------------------- the log

#define MAGIC 0x31305450454b5450ul

/// Magic, bytes; count and armed.
static uint64_t *find_log(void)
{
    uint64_t *word = (uint64_t *)KEPT_AT;
    while (*word != MAGIC)
        assert_true((uint64_t)++word < host_section_end());
    return word;
}

static void test_log(void **state)
{
    (void)state;
    extern uint64_t kept_section_end[];
    uint64_t *log = find_log(), target = (uint64_t)&one->count & ~7ul;
    uint32_t *count = (uint32_t *)(log + 2), *armed = count + 1;
    BAD(log[0], MAGIC + 1);
    BAD(log[1], log[1] + 4096);
    BAD(*armed, 3);
    *count = 1;
    kept_section_end[0] = target;
    kept_section_end[1] = *(uint64_t *)target;
    assert_true(host_believes(begin_again));
    BAD(kept_section_end[0], NOWHERE);
    BAD(kept_section_end[0], KEPT_END);
    kept_section_end[0] = KEPT_HEAP + HOST_HEAP_BYTES - 64; // nothing is there
    kept_section_end[1] = 0;
    assert_true(host_believes(begin_again));
    BAD(kept_section_end[0], kept_section_end[0] + 1);
    for (uint32_t i = 1; i < LOG_WORDS; i++)
        kept_section_end[2 * i] = kept_section_end[0];
    kept_words_max = LOG_WORDS - 1;
    BAD(*count, LOG_WORDS);
    kept_words_max = LOG_WORDS;
    *count = 0;
    assert_true(host_believes(begin_again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alarms),   cmocka_unit_test(test_what_stays),
        cmocka_unit_test(test_too_many), cmocka_unit_test(test_clients),
        cmocka_unit_test(test_buckets),  cmocka_unit_test(test_windows),
        cmocka_unit_test(test_regions),  cmocka_unit_test(test_slots),
        cmocka_unit_test(test_log),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
