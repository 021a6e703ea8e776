// Messages, replies, signals: every way in which a wait begins and ends.
#include "tests.h"

static uint32_t endpoint, reply;
static struct actor server;

/// A server of init's priority that waits for calls.
static void serve(void)
{
    endpoint = make(KIND_ENDPOINT, 0);
    reply = make(KIND_REPLY, 0);
    server = actor_new(63, 0, 0, 0);
    run(server.thread);
    expect_equal(k_recv(endpoint, reply, true), BLOCKED);
    expect(running() == world_init);
}

static struct reply *the_reply(void)
{
    return slot_of(reply)->object;
}

static uint64_t tag_of(const struct thread *thread)
{
    return thread->frame.rsi;
}

static unsigned kind_of(const struct thread *thread)
{
    return thread->frame.rsi >> TAG_KIND_SHIFT & 15;
}

TEST(a_call_and_its_reply)
{
    serve();
    uint32_t session = mint(endpoint, 0x77, false);
    expect_equal(kernel(SYSCALL_CALL, session, 5ul << 32 | 6, 1, 2, 3, 4, 5), BLOCKED);
    expect(running() == server.thread);
    expect_equal(server.thread->frame.rax, OK);
    expect_equal(server.thread->frame.rdi, 0x77);
    expect_equal(tag_of(server.thread), 5ul << 32 | MESSAGE_CALL << TAG_KIND_SHIFT | 6);
    for (unsigned i = 0; i < 5; i++)
        expect_equal(arch_frame_word(&server.thread->frame, i), i + 1);
    expect(the_reply()->thread == world_init);
    expect_equal(thread_state(world_init), THREAD_STATE_CALLING);
    expect_ok(k_reply(reply, 9ul << 32 | 2));
    expect(!the_reply()->thread);
    expect(running() == server.thread); // it goes on
    expect_equal(k_reply(reply, 0), E_DEAD);
    run(world_init);
    expect_equal(world_init->frame.rax, OK);
    expect_equal(world_init->frame.rdi, 0);
    expect_equal(tag_of(world_init), 9ul << 32 | 2);
    expect_equal(arch_frame_word(&world_init->frame, 1), 12);
}

TEST(reply_recv_hands_back_and_waits)
{
    serve();
    for (unsigned i = 0; i < 3; i++) {
        expect_equal(k_call(endpoint, 6), BLOCKED);
        expect(running() == server.thread);
        expect_equal(k_reply_recv(endpoint, reply, 6), BLOCKED);
        expect(running() == world_init);
        expect_equal(world_init->frame.rax, OK);
        expect_equal(arch_frame_word(&world_init->frame, 0), 11);
    }
}

TEST(long_messages_go_through_the_buffers)
{
    serve();
    for (unsigned i = 6; i < 64; i++)
        world_init->buffer->words[i] = 1000 + i;
    world_init->buffer->words[63] = 0;
    expect_equal(k_call(endpoint, 63), BLOCKED);
    for (unsigned i = 6; i < 63; i++)
        expect_equal(server.thread->buffer->words[i], 1000 + i);
    server.thread->buffer->words[6] = 5;
    server.thread->buffer->words[7] = 6;
    expect_equal(k_reply_recv(endpoint, reply, 8), BLOCKED);
    expect_equal(world_init->buffer->words[7], 6);
    expect_equal(world_init->buffer->words[8], 1008);
}

TEST(tags_are_checked)
{
    serve();
    uint32_t nobody = make(KIND_ENDPOINT, 0);
    expect_equal(k_call(endpoint, 65), E_INVAL);
    expect_equal(k_call(endpoint, 127), E_INVAL);
    expect_equal(k_call(endpoint, 1 << TAG_SKIPPED_SHIFT), E_INVAL);
    expect_equal(k_call(endpoint, 1 << TAG_KIND_SHIFT), E_INVAL);
    expect_equal(k_send(nobody, 1 << 20, true), E_INVAL);
    expect_equal(k_call(endpoint, 64), BLOCKED);
    expect_equal(k_reply(reply, 65), E_INVAL);
    expect_equal(k_reply_recv(endpoint, reply, 65), E_INVAL);
    expect(the_reply()->thread == world_init); // the caller still waits
}

