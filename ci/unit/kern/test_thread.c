// Threads and the scheduler.
#include "tests.h"

static uint64_t configure(uint32_t thread, uint32_t cspace, uint32_t vspace, uint32_t buffer,
                          uint32_t fault, uint32_t supervisor, uint64_t options)
{
    const uint64_t words[6] = {vspace, buffer, fault, supervisor, options, 0};
    return kernel_message(SYSCALL_THREAD_CONFIGURE, thread, cspace, words);
}

TEST(configuring)
{
    uint32_t thread = make(KIND_THREAD, 0), buffer = make(KIND_FRAME, 12);
    uint32_t endpoint = make(KIND_ENDPOINT, 0), signal = mint_signal(endpoint, 1);
    expect_equal(k_control(thread, THREAD_OP_START, 0, 0), E_INVAL);
    expect_equal(configure(thread, BOOT_SLOT_VSPACE, 0, 0, 0, 0, 0), E_KIND);
    expect_equal(configure(thread, 0, BOOT_SLOT_CSPACE, 0, 0, 0, 0), E_KIND);
    expect_equal(configure(thread, 0, 0, make(KIND_FRAME, 13), 0, 0, 0), E_INVAL);
    expect_equal(configure(thread, 0, 0, endpoint, 0, 0, 0), E_KIND);
    expect_equal(configure(thread, 0, 0, 0, signal, 0, 0), E_RIGHTS);
    expect_equal(configure(thread, 0, 0, 0, 0, buffer, 0), E_KIND);
    expect_equal(configure(thread, 0, 0, 0, 0, 0, 2), E_INVAL);
    expect_equal(configure(buffer, 0, 0, 0, 0, 0, 0), E_KIND);
    expect_ok(configure(thread, BOOT_SLOT_CSPACE, BOOT_SLOT_VSPACE, 0, 0, 0, 0));
    expect_equal(k_control(thread, THREAD_OP_START, 0, 0), E_INVAL); // no buffer
    expect_ok(configure(thread, 0, 0, buffer, endpoint, endpoint, 1));
    expect_ok(k_control(thread, THREAD_OP_START, 0, 0));
    expect_equal(k_control(thread, THREAD_OP_START, 0, 0), E_BUSY);
    expect_equal(configure(thread, 0, 0, buffer, 0, 0, 0), E_BUSY);
}

TEST(a_weak_frame_is_no_buffer)
{
    uint32_t thread = make(KIND_THREAD, 0), frame = make(KIND_FRAME, 12), weak = fresh();
    expect_ok(k_copy(weak, frame, DERIVE_COPY, RIGHT_READ, 0));
    expect_equal(configure(thread, 0, 0, weak, 0, 0, 0), E_RIGHTS);
}

TEST(losing_an_inner_capability_halts)
{
    uint32_t vspace = make(KIND_VSPACE, 0), endpoint = make(KIND_ENDPOINT, 0);
    struct actor actor = actor_new(5, 0, 0, 0);
    struct thread *thread = actor.thread;
    expect_ok(k_control(actor.handle, THREAD_OP_SUSPEND, 0, 0));
    uint32_t untyped = make(KIND_UNTYPED, 12), buffer = make_from(untyped, KIND_FRAME, 12);
    expect_ok(configure(actor.handle, 0, vspace, buffer, endpoint, 0, 0));
    expect_ok(k_control(actor.handle, THREAD_OP_START, 0, 0));
    expect_ok(k_revoke_all(untyped));
    expect_equal(thread_state(thread), THREAD_STATE_INACTIVE);
    expect(!thread->buffer);
    expect_equal(k_control(actor.handle, THREAD_OP_START, 0, 0), E_INVAL);
    expect_ok(configure(actor.handle, 0, 0, make(KIND_FRAME, 12), 0, 0, 0));
    expect_ok(k_control(actor.handle, THREAD_OP_START, 0, 0));
    // The thread's own capability keeps the space alive.
    expect_ok(k_delete(vspace));
    expect_equal(thread_state(thread), THREAD_STATE_READY);
    expect(thread->top.at);
}

