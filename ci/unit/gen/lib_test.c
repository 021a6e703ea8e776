// The runtime of servers and their clients, end to end: generated client stubs, a mocked kernel
// (mock.h), generated checks and dispatch, handlers below.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <lib/heap.h>
#include <lib/slots.h>
#include <proto/sample_server.h>
#include "mock.h"

// ---------------------------------------------------------------- the server

static struct server server;
static struct reply *waiting;
static uint32_t kept;
static uint64_t signalled;
static char seen[6000];

enum status sample_on_echo(struct request *r, const struct sample_echo_in *in,
                           struct sample_echo_out *out)
{
    (void)r;
    *out = (struct sample_echo_out){in->a, in->b, in->c, in->d, in->e, in->f, in->g, in->h};
    return OK;
}

enum status sample_on_join(struct request *r, const struct sample_join_in *in,
                           struct sample_join_out *out)
{
    // The client changes its window while the request is served: the copies do not change.
    memset(r->client->window, '!', 16);
    memcpy(seen, in->first.bytes, in->first.size + 1);
    out->first_size = in->first.size;
    out->joined.size = in->first.size + in->second.size;
    memcpy(out->joined.bytes, in->first.bytes, in->first.size);
    memcpy((char *)out->joined.bytes + in->first.size, in->second.bytes, in->second.size);
    return OK;
}

enum status sample_on_add(struct request *r, const struct sample_add_in *in,
                          struct sample_add_out *out)
{
    (void)r;
    out->sum = (struct sample_point){in->left.x + in->right.x, in->left.y + in->right.y};
    return OK;
}

enum status sample_on_swap(struct request *r, const struct sample_swap_in *in,
                           struct sample_swap_out *out)
{
    (void)r;
    if (!in->left || !in->right)
        return E_INVAL;
    *out = (struct sample_swap_out){in->right, in->left};
    return OK;
}

enum status sample_on_wait(struct request *r, const struct sample_wait_in *in,
                           struct sample_wait_out *out)
{
    (void)out;
    if (in->key == 0)
        return E_AGAIN;
    waiting = reply_take(r);
    return waiting ? LATER : E_NOMEM;
}

enum status sample_on_secret(struct request *r, const struct sample_secret_in *in,
                             struct sample_secret_out *out)
{
    (void)r, (void)in;
    out->secret = 42;
    return OK;
}

enum status sample_on_keep(struct request *r, const struct sample_keep_in *in,
                           struct sample_keep_out *out)
{
    (void)r;
    out->had = in->thing;
    kept = in->thing;
    return OK;
}

enum status sample_on_nothing(struct request *r, const struct sample_nothing_in *in,
                              struct sample_nothing_out *out)
{
    (void)r, (void)in, (void)out;
    return OK;
}

enum status sample_on_session_end(struct request *r, const struct io_session_end_in *in,
                                  struct io_session_end_out *out)
{
    (void)out;
    struct client *client = server_client(r->server, in->session, false);
    if (client)
        server_client_end(r->server, client);
    return OK;
}

enum status sample_on_write(struct request *r, const struct io_write_in *in,
                            struct io_write_out *out)
{
    (void)r;
    out->written = in->bytes.size;
    return in->bytes.size && in->bytes.bytes[in->bytes.size - 1] == 'z' ? OK : E_INVAL;
}

static void on_signals(uint64_t bits)
{
    signalled |= bits;
}

static enum status on_fault(struct request *r, const struct fault *fault,
                            enum fault_action *action)
{
    (void)r;
    *action = fault->address == 0x1000 ? FAULT_ACTION_RETRY : FAULT_ACTION_DIVERT;
    return OK;
}

// ---------------------------------------------------------------- fixture

static struct session session;

static int start(void **state)
{
    (void)state;
    server =
        (struct server){.dispatch = sample_dispatch, .signals = on_signals, .fault = on_fault};
    mock_start(&server);
    if (!server_start(&server))
        return 1;
    session = (struct session){.endpoint = MOCK_SERVER};
    waiting = 0;
    kept = 0;
    return 0;
}