TEST(who_may_do_what)
{
    serve();
    uint32_t session = mint(endpoint, 1, false), signal = mint_signal(endpoint, 1);
    expect_equal(k_recv(session, 0, true), E_RIGHTS);
    expect_equal(k_signal(session), E_RIGHTS);
    expect_equal(k_call(signal, 0), E_RIGHTS);
    expect_equal(k_send(signal, 0, true), E_RIGHTS);
    expect_equal(k_recv(signal, 0, true), E_RIGHTS);
    expect_equal(k_reply_recv(session, reply, 0), E_RIGHTS);
    expect_equal(k_recv(endpoint, endpoint, true), E_KIND);
    expect_equal(k_recv(endpoint, 999, true), E_HANDLE);
    expect_equal(k_reply(endpoint, 0), E_KIND);
    expect_equal(k_call(session, 1 << TAG_CAPS_SHIFT), E_RIGHTS); // no GRANT
    expect_equal(k_call(reply, 0), E_KIND);
    // A Reply that is offered is not free.
    expect_equal(k_recv(endpoint, reply, true), E_BUSY);
    expect_equal(k_reply_recv(endpoint, reply, 0), E_BUSY);
    expect_equal(k_reply(reply, 0), E_DEAD);
}

TEST(senders_queue_in_order)
{
    endpoint = make(KIND_ENDPOINT, 0);
    reply = make(KIND_REPLY, 0);
    struct actor first = actor_new(63, 0, 0, 0), second = actor_new(63, 0, 0, 0);
    uint32_t one = mint(endpoint, 1, false), two = mint(endpoint, 2, false);
    run(first.thread);
    expect_equal(k_call(one, 0), BLOCKED);
    run(second.thread);
    expect_equal(k_send(two, 0, true), BLOCKED);
    expect_ok(k_recv(endpoint, reply, true));
    expect_equal(running()->frame.rdi, 1);
    expect_equal(kind_of(world_init), MESSAGE_CALL);
    expect(the_reply()->thread == first.thread);
    expect_ok(k_reply_recv(endpoint, reply, 0)); // the second is there already
    expect_equal(running()->frame.rdi, 2);
    expect_equal(kind_of(world_init), MESSAGE_SEND);
    expect(!the_reply()->thread); // free again: nobody waits for an answer
    expect_equal(thread_state(first.thread), THREAD_STATE_READY);
    expect_equal(thread_state(second.thread), THREAD_STATE_READY);
    expect_equal(second.thread->frame.rax, OK);
}

TEST(not_waiting)
{
    endpoint = make(KIND_ENDPOINT, 0);
    reply = make(KIND_REPLY, 0);
    expect_equal(k_recv(endpoint, reply, false), E_AGAIN);
    expect(!the_reply()->thread);
    expect_equal(k_send(endpoint, 0, false), E_AGAIN);
    serve();
    expect_ok(k_send(endpoint, 3ul << 32, false));
    expect(running() == world_init);
    expect_equal(kind_of(server.thread), MESSAGE_SEND);
    expect_equal(thread_state(server.thread), THREAD_STATE_READY);
}