TEST(a_thread_dies_in_any_state)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    struct actor ready = actor_new(5, 0, 0, 0), caller = actor_new(63, 0, 0, 0);
    struct actor receiver = actor_new(63, 0, 0, 0), faulted = actor_new(63, 0, 0, 0);
    struct actor queued = actor_new(63, 0, 0, 0), self = actor_new(63, 0, 0, 0);
    uint32_t nobody = make(KIND_ENDPOINT, 0);
    run(receiver.thread);
    expect_equal(k_recv(endpoint, reply, true), BLOCKED);
    run(caller.thread);
    expect_equal(k_call(endpoint, 0), BLOCKED);
    run(faulted.thread);
    fault(FAULT_DIVIDE, 0, 0);
    run(queued.thread);
    expect_equal(k_call(nobody, 0), BLOCKED);
    run(world_init);
    expect_ok(k_delete_all(ready.handle));
    expect_ok(k_delete_all(caller.handle));
    expect(!((struct reply *)slot_of(reply)->object)->thread);
    expect_ok(k_delete_all(receiver.handle));
    expect_ok(k_delete_all(faulted.handle));
    expect_ok(k_delete_all(queued.handle));
    expect(link_empty(&((struct endpoint *)slot_of(nobody)->object)->senders));
    run(self.thread);
    k_delete(self.handle); // its own
    expect(running() == world_init);
    expect(!graveyard);
    invariants_check();
}

TEST(registers)
{
    struct actor actor = actor_new(5, 0, 0, 0);
    struct registers *r = (struct registers *)world_init->buffer->registers;
    expect_equal(kernel(SYSCALL_THREAD_REGISTERS, actor.handle, 0, 0, 0, 0, 0, 0), E_BUSY);
    expect_ok(k_control(actor.handle, THREAD_OP_SUSPEND, 0, 0));
    expect_ok(kernel(SYSCALL_THREAD_REGISTERS, actor.handle, 0, 0, 0, 0, 0, 0));
    expect_equal(r->rip, 0x401000);
    r->r15 = 99;
    r->rflags = ~0ul;
    expect_ok(kernel(SYSCALL_THREAD_REGISTERS, actor.handle, 1, 0, 0, 0, 0, 0));
    expect_equal(actor.thread->frame.r15, 99);
    expect(!(actor.thread->frame.rflags & 0x3000) && actor.thread->frame.rflags & 0x200);
    r->rip = USER_END;
    expect_equal(kernel(SYSCALL_THREAD_REGISTERS, actor.handle, 1, 0, 0, 0, 0, 0), E_INVAL);
    r->rip = 0x401000;
    expect_equal(kernel(SYSCALL_THREAD_REGISTERS, actor.handle, 2, 0, 0, 0, 0, 0), E_INVAL);
}

TEST(priorities)
{
    struct actor actor = actor_new(5, 0, 0, 0);
    expect_equal(k_control(actor.handle, THREAD_OP_PRIORITY, 64, 0), E_INVAL);
    expect_ok(k_control(actor.handle, THREAD_OP_PRIORITY, 40, 0));
    expect_ok(k_control(HANDLE_NULL, THREAD_OP_PRIORITY, 50, 0));
    expect_equal(k_control(actor.handle, THREAD_OP_PRIORITY, 51, 0), E_RIGHTS);
    expect_ok(k_control(actor.handle, THREAD_OP_PRIORITY, 50, 0));
    expect(running() == world_init);
    expect_ok(k_control(HANDLE_NULL, THREAD_OP_PRIORITY, 49, 0));
    expect(running() == actor.thread);
}

TEST(control_operations)
{
    struct actor actor = actor_new(5, 0, 0, 0);
    struct arch_frame *f = &world_init->frame;
    expect_ok(k_control(actor.handle, THREAD_OP_INFO, 0, 0));
    expect_equal(f->rdi, THREAD_STATE_READY);
    expect_equal(f->rdx, 5 | (uint64_t)actor.thread->number << 32);
    tick();
    expect_ok(k_control(HANDLE_NULL, THREAD_OP_INFO, 0, 0));
    expect_equal(f->rdi, THREAD_STATE_RUNNING);
    expect_equal(f->rsi, 2000000);
    expect_ok(k_control(actor.handle, THREAD_OP_CPU, 0, 0));
    expect_equal(k_control(actor.handle, THREAD_OP_CPU, 1, 0), E_INVAL);
    expect_equal(k_control(HANDLE_NULL, THREAD_OP_FS_BASE, 1ul << 47, 0), E_INVAL);
    expect_ok(k_control(HANDLE_NULL, THREAD_OP_FS_BASE, 0x1234, 0));
    expect_equal(mock_fs_base, 0x1234);
    expect_ok(k_control(actor.handle, THREAD_OP_FS_BASE, 0x5678, 0));
    expect_equal(mock_fs_base, 0x1234);
    expect_equal(actor.thread->frame.fs_base, 0x5678);
    expect_equal(k_control(actor.handle, THREAD_OP_HANDLER, USER_END, 0), E_INVAL);
    expect_equal(k_control(actor.handle, 99, 0, 0), E_INVAL);
    expect_equal(k_control(999, THREAD_OP_INFO, 0, 0), E_HANDLE);
    expect_equal(k_control(actor.handle, THREAD_OP_RETURN, 0, 0), E_INVAL);
    ((struct registers *)world_init->buffer->registers)->rip = ~0ul;
    expect_equal(k_control(HANDLE_NULL, THREAD_OP_RETURN, 0, 0), E_INVAL);
}

