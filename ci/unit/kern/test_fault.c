// Faults: endpoint, supervisor, handler; and what happens when one of them is not there.
#include "tests.h"

static uint32_t endpoint, reply, supervisor, supervisor_reply;
static struct actor victim;

/// A thread with both fault endpoints, which init serves.
static void prepare(void)
{
    endpoint = make(KIND_ENDPOINT, 0);
    reply = make(KIND_REPLY, 0);
    supervisor = make(KIND_ENDPOINT, 0);
    supervisor_reply = make(KIND_REPLY, 0);
    victim = actor_new(63, mint(endpoint, 5, false), mint(supervisor, 6, false), 0);
    victim.thread->frame.rsp = 0x7000;
}

static void make_fault(void)
{
    run(victim.thread);
    fault(FAULT_PAGE, 0xdead, 6);
    run(world_init);
}

static uint64_t answer(uint32_t with, uint64_t action)
{
    return kernel(SYSCALL_REPLY, (uint64_t)with << 32, 1, action, 0, 0, 0, 0);
}

TEST(a_fault_is_a_message)
{
    prepare();
    make_fault();
    const struct arch_frame *f = &world_init->frame;
    expect_ok(k_recv(endpoint, reply, true));
    expect_equal(f->rdi, 5);
    expect_equal(f->rsi, (uint64_t)FAULT_PAGE << 32 | MESSAGE_FAULT << TAG_KIND_SHIFT | 5);
    const uint64_t words[6] = {FAULT_PAGE, 0xdead, 0x401000, 6, 0x7000, 0};
    for (unsigned i = 0; i < 6; i++)
        expect_equal(arch_frame_word(f, i), words[i]);
    expect_ok(k_control(victim.handle, THREAD_OP_INFO, 0, 0));
    expect_equal(f->rdi, THREAD_STATE_FAULTED);
    uint64_t rax = victim.thread->frame.rax;
    expect_ok(answer(reply, FAULT_ACTION_RETRY));
    expect_equal(thread_state(victim.thread), THREAD_STATE_READY);
    expect_equal(victim.thread->frame.rax, rax); // no register was touched
    expect_equal(victim.thread->frame.trapped, 1);
}

TEST(a_queued_fault_shows_as_faulted)
{
    prepare();
    make_fault();
    expect_ok(k_control(victim.handle, THREAD_OP_INFO, 0, 0));
    expect_equal(world_init->frame.rdi, THREAD_STATE_FAULTED);
    expect_ok(k_control(victim.handle, THREAD_OP_CANCEL, 0, 0));
    expect_equal(thread_state(victim.thread), THREAD_STATE_SENDING);
}

TEST(a_waiting_handler_runs_at_once)
{
    prepare();
    struct actor server = actor_new(63, 0, 0, 0);
    run(server.thread);
    expect_equal(k_recv(endpoint, reply, true), BLOCKED);
    run(victim.thread);
    fault(FAULT_OPCODE, 0, 0);
    expect(running() == server.thread);
    expect_equal(kernel(SYSCALL_REPLY_RECV, endpoint | (uint64_t)reply << 32, 1,
                        FAULT_ACTION_RETRY, 0, 0, 0, 0),
                 BLOCKED);
    expect(running() == victim.thread);
}

TEST(passing_to_the_supervisor)
{
    prepare();
    make_fault();
    expect_ok(k_recv(endpoint, reply, true));
    expect_ok(answer(reply, FAULT_ACTION_PASS));
    expect_ok(k_recv(supervisor, supervisor_reply, true));
    expect_equal(world_init->frame.rdi, 6);
    expect_equal(world_init->frame.rsi >> TAG_KIND_SHIFT & 15, MESSAGE_FAULT);
    expect_ok(answer(supervisor_reply, FAULT_ACTION_PASS));
    expect_equal(thread_state(victim.thread), THREAD_STATE_FAULTED);
    expect_equal(k_recv(supervisor, 0, false), E_AGAIN); // it knows already
    expect_equal(k_control(victim.handle, THREAD_OP_FAULT, FAULT_ACTION_PASS, 0), E_INVAL);
    expect_equal(k_control(victim.handle, THREAD_OP_FAULT, FAULT_ACTION_DIVERT, 0), E_NOTSUP);
    expect_ok(k_control(victim.handle, THREAD_OP_FAULT, FAULT_ACTION_RETRY, 0));
    expect_equal(thread_state(victim.thread), THREAD_STATE_READY);
    expect_equal(k_control(victim.handle, THREAD_OP_FAULT, FAULT_ACTION_RETRY, 0), E_BUSY);
}