TEST(capabilities_travel)
{
    serve();
    struct ipc_buffer *mine = world_init->buffer, *theirs = server.thread->buffer;
    uint32_t frame = make(KIND_FRAME, 12), part = make(KIND_UNTYPED, 12);
    uint32_t slots[3] = {fresh(), fresh(), fresh()};
    mine->caps[0] = frame;
    mine->caps[1] = part;
    mine->caps[2] = 999;
    for (unsigned i = 0; i < 3; i++)
        theirs->slots[i] = slots[i];
    expect_equal(k_call(endpoint, 3 << TAG_CAPS_SHIFT), BLOCKED);
    expect_equal(tag_of(server.thread) >> TAG_SKIPPED_SHIFT & 7, 4); // no such handle
    expect_equal(slot_of(slots[0])->address, slot_of(frame)->address);
    expect(slot_of(slots[0])->parent == slot_of(frame)->parent);
    expect_equal(slot_of(slots[1])->kind, KIND_UNTYPED); // moved
    expect_equal(slot_of(part)->kind, KIND_NONE);
    // The reply brings one to an occupied slot and none to slot 0; the caller sees `unsent`.
    mine->slots[0] = slots[0];
    mine->slots[1] = 0;
    theirs->caps[0] = frame;
    theirs->caps[1] = frame;
    expect_equal(k_reply_recv(endpoint, reply, 2 << TAG_CAPS_SHIFT), BLOCKED);
    expect_equal(tag_of(world_init) >> TAG_UNSENT_SHIFT & 7, 4);
    expect_equal(tag_of(world_init) >> TAG_SKIPPED_SHIFT & 7, 3);
    // The next exchange has a clean tag.
    expect_equal(k_call(endpoint, 0), BLOCKED);
    expect_equal(k_reply_recv(endpoint, reply, 0), BLOCKED);
    expect_equal(tag_of(world_init), 0);
}

TEST(an_untyped_in_use_does_not_travel)
{
    serve();
    uint32_t part = make(KIND_UNTYPED, 13), place = fresh();
    make_from(part, KIND_FRAME, 12);
    world_init->buffer->caps[0] = part;
    server.thread->buffer->slots[0] = place;
    expect_equal(k_call(endpoint, 1 << TAG_CAPS_SHIFT), BLOCKED);
    expect_equal(tag_of(server.thread) >> TAG_SKIPPED_SHIFT & 7, 1);
    expect_equal(slot_of(place)->kind, KIND_NONE);
    expect_equal(slot_of(part)->kind, KIND_UNTYPED);
}

TEST(a_sender_learns_what_was_not_taken)
{
    serve();
    uint32_t another = make(KIND_REPLY, 0), place = fresh();
    world_init->buffer->caps[0] = reply; // a Reply in use is never transferred
    world_init->buffer->caps[1] = another;
    server.thread->buffer->slots[0] = fresh();
    server.thread->buffer->slots[1] = place;
    expect_ok(k_send(endpoint, 2 << TAG_CAPS_SHIFT, true));
    expect_equal(tag_of(world_init) >> TAG_UNSENT_SHIFT & 7, 1);
    expect_equal(tag_of(server.thread) >> TAG_SKIPPED_SHIFT & 7, 1);
    expect_equal(slot_of(place)->kind, KIND_REPLY); // a free one moves
    expect_equal(slot_of(another)->kind, KIND_NONE);
}

TEST(signals)
{
    endpoint = make(KIND_ENDPOINT, 0);
    uint32_t one = mint_signal(endpoint, 1), six = mint_signal(endpoint, 6);
    expect_ok(k_signal(one));
    expect_ok(k_signal(six));
    expect_ok(k_recv(endpoint, 0, true));
    expect_equal(running()->frame.rdi, 7);
    expect_equal(kind_of(world_init), MESSAGE_SIGNAL);
    expect_equal(arch_frame_word(&world_init->frame, 0), 0);
    expect_equal(k_recv(endpoint, 0, false), E_AGAIN);
    // Ahead of senders; and one who takes signals only gets no message.
    struct actor sender = actor_new(63, 0, 0, 0), waiter = actor_new(63, 0, 0, 0);
    run(sender.thread);
    expect_equal(k_send(endpoint, 0, true), BLOCKED);
    run(waiter.thread);
    expect_equal(k_recv(endpoint, 0, true), BLOCKED);
    expect_ok(k_signal(one));
    expect_equal(thread_state(waiter.thread), THREAD_STATE_READY);
    expect_equal(waiter.thread->frame.rdi, 1);
    expect_ok(k_signal(six));
    reply = make(KIND_REPLY, 0);
    expect_ok(k_recv(endpoint, reply, true));
    expect_equal(kind_of(world_init), MESSAGE_SIGNAL);
    expect_ok(k_recv(endpoint, reply, true));
    expect_equal(kind_of(world_init), MESSAGE_SEND);
}