TEST(suspending)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0);
    struct actor actor = actor_new(63, 0, 0, 0);
    run(actor.thread);
    expect_equal(k_recv(endpoint, 0, true), BLOCKED);
    expect_ok(k_control(actor.handle, THREAD_OP_SUSPEND, 0, 0));
    expect_equal(thread_state(actor.thread), THREAD_STATE_INACTIVE);
    expect_ok(k_control(actor.handle, THREAD_OP_START, 0, 0));
    run(actor.thread);
    expect_equal(actor.thread->frame.rax, E_INTR);
    expect_equal(k_control(HANDLE_NULL, THREAD_OP_SUSPEND, 0, 0), BLOCKED); // itself
    expect(running() == world_init);
    expect_equal(actor.thread->frame.rax, OK);
}

TEST(slices_go_round)
{
    struct actor a = actor_new(63, 0, 0, 0), b = actor_new(63, 0, 0, 0);
    struct thread *order[3] = {a.thread, b.thread, world_init};
    for (unsigned round = 0; round < 6; round++) {
        for (unsigned i = 0; i < SLICE_TICKS - 1; i++) {
            struct thread *now = running();
            tick();
            expect(running() == now);
        }
        tick();
        expect(running() == order[round % 3]);
    }
    expect_ok(k_yield());
    expect(running() == a.thread);
}

TEST(a_preempted_thread_goes_on_first_with_what_it_had)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), wake = mint_signal(endpoint, 1);
    expect_ok(k_control(HANDLE_NULL, THREAD_OP_PRIORITY, 50, 0));
    struct actor high = actor_new(50, 0, 0, 0), equal = actor_new(40, 0, 0, 0);
    run(high.thread);
    expect_equal(k_recv(endpoint, 0, true), BLOCKED);
    expect_ok(k_control(HANDLE_NULL, THREAD_OP_PRIORITY, 40, 0));
    tick();
    tick();
    struct thread *low = running();
    expect(low != high.thread);
    expect_ok(k_signal(wake));
    expect(running() == high.thread);
    expect_equal(k_recv(endpoint, 0, true), BLOCKED);
    expect(running() == low);
    expect_equal(arch_cpu()->slice, SLICE_TICKS - 2);
    (void)equal;
}

TEST(a_callee_runs_on_the_callers_slice)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    struct actor server = actor_new(63, 0, 0, 0);
    run(server.thread);
    expect_equal(k_recv(endpoint, reply, true), BLOCKED);
    tick();
    uint32_t left = arch_cpu()->slice;
    expect_equal(k_call(endpoint, 0), BLOCKED);
    expect_equal(arch_cpu()->slice, left);
    tick();
    expect_equal(k_reply_recv(endpoint, reply, 0), BLOCKED);
    expect(running() == world_init);
    expect_equal(arch_cpu()->slice, left - 1);
}

/// A slice that ends while the server works is over for the caller: others come before it.
static void slice_ends_in_the_server(unsigned words)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    struct actor server = actor_new(63, 0, 0, 0), other = actor_new(40, 0, 0, 0);
    run(server.thread);
    expect_equal(k_recv(endpoint, reply, true), BLOCKED);
    expect_ok(k_control(HANDLE_NULL, THREAD_OP_PRIORITY, 40, 0));
    expect(running() == world_init);
    for (unsigned round = 0; round < 2; round++) {
        struct thread *caller = running();
        expect_equal(k_call(endpoint, 0), BLOCKED);
        for (unsigned i = 0; i < SLICE_TICKS + 2; i++)
            tick();
        expect(running() == server.thread);
        expect_equal(k_reply_recv(endpoint, reply, words), BLOCKED);
        expect(running() == (round ? world_init : other.thread));
        expect_equal(caller->state, THREAD_STATE_READY);
        expect_equal(arch_cpu()->slice, SLICE_TICKS);
    }
    // Nobody else: it goes on, with a new slice.
    expect_ok(k_control(other.handle, THREAD_OP_SUSPEND, 0, 0));
    expect_equal(k_call(endpoint, 0), BLOCKED);
    for (unsigned i = 0; i < SLICE_TICKS + 2; i++)
        tick();
    expect_equal(k_reply_recv(endpoint, reply, words), BLOCKED);
    expect(running() == world_init);
    expect_equal(arch_cpu()->slice, SLICE_TICKS);
    // Without one it gives way as soon as somebody comes.
    for (unsigned i = 0; i < SLICE_TICKS + 2; i++)
        tick();
    expect_ok(k_control(other.handle, THREAD_OP_START, 0, 0));
    expect(running() == world_init);
    tick();
    expect(running() == other.thread);
}