TEST(unknown_actions_pass)
{
    prepare();
    make_fault();
    expect_ok(k_recv(endpoint, reply, true));
    expect_ok(answer(reply, 77));
    expect_ok(k_recv(supervisor, supervisor_reply, true));
}

TEST(without_endpoints_a_thread_stays_faulted)
{
    victim = actor_new(63, 0, 0, 0);
    run(victim.thread);
    fault(FAULT_DIVIDE, 0, 0);
    expect(running() == world_init);
    expect_equal(thread_state(victim.thread), THREAD_STATE_FAULTED);
    expect_ok(k_control(victim.handle, THREAD_OP_SUSPEND, 0, 0));
    expect_ok(k_control(victim.handle, THREAD_OP_START, 0, 0));
    run(victim.thread);
}

TEST(without_a_fault_endpoint_the_supervisor_is_asked)
{
    supervisor = make(KIND_ENDPOINT, 0);
    reply = make(KIND_REPLY, 0);
    victim = actor_new(63, 0, mint(supervisor, 6, false), 0);
    make_fault();
    expect_ok(k_recv(supervisor, reply, true));
    expect_equal(world_init->frame.rdi, 6);
}

TEST(a_fault_reply_that_dies_tells_the_supervisor)
{
    prepare();
    make_fault();
    expect_ok(k_recv(endpoint, reply, true));
    expect_equal(k_control(victim.handle, THREAD_OP_FAULT, FAULT_ACTION_RETRY, 0), E_BUSY);
    expect_ok(k_delete_all(reply));
    expect_equal(thread_state(victim.thread), THREAD_STATE_FAULTED);
    expect_ok(k_recv(supervisor, 0, true));
    expect_equal(world_init->frame.rdi, SIGNAL_KERNEL);
    expect_ok(k_control(victim.handle, THREAD_OP_FAULT, FAULT_ACTION_RETRY, 0));
}

TEST(draining_an_endpoint_leaves_its_faults_faulted)
{
    prepare();
    make_fault();
    expect_ok(k_copy(fresh(), endpoint, DERIVE_COPY, RIGHT_ALL, 0));
    expect_equal(thread_state(victim.thread), THREAD_STATE_SENDING);
    unsigned budget = 10;
    expect(endpoint_drain(arch_cpu(), slot_of(endpoint)->object, false, &budget));
    expect_equal(thread_state(victim.thread), THREAD_STATE_FAULTED);
    expect_ok(k_recv(supervisor, 0, true));
    expect_equal(world_init->frame.rdi, SIGNAL_KERNEL);
}

TEST(revoking_a_fault_endpoint_halts)
{
    prepare();
    make_fault();
    expect_ok(k_revoke_all(endpoint));
    expect_equal(thread_state(victim.thread), THREAD_STATE_INACTIVE);
}

TEST(diverting)
{
    prepare();
    expect_ok(k_control(victim.handle, THREAD_OP_HANDLER, 0x402000, 0));
    victim.thread->frame.r14 = 14;
    make_fault();
    expect_ok(k_recv(endpoint, reply, true));
    expect_ok(answer(reply, FAULT_ACTION_DIVERT));
    const struct arch_frame *f = &victim.thread->frame;
    expect_equal(f->rip, 0x402000);
    expect_equal(f->rsp, ((0x7000 - 128) & ~15ul) - 8);
    struct handler_frame *saved = (struct handler_frame *)victim.thread->buffer->registers;
    expect_equal(saved->saved.rip, 0x401000);
    expect_equal(saved->saved.rsp, 0x7000);
    expect_equal(saved->saved.r14, 14);
    expect_equal(saved->fault.kind, FAULT_PAGE);
    expect_equal(saved->fault.address, 0xdead);
    run(victim.thread);
    saved->saved.rip = 0x403000;
    saved->saved.fs_base = 0x999;
    kernel(SYSCALL_THREAD_CONTROL, HANDLE_NULL, THREAD_OP_RETURN, 0, 0, 0, 0, 0);
    expect_equal(f->rip, 0x403000);
    expect_equal(f->rsp, 0x7000);
    expect_equal(f->r14, 14);
    expect_equal(mock_fs_base, 0x999);
    expect(!victim.thread->handling);
}