/// Both sides forget each other; then nothing is left but the two Replies that the loop always
/// has (their records share a slab) and the three slots it receives with.
static int end(void **state)
{
    (void)state;
    session_close(&session);
    struct map_node *node;
    while ((node = map_first(&server_loop()->clients)))
        server_client_end(&server, (struct client *)(void *)node);
    assert_int_equal(mock.objects, 2);
    assert_int_equal(mock_caps(), 2);
    assert_int_equal(mock.regions, 1);
    for (int i = 0; i < MESSAGE_CAPS; i++)
        slot_free(server_loop()->receive[i]);
    slot_delete(server_loop()->current->handle);
    slot_delete(server_loop()->spare->handle);
    heap_free(server_loop()->current);
    heap_free(server_loop()->spare);
    assert_int_equal(mock.regions, 0);
    uint32_t slots[MOCK_SLOT_LIMIT - MOCK_FIRST_SLOT];
    int count = 0;
    while (count < MOCK_SLOT_LIMIT - MOCK_FIRST_SLOT && (slots[count] = slot_alloc()))
        count++;
    assert_int_equal(count, MOCK_SLOT_LIMIT - MOCK_FIRST_SLOT);
    while (count)
        slot_free(slots[--count]);
    return 0;
}

// ---------------------------------------------------------------- tests

static void every_word_type_travels(void **state)
{
    (void)state;
    uint8_t a;
    uint16_t b, g;
    uint32_t c;
    uint64_t d, f, h;
    int64_t e;
    assert_int_equal(sample_echo(&session, 255, 65535, UINT32_MAX, UINT64_MAX, INT64_MIN, 7, 8,
                                 1ul << 63, &a, &b, &c, &d, &e, &f, &g, &h),
                     OK);
    assert_int_equal(a, 255);
    assert_int_equal(b, 65535);
    assert_int_equal(c, UINT32_MAX);
    assert_true(d == UINT64_MAX && e == INT64_MIN && f == 7 && g == 8 && h == 1ul << 63);
}

static void data_is_copied_before_it_is_seen(void **state)
{
    (void)state;
    char second[5000];
    memset(second, 'y', sizeof second);
    const void *joined;
    uint32_t size, first_size;
    assert_int_equal(
        sample_join(&session, "hello", 5, second, sizeof second, &first_size, &joined, &size),
        OK);
    assert_int_equal(first_size, 5);
    assert_int_equal(size, 5005);
    assert_memory_equal(joined, "helloyyy", 8);
    assert_string_equal(seen, "hello"); // NUL-terminated
    assert_int_equal(sample_join(&session, 0, 0, second, 1, &first_size, &joined, &size), OK);
    assert_int_equal(size, 1);
    assert_int_equal(sample_join(&session, second, 101, second, 1, &first_size, &joined, &size),
                     E_INVAL);
}

static void structs_travel(void **state)
{
    (void)state;
    struct sample_point left = {1, -2}, right = {10, 20}, sum;
    assert_int_equal(sample_add(&session, &left, &right, &sum), OK);
    assert_true(sum.x == 11 && sum.y == 18);
}

static void bulk_data_reaches_the_limit(void **state)
{
    (void)state;
    static char bytes[65537];
    memset(bytes, 'z', sizeof bytes);
    uint32_t written;
    assert_int_equal(io_write(&session, 1, -1, bytes, 65536, &written), OK);
    assert_int_equal(written, 65536);
    assert_int_equal(io_write(&session, 1, -1, bytes, 65537, &written), E_INVAL);
}

static void capabilities_go_and_come(void **state)
{
    (void)state;
    uint32_t left = mock_cap(7), right = mock_cap(8), left_out, right_out;
    assert_int_equal(sample_swap(&session, left, right, &left_out, &right_out), OK);
    assert_int_equal(mock.caps[left_out], 8);
    assert_int_equal(mock.caps[right_out], 7);
    assert_int_equal(sample_swap(&session, left, 0, &left_out, &right_out), E_INVAL);
    assert_int_equal(left_out, 0);
    slot_delete(left);
    slot_delete(right);
    for (uint32_t slot = MOCK_FIRST_SLOT; slot < MOCK_SLOT_LIMIT; slot++) {
        if (mock.caps[slot] == 7 || mock.caps[slot] == 8)
            slot_delete(slot);
    }
}

static void optional_capability(void **state)
{
    (void)state;
    uint32_t had, thing = mock_cap(9);
    assert_int_equal(sample_keep(&session, 0, &had), OK);
    assert_int_equal(had, 0);
    assert_int_equal(sample_keep(&session, thing, &had), OK);
    assert_int_equal(mock.caps[kept], 9);
    slot_delete(kept);
    slot_delete(thing);
}