TEST(a_slice_that_ends_in_the_server_is_over)
{
    slice_ends_in_the_server(0);
}

TEST(a_slice_that_ends_in_the_server_is_over_generally)
{
    slice_ends_in_the_server(7);
}

/// The timer fires once each time that it is set.
TEST(the_tick_comes_again_while_somebody_runs)
{
    mock_timer_on = false;
    tick();
    expect(mock_timer_on);
}

TEST(the_same_priority_again_changes_nothing)
{
    struct actor first = actor_new(63, 0, 0, 0), second = actor_new(63, 0, 0, 0);
    expect_ok(k_control(first.handle, THREAD_OP_PRIORITY, 63, 0));
    expect_ok(k_yield());
    expect(running() == first.thread); // it has kept its place
    expect_ok(k_yield());
    expect(running() == second.thread);
}

TEST(nobody_ready_means_idle)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), signal = mint_signal(endpoint, 4);
    expect_ok(kernel(SYSCALL_IRQ_CONTROL, BOOT_SLOT_IRQ, IRQ_OP_BIND, 3, signal, 0, 0, 0));
    expect_equal(k_recv(endpoint, 0, true), BLOCKED);
    expect(!running());
    expect(!mock_timer_on);
    tick();
    expect(!running());
    interrupt(3);
    expect(running() == world_init);
    expect(mock_timer_on);
    expect_equal(world_init->frame.rdi, 4);
}

TEST(the_fpu_belongs_to_one_thread)
{
    struct actor with = actor_new(63, 0, 0, THREAD_OPTION_FPU);
    struct actor other = actor_new(63, 0, 0, THREAD_OPTION_FPU);
    expect(!mock_fpu_on[0]);
    run(with.thread);
    expect(mock_fpu_on[0]);
    expect_equal(mock_fpu[0].image[0], 0x7f);
    mock_fpu[0].image[5] = 42;
    run(world_init);
    expect(!mock_fpu_on[0]);
    run(other.thread);
    expect(mock_fpu_on[0] && mock_fpu[0].image[5] == 0);
    expect_equal(with.thread->fpu_image.image[5], 42);
    run(with.thread);
    expect_equal(mock_fpu[0].image[5], 42);
    run(world_init);
    expect_ok(k_delete_all(with.handle)); // its registers are nobody's now
    run(other.thread);
    expect_equal(mock_fpu[0].image[5], 0);
}

TEST(a_lone_fpu_thread_costs_no_exchange)
{
    struct actor with = actor_new(63, 0, 0, THREAD_OPTION_FPU);
    run(with.thread);
    mock_fpu[0].image[7] = 9; // an exchange would lose it
    with.thread->fpu_image.image[7] = 1;
    run(world_init);
    run(with.thread);
    expect(mock_fpu_on[0]);
    expect_equal(mock_fpu[0].image[7], 9);
}

const struct CMUnitTest thread_tests[] = {
    cmocka_unit_test(configuring),
    cmocka_unit_test(a_weak_frame_is_no_buffer),
    cmocka_unit_test(losing_an_inner_capability_halts),
    cmocka_unit_test(a_thread_dies_in_any_state),
    cmocka_unit_test(registers),
    cmocka_unit_test(priorities),
    cmocka_unit_test(control_operations),
    cmocka_unit_test(suspending),
    cmocka_unit_test(slices_go_round),
    cmocka_unit_test(a_preempted_thread_goes_on_first_with_what_it_had),
    cmocka_unit_test(a_callee_runs_on_the_callers_slice),
    cmocka_unit_test(a_slice_that_ends_in_the_server_is_over),
    cmocka_unit_test(a_slice_that_ends_in_the_server_is_over_generally),
    cmocka_unit_test(the_tick_comes_again_while_somebody_runs),
    cmocka_unit_test(the_same_priority_again_changes_nothing),
    cmocka_unit_test(nobody_ready_means_idle),
    cmocka_unit_test(the_fpu_belongs_to_one_thread),
    cmocka_unit_test(a_lone_fpu_thread_costs_no_exchange),
};
const size_t thread_count = sizeof(thread_tests) / sizeof(thread_tests[0]);
