// What `console` checks of its screen, its line, its queue, its handles and who waits before it
// believes them. Includes the files it tests: their records are their own.
#include "kept_host.h"

#include "escape.c"
#include "line.c"
#include "ps2.h"
#include "requests.c"
#include "screen.c"
#include "serial.c"
#include "vga.h"
#include "waits.c"

static struct server server = {.client_bytes = sizeof(struct console_client)};
static struct console_client *one, *other;
static struct waiter *waiter;
static struct watch *watch;

// ---------------------------------------------------------------- what they use

struct granted ports_grant(const char *name)
{
    (void)name;
    return (struct granted){1, 0x3f8};
}

static uint8_t registers[8];

uint8_t ports_in(struct granted granted, uint32_t offset)
{
    (void)granted;
    return registers[offset];
}

void ports_out(struct granted granted, uint32_t offset, uint8_t value)
{
    (void)granted;
    registers[offset] = value;
}

void ports_bind(struct granted granted, uint32_t endpoint, uint64_t bit)
{
    (void)granted, (void)endpoint, (void)bit;
}

void ps2_start(uint32_t endpoint, uint64_t bit, bool resumes)
{
    (void)endpoint, (void)bit, (void)resumes;
}

void vga_start(bool resume)
{
    (void)resume;
}

void vga_show(void) {}

struct reply *reply_take(struct request *r)
{
    (void)r;
    return heap_alloc(sizeof(struct reply));
}

static void start(bool resumes)
{
    if (resumes) {
        waits_resume();
        requests_resume();
    }
    terminal_start(STARTUP_SLOT_ENDPOINT, requests_interrupt, resumes);
}

static void begin_again(void)
{
    start(server_resume(&server));
}

#define BAD(lvalue, value) DAMAGE(begin_again, lvalue, value)

static struct console_client *client_new(uint64_t id)
{
    struct request r = {.server = &server};
    const struct io_grant_in in = {.session = id};
    struct io_grant_out out;
    assert_int_equal(console_on_grant(&r, &in, &out), OK);
    return console_client(server_client(&server, id, false));
}

static int begin(void **state)
{
    (void)state;
    host_begin();
    list_start(&server_loop()->replies);
    start(false);
    screen_init();
    one = client_new(20);
    other = client_new(21);
    struct request r = {.client = &one->client, .server = &server};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(waits_add(&r, 10, NULL), LATER);
        assert_int_equal(waits_watch(one, IO_EVENT_READABLE, slot_alloc()), OK);
    }
    waiter = LIST_OBJECT(one->waiters.next, struct waiter, by_client);
    watch = LIST_OBJECT(one->watches.next, struct watch, by_client);
    interrupt_wake = slot_alloc();
    for (const char *text = "abc\nx"; *text; text++)
        line_input((uint8_t)*text);
    kept_begin();
    return 0;
}

static void test_line(void **state)
{
    (void)state;
    struct line *l = line();
    assert_true(host_believes(begin_again));
    BAD(l->mode, 1u << 31);
    l->lines = 1u << 20; // as many as are found on the way once around all numbers
    BAD(l->first, l->ready + 1);
    l->lines = 1;
    BAD(l->end, l->ready - 1);
    BAD(l->lines, l->lines + 1);
    uint32_t first = l->first;
    l->first = l->ready - 3000;
    assert_true(host_believes(begin_again));
    BAD(l->end, l->ready + 3000); // each part would do, both are too many
    l->first = first;
    assert_true(host_believes(begin_again));
}

static void test_screen(void **state)
{
    (void)state;
    struct grid *grid = the_grid();
    struct parser *p = parser();
    assert_true(host_believes(begin_again));
    BAD(grid->first, SCREEN_LINES);
    BAD(grid->history, SCREEN_LINES - SCREEN_ROWS + 1);
    BAD(grid->back, grid->history + 1);
    BAD(grid->column, SCREEN_COLUMNS + 1);
    BAD(grid->row, SCREEN_ROWS);
    BAD(grid->top, grid->bottom + 1);
    BAD(grid->bottom, SCREEN_ROWS);
    BAD(p->state, STRING_ESCAPE + 1);
    BAD(p->state, CONTROL);
    BAD(p->more, 4);
    BAD(p->escape.count, ESCAPE_PARAMETERS + 1);
    BAD(saved()->column, SCREEN_COLUMNS + 1);
    BAD(saved()->row, SCREEN_ROWS);
    assert_true(host_believes(begin_again));
}

static void test_queue(void **state)
{
    (void)state;
    assert_true(serial()->present);
    BAD(serial()->first, SERIAL_QUEUE_BYTES);
    BAD(serial()->count, SERIAL_QUEUE_BYTES + 1);
    assert_true(host_believes(begin_again));
}

static void test_handles(void **state)
{
    (void)state;
    BAD(one->handles[0]->references, 2);
    BAD(one->handles[0], NOWHERE);
    BAD(one->handles[1], one->handles[0]);
    BAD(interrupt_wake, SLOT_LIMIT - 1);
    assert_true(host_believes(begin_again));
}

static void test_waits(void **state)
{
    (void)state;
    BAD(all()->waiters.prev, &all()->waiters);
    BAD(all()->watches.prev, &all()->watches);
    BAD(one->waiters.prev, &one->waiters);
    BAD(one->watches.prev, &one->watches);
    BAD(waiter->client, NOWHERE);
    BAD(watch->client, other);
    BAD(watch->wake, SLOT_LIMIT - 1);
    BAD(one->waiter_count, one->waiter_count + 1);
    BAD(one->watch_count, one->watch_count + 1);
    assert_true(host_believes(begin_again));
}

// A waiter that no client knows of.
static void lose_waiter(void)
{
    list_remove(&waiter->by_client);
    one->waiter_count--;
    begin_again();
}

static void test_lost_waiter(void **state)
{
    (void)state;
    assert_false(host_believes(lose_waiter));
}

// Who waited comes again, who watches need not; what came meanwhile is looked for.
static void remembers(void)
{
    begin_again();
    CHECK(list_empty(&all()->waiters) && one->waiter_count == 0 && one->watch_count == 2);
    CHECK(server_loop()->signals == (SIGNAL_KEYBOARD | SIGNAL_SERIAL));
}

static void test_what_stays(void **state)
{
    (void)state;
    assert_true(host_believes(remembers));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),       cmocka_unit_test(test_screen),
        cmocka_unit_test(test_queue),      cmocka_unit_test(test_handles),
        cmocka_unit_test(test_waits),      cmocka_unit_test(test_lost_waiter),
        cmocka_unit_test(test_what_stays),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