TEST(a_signal_frees_the_reply_of_a_receiver)
{
    serve();
    uint32_t one = mint_signal(endpoint, 1);
    expect_ok(k_signal(one));
    expect_equal(kind_of(server.thread), MESSAGE_SIGNAL);
    expect(!the_reply()->thread);
    run(server.thread);
    expect_equal(k_reply_recv(endpoint, reply, 0), BLOCKED); // no caller: it just receives
    expect(the_reply()->thread == server.thread);
}

TEST(pending_signals_come_before_waiting_in_reply_recv)
{
    serve();
    expect_equal(k_call(endpoint, 0), BLOCKED);
    uint32_t one = mint_signal(endpoint, 1);
    expect_ok(k_signal(one));
    expect_ok(k_reply_recv(endpoint, reply, 0));
    expect(running() == server.thread);
    expect_equal(kind_of(server.thread), MESSAGE_SIGNAL);
    expect_equal(thread_state(world_init), THREAD_STATE_READY);
}

TEST(a_reply_that_dies_answers_dead)
{
    serve();
    struct actor caller = actor_new(63, 0, 0, 0);
    run(caller.thread);
    expect_equal(k_call(endpoint, 0), BLOCKED);
    run(world_init);
    expect_ok(k_delete_all(reply));
    expect_equal(caller.thread->frame.rax, E_DEAD);
    expect_equal(thread_state(caller.thread), THREAD_STATE_READY);
}

TEST(a_reply_that_dies_ends_the_recv_that_offers_it)
{
    serve();
    expect_ok(k_delete_all(reply));
    expect_equal(server.thread->frame.rax, E_DEAD);
    expect_equal(thread_state(server.thread), THREAD_STATE_READY);
    expect(link_empty(&((struct endpoint *)slot_of(endpoint)->object)->receivers));
}

TEST(an_endpoint_that_dies_wakes_all)
{
    uint32_t many = 40;
    struct actor actors[40], waiter = actor_new(63, 0, 0, 0);
    endpoint = make(KIND_ENDPOINT, 0);
    run(waiter.thread);
    expect_equal(k_recv(endpoint, 0, true), BLOCKED);
    for (unsigned i = 0; i < many; i++) {
        actors[i] = actor_new(63, 0, 0, 0);
        run(actors[i].thread);
        expect_equal(k_call(endpoint, 0), BLOCKED);
        run(world_init);
    }
    expect_equal(k_delete(endpoint), E_MORE);
    for (unsigned i = 0; i < 5 && graveyard; i++)
        tick();
    for (unsigned i = 0; i < many; i++)
        expect_equal(actors[i].thread->frame.rax, E_DEAD);
    expect_equal(waiter.thread->frame.rax, E_DEAD);
}

TEST(a_receiver_learns_that_its_endpoint_died)
{
    serve();
    expect_ok(k_delete_all(endpoint));
    expect_equal(server.thread->frame.rax, E_DEAD);
    expect(!the_reply()->thread);
}

TEST(revoking_an_endpoint_drains_its_senders)
{
    endpoint = make(KIND_ENDPOINT, 0);
    struct actor caller = actor_new(63, 0, 0, 0), waiter = actor_new(63, 0, 0, 0);
    uint32_t session = mint(endpoint, 1, false);
    run(caller.thread);
    expect_equal(k_call(session, 0), BLOCKED);
    run(world_init);
    expect_ok(k_delete(session)); // its sender still waits for the next server
    expect_equal(thread_state(caller.thread), THREAD_STATE_SENDING);
    run(waiter.thread);
    expect_equal(k_recv(endpoint, 0, true), BLOCKED);
    run(world_init);
    expect_ok(k_revoke_all(endpoint));
    expect_equal(caller.thread->frame.rax, E_DEAD);
    expect_equal(thread_state(waiter.thread), THREAD_STATE_RECEIVING);
}