static void managers_only(void **state)
{
    (void)state;
    uint64_t secret = 0;
    assert_int_equal(sample_secret(&session, &secret), E_RIGHTS);
    mock.badge |= BADGE_MANAGER;
    assert_int_equal(sample_secret(&session, &secret), OK);
    assert_int_equal(secret, 42);
    assert_int_equal(io_session_end(&session, MOCK_BADGE), OK);
    assert_null(server_client(&server, MOCK_BADGE, false));
}

static void malformed_requests_are_refused(void **state)
{
    (void)state;
    assert_int_equal(sample_nothing(&session), OK);
    uint32_t before = (uint32_t)mock_caps();
    struct {
        uint32_t label, words, caps;
        uint64_t word0;
        enum status want;
    } cases[] = {
        {LABEL_SAMPLE_NOTHING, 1, 0, 0, E_INVAL},
        {LABEL_SAMPLE_NOTHING, 64, 0, 0, E_INVAL},
        {LABEL_SAMPLE_NOTHING, 0, 1, 0, E_INVAL},
        {LABEL_SAMPLE_NOTHING, 0, 0, 0, OK},
        {LABEL_SAMPLE_ECHO, 7, 0, 0, E_INVAL},
        {LABEL_SAMPLE_ECHO, 8, 0, 256, E_INVAL},
        {LABEL_SAMPLE_ECHO, 8, 0, 255, OK},
        {LABEL_SAMPLE_JOIN, 2, 0, 0, E_STALE}, // no window
        {LABEL_SAMPLE_SWAP, 0, 3, 0, E_INVAL},
        {77 << 8 | 99, 0, 0, 0, E_SYSCALL},
        {0xffffffff, 0, 0, 0, E_SYSCALL},
        {LABEL_IO_CLOSE, 1, 0, 1ul << 32, E_INVAL},
        {LABEL_IO_CLOSE, 1, 0, 1, E_NOTSUP},
    };
    uint32_t thing = mock_cap(5);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message m = {.tag = tag_make(cases[i].label, cases[i].words, cases[i].caps),
                            .words = {cases[i].word0}};
        for (int k = 0; k < MESSAGE_CAPS; k++)
            ipc_buffer()->caps[k] = thing;
        memset(ipc_buffer()->words, 0, sizeof ipc_buffer()->words);
        assert_int_equal(mock_raw(&m), cases[i].want);
    }
    slot_delete(thing);
    assert_int_equal(mock_caps(), before); // those that came with refused requests are gone

    // Lengths beyond the declared ones, with a window.
    uint32_t size, first_size;
    const void *joined;
    assert_int_equal(sample_join(&session, "a", 1, "b", 1, &first_size, &joined, &size), OK);
    struct message m = {.tag = tag_make(LABEL_SAMPLE_JOIN, 2, 0), .words = {101, 1}};
    assert_int_equal(mock_raw(&m), E_INVAL);
    m = (struct message){.tag = tag_make(LABEL_SAMPLE_JOIN, 2, 0), .words = {1, UINT64_MAX}};
    assert_int_equal(mock_raw(&m), E_INVAL);
}

static void nobody_calls_without_a_badge(void **state)
{
    (void)state;
    mock.badge = 0;
    assert_int_equal(sample_nothing(&session), E_RIGHTS);
    mock.badge = BADGE_MANAGER;
    assert_int_equal(sample_nothing(&session), E_RIGHTS);
}

static void answer_later(void)
{
    struct sample_wait_out out;
    sample_wait_prepare(waiting->client, &out);
    out.key = 5;
    memcpy(out.answer.bytes, "later", 5);
    out.answer.size = 5;
    enum status want = mock.client_gone ? E_DEAD : OK;
    assert_int_equal(sample_wait_reply(waiting, OK, &out), want);
}

static void drop_later(void)
{
    reply_drop(waiting, E_PIPE);
}

static void deferred_replies(void **state)
{
    (void)state;
    uint32_t key, size;
    const void *answer;
    assert_int_equal(sample_wait(&session, 0, &key, &answer, &size), E_AGAIN);
    mock.deferred = answer_later;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sample_wait(&session, 5, &key, &answer, &size), OK);
        assert_int_equal(key, 5);
        assert_int_equal(size, 5);
        assert_memory_equal(answer, "later", 5);
    }
    mock.deferred = drop_later;
    assert_int_equal(sample_wait(&session, 5, &key, &answer, &size), E_PIPE);
    mock.deferred = answer_later;
    mock.client_gone = true;
    assert_int_equal(sample_wait(&session, 5, &key, &answer, &size), E_INTR);
}