TEST(diverting_to_a_stack_of_its_own)
{
    prepare();
    expect_ok(k_control(victim.handle, THREAD_OP_HANDLER, 0x402000, 0x9008));
    make_fault();
    expect_ok(k_recv(endpoint, reply, true));
    expect_ok(answer(reply, FAULT_ACTION_DIVERT));
    expect_equal(victim.thread->frame.rsp, 0x9008);
}

TEST(signals_to_a_handler)
{
    prepare();
    uint32_t nobody = make(KIND_ENDPOINT, 0);
    expect_equal(k_control(victim.handle, THREAD_OP_DIVERT, 2, 0), E_NOTSUP);
    expect_ok(k_control(victim.handle, THREAD_OP_HANDLER, 0x402000, 0));
    run(victim.thread);
    expect_equal(k_call(nobody, 0), BLOCKED);
    expect_ok(k_control(victim.handle, THREAD_OP_DIVERT, 2, 0));
    struct handler_frame *saved = (struct handler_frame *)victim.thread->buffer->registers;
    expect_equal(saved->saved.rax, E_INTR);
    expect_equal(saved->fault.kind, FAULT_SIGNAL);
    expect_equal(saved->fault.code, 2);
    expect_equal(k_control(victim.handle, THREAD_OP_DIVERT, 2, 0), E_BUSY);
    expect_ok(k_control(victim.handle, THREAD_OP_HANDLER, 0x402000, 0));
    expect_ok(k_control(victim.handle, THREAD_OP_DIVERT, 3, 0)); // while it is ready
    expect_equal(k_control(HANDLE_NULL, THREAD_OP_DIVERT, 2, 0), E_INVAL);
    expect_ok(k_control(victim.handle, THREAD_OP_SUSPEND, 0, 0));
    expect_equal(k_control(victim.handle, THREAD_OP_DIVERT, 2, 0), E_INVAL);
}

TEST(a_faulted_thread_is_diverted_by_its_keeper)
{
    victim = actor_new(63, 0, 0, 0);
    expect_ok(k_control(victim.handle, THREAD_OP_HANDLER, 0x402000, 0));
    run(victim.thread);
    fault(FAULT_DIVIDE, 0, 0);
    expect_ok(k_control(victim.handle, THREAD_OP_FAULT, FAULT_ACTION_DIVERT, 0));
    expect_equal(victim.thread->frame.rip, 0x402000);
    expect_equal(thread_state(victim.thread), THREAD_STATE_READY);
}

const struct CMUnitTest fault_tests[] = {
    cmocka_unit_test(a_fault_is_a_message),
    cmocka_unit_test(a_queued_fault_shows_as_faulted),
    cmocka_unit_test(a_waiting_handler_runs_at_once),
    cmocka_unit_test(passing_to_the_supervisor),
    cmocka_unit_test(unknown_actions_pass),
    cmocka_unit_test(without_endpoints_a_thread_stays_faulted),
    cmocka_unit_test(without_a_fault_endpoint_the_supervisor_is_asked),
    cmocka_unit_test(a_fault_reply_that_dies_tells_the_supervisor),
    cmocka_unit_test(draining_an_endpoint_leaves_its_faults_faulted),
    cmocka_unit_test(revoking_a_fault_endpoint_halts),
    cmocka_unit_test(diverting),
    cmocka_unit_test(diverting_to_a_stack_of_its_own),
    cmocka_unit_test(signals_to_a_handler),
    cmocka_unit_test(a_faulted_thread_is_diverted_by_its_keeper),
};
const size_t fault_count = sizeof(fault_tests) / sizeof(fault_tests[0]);