TEST(cancelling_every_wait)
{
    serve();
    uint32_t nobody = make(KIND_ENDPOINT, 0);
    struct actor caller = actor_new(63, 0, 0, 0), sender = actor_new(63, 0, 0, 0);
    run(sender.thread);
    expect_equal(k_send(nobody, 0, true), BLOCKED);
    run(caller.thread);
    expect_equal(k_call(endpoint, 0), BLOCKED);
    run(server.thread);
    run(world_init);
    expect_ok(k_control(sender.handle, THREAD_OP_CANCEL, 0, 0));
    expect_ok(k_control(caller.handle, THREAD_OP_CANCEL, 0, 0));
    expect_equal(sender.thread->frame.rax, E_INTR);
    expect_equal(caller.thread->frame.rax, E_INTR);
    expect(!the_reply()->thread);
    run(server.thread); // its caller is gone, which it need not mind
    expect_equal(k_reply_recv(endpoint, reply, 0), BLOCKED);
    run(world_init);
    expect_ok(k_control(server.handle, THREAD_OP_CANCEL, 0, 0));
    expect_equal(server.thread->frame.rax, E_INTR);
    expect(!the_reply()->thread);
    expect_ok(k_control(server.handle, THREAD_OP_CANCEL, 0, 0)); // nothing to cancel
    expect_equal(thread_state(server.thread), THREAD_STATE_READY);
}

TEST(a_server_of_lower_priority_is_queued)
{
    endpoint = make(KIND_ENDPOINT, 0);
    reply = make(KIND_REPLY, 0);
    server = actor_new(10, 0, 0, 0);
    struct actor middle = actor_new(20, 0, 0, 0), equal = actor_new(10, 0, 0, 0);
    uint32_t hold = make(KIND_ENDPOINT, 0), wake = mint_signal(hold, 1);
    expect_equal(k_recv(hold, 0, true), BLOCKED); // init waits
    expect(running() == middle.thread);
    expect_equal(k_recv(hold, 0, true), BLOCKED);
    expect(running() == server.thread);
    expect_equal(k_recv(endpoint, reply, true), BLOCKED);
    expect(running() == equal.thread);
    expect_ok(k_signal(wake)); // init runs again
    expect(running() == world_init);
    expect_equal(k_call(endpoint, 0), BLOCKED);
    expect(running() == equal.thread); // was first in the queue of 10
    expect_equal(thread_state(server.thread), THREAD_STATE_READY);
}

const struct CMUnitTest ipc_tests[] = {
    cmocka_unit_test(a_call_and_its_reply),
    cmocka_unit_test(reply_recv_hands_back_and_waits),
    cmocka_unit_test(long_messages_go_through_the_buffers),
    cmocka_unit_test(tags_are_checked),
    cmocka_unit_test(who_may_do_what),
    cmocka_unit_test(senders_queue_in_order),
    cmocka_unit_test(not_waiting),
    cmocka_unit_test(capabilities_travel),
    cmocka_unit_test(an_untyped_in_use_does_not_travel),
    cmocka_unit_test(a_sender_learns_what_was_not_taken),
    cmocka_unit_test(signals),
    cmocka_unit_test(a_signal_frees_the_reply_of_a_receiver),
    cmocka_unit_test(pending_signals_come_before_waiting_in_reply_recv),
    cmocka_unit_test(a_reply_that_dies_answers_dead),
    cmocka_unit_test(a_reply_that_dies_ends_the_recv_that_offers_it),
    cmocka_unit_test(an_endpoint_that_dies_wakes_all),
    cmocka_unit_test(a_receiver_learns_that_its_endpoint_died),
    cmocka_unit_test(revoking_an_endpoint_drains_its_senders),
    cmocka_unit_test(cancelling_every_wait),
    cmocka_unit_test(a_server_of_lower_priority_is_queued),
};
const size_t ipc_count = sizeof(ipc_tests) / sizeof(ipc_tests[0]);