static void many_wait_at_once(void **state)
{
    (void)state;
    struct reply *all[8];
    uint32_t key, size;
    const void *answer;
    for (int i = 0; i < 8; i++) { // nobody answers: the mocked call returns E_INTR
        assert_int_equal(sample_wait(&session, 1, &key, &answer, &size), E_INTR);
        all[i] = waiting;
    }
    assert_int_equal(mock.objects, 9); // the loop's and eight that wait
    for (int i = 0; i < 8; i++)
        reply_drop(all[i], E_DEAD);
}

static void restarted_server_is_noticed_once(void **state)
{
    (void)state;
    const void *joined;
    uint32_t size, first_size;
    assert_int_equal(sample_join(&session, "a", 1, "b", 1, &first_size, &joined, &size), OK);
    assert_int_equal(session.lost, 0);
    server_client_end(&server, server_client(&server, MOCK_BADGE, false));
    assert_int_equal(sample_join(&session, "a", 1, "b", 1, &first_size, &joined, &size),
                     E_STALE);
    assert_int_equal(session.lost, 1);
    assert_int_equal(sample_join(&session, "a", 1, "b", 1, &first_size, &joined, &size), OK);
    assert_int_equal(session.lost, 1);
}

static void a_session_begins_by_itself(void **state)
{
    (void)state;
    assert_int_equal(sample_nothing(&session), OK);
    assert_int_equal(mock.calls, 3); // refused, attach, again
    assert_int_equal(sample_nothing(&session), OK);
    assert_int_equal(mock.calls, 4);
    server.welcome = true;
    mock.badge = 99;
    assert_int_equal(sample_nothing(&session), OK);
    assert_int_equal(mock.calls, 5);
}

static void wrong_window_is_refused(void **state)
{
    (void)state;
    uint32_t thing = mock_cap(5); // no share
    struct message m = {.tag = tag_make(77 << 8 | REQUEST_ATTACH, 0, 1)};
    ipc_buffer()->caps[0] = thing;
    assert_int_equal(mock_raw(&m), E_HANDLE);
    slot_delete(thing);
}

static void running_out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    // Every number of calls to `memory` that succeed before one fails; end() compares.
    for (int left = 0; left < 12; left++) {
        mock.memory_calls_left = left;
        mock.deferred = answer_later;
        const void *answer;
        uint32_t key, size;
        enum status result = sample_wait(&session, 5, &key, &answer, &size);
        assert_true(result == OK || result == E_NOMEM);
        mock.memory_calls_left = -1;
        session_close(&session);
        struct client *client = server_client(&server, MOCK_BADGE, false);
        if (client)
            server_client_end(&server, client);
    }
}

static void no_slots_left(void **state)
{
    (void)state;
    uint32_t taken[64], count = 0, left_out, right_out;
    assert_int_equal(sample_nothing(&session), OK);
    while (count < 64 && (taken[count] = slot_alloc()))
        count++;
    mock.caps[900] = 7;
    assert_int_equal(sample_swap(&session, 900, 900, &left_out, &right_out), E_NOMEM);
    mock.caps[900] = 0;
    while (count)
        slot_free(taken[--count]);
}

static void signals_and_faults(void **state)
{
    (void)state;
    mock_signal(0x28);
    assert_true(signalled == 0x28);
    struct message m = mock_fault(7, &(struct fault){FAULT_PAGE, 0x1000, 1, 2, 3});
    assert_int_equal(m.words[0], FAULT_ACTION_RETRY);
    m = mock_fault(7, &(struct fault){FAULT_PAGE, 0x2000, 1, 2, 3});
    assert_int_equal(m.words[0], FAULT_ACTION_DIVERT);
    server.fault = 0;
    m = mock_fault(7, &(struct fault){FAULT_PAGE, 0x2000, 1, 2, 3});
    assert_int_equal(m.words[0], FAULT_ACTION_PASS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(every_word_type_travels),
        TEST(data_is_copied_before_it_is_seen),
        TEST(structs_travel),
        TEST(bulk_data_reaches_the_limit),
        TEST(capabilities_go_and_come),
        TEST(optional_capability),
        TEST(managers_only),
        TEST(malformed_requests_are_refused),
        TEST(nobody_calls_without_a_badge),
        TEST(deferred_replies),
        TEST(many_wait_at_once),
        TEST(restarted_server_is_noticed_once),
        TEST(a_session_begins_by_itself),
        TEST(wrong_window_is_refused),
        TEST(running_out_of_memory_leaves_nothing),
        TEST(no_slots_left),
        TEST(signals_and_faults),
    };
    return cmocka_run_group_tests(tests, 0, 0);
}
