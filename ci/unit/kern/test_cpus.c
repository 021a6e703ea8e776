// Several CPUs: what one asks of another, queues, moves, and what is done to a thread
// that runs elsewhere. One CPU at a time is played (test_lock.c has real threads).
#include "tests.h"

enum { CPUS = 3 };

// ---------------------------------------------------------------- asking

static uint64_t worked[CPUS];

static void work(struct cpu *cpu, uint64_t a, uint64_t b)
{
    expect(cpu == arch_cpu());
    worked[cpu->arch.number] += a * 10 + b;
}

TEST(those_asked_do_the_work)
{
    world_add_cpus(CPUS);
    cpu_ask(1u << 1 | 1u << 2, work, 4, 2);
    expect_equal(worked[0], 0);
    expect_equal(worked[1], 42);
    expect_equal(worked[2], 42);
    expect(!kern_cpus[1].work && !kern_cpus[2].work);
}

/// What the holder of the lock does while CPU 1 waits for it.
static void ask_and_leave(void)
{
    mock_cpu = 0;
    mock_entering = true;
    cpu_ask(1u << 1, work, 1, 1);
    expect_equal(worked[1], 11);
    arch_unlock(&kern_lock);
    mock_cpu = 1;
}

TEST(who_waits_for_the_lock_answers)
{
    world_add_cpus(2);
    cpu_lock();
    mock_cpu = 1;
    mock_relax = ask_and_leave;
    cpu_lock();
    expect_equal(worked[1], 11);
    arch_unlock(&kern_lock);
}

// ---------------------------------------------------------------- queues

TEST(a_moved_thread_runs_there)
{
    world_add_cpus(2);
    struct actor actor = actor_new(10, 0, 0, 0);
    expect(actor.thread->cpu == &kern_cpus[0]);
    expect_equal(k_control(actor.handle, THREAD_OP_CPU, 2, 0), E_INVAL);
    expect_ok(k_control(actor.handle, THREAD_OP_CPU, 1, 0));
    expect(mock_called[1]); // it sleeps: it must be told
    expect_equal(actor.thread->state, THREAD_STATE_READY);
    expect_equal(kern_cpus[1].ready, 1 << 10);
    world_calls();
    expect(running_on(1) == actor.thread);
    expect(running_on(0) == world_init);
    expect_equal(mock_top[1], world_init->top.at);
    invariants_check();
}

TEST(only_the_more_important_interrupt)
{
    world_add_cpus(2);
    far_actor(20, 0, 0);
    struct actor lower = actor_new(20, 0, 0, 0), higher = actor_new(21, 0, 0, 0);
    expect_ok(k_control(lower.handle, THREAD_OP_CPU, 1, 0));
    expect(!mock_called[1]);
    expect_ok(k_control(higher.handle, THREAD_OP_CPU, 1, 0));
    expect(mock_called[1]);
    world_calls();
    expect(running_on(1) == higher.thread);
    // Raised, a thread that is ready there takes over; the one that runs, lowered, gives way.
    expect_ok(k_control(lower.handle, THREAD_OP_PRIORITY, 22, 0));
    world_calls();
    expect(running_on(1) == lower.thread);
    expect_ok(k_control(lower.handle, THREAD_OP_PRIORITY, 5, 0));
    world_calls();
    expect(running_on(1) == higher.thread);
}

TEST(a_thread_moves_itself)
{
    world_add_cpus(2);
    struct actor actor = actor_new(63, 0, 0, THREAD_OPTION_FPU);
    run(actor.thread);
    mock_fpu[0].image[5] = 42;
    expect_ok(k_control(HANDLE_NULL, THREAD_OP_CPU, 1, 0));
    expect(running() == world_init && !mock_fpu_on[0]);
    world_calls();
    expect(running_on(1) == actor.thread);
    expect_equal(mock_fpu[1].image[5], 42);
    invariants_check();
}

TEST(a_running_thread_is_moved_with_its_fpu)
{
    world_add_cpus(CPUS);
    struct actor actor = far_actor(10, 0, THREAD_OPTION_FPU);
    mock_fpu[1].image[5] = 42;
    expect_ok(k_control(actor.handle, THREAD_OP_CPU, 2, 0));
    world_calls();
    expect(running_on(2) == actor.thread && !running_on(1));
    expect(!mock_fpu_on[1] && !kern_cpus[1].fpu_owner);
    expect_equal(mock_fpu[2].image[5], 42);
    mock_fpu[2].image[5] = 43; // and back: nothing stale is left there
    expect_ok(k_control(actor.handle, THREAD_OP_CPU, 1, 0));
    world_calls();
    expect_equal(mock_fpu[1].image[5], 43);
}

TEST(a_waiting_thread_is_moved_with_its_fpu)
{
    world_add_cpus(2);
    uint32_t endpoint = make(KIND_ENDPOINT, 0);
    struct actor actor = far_actor(10, 0, THREAD_OPTION_FPU);
    mock_cpu = 1;
    mock_fpu[1].image[5] = 42;
    expect_equal(k_recv(endpoint, 0, true), BLOCKED);
    mock_cpu = 0;
    expect(kern_cpus[1].fpu_owner == &actor.thread->fpu_image);
    expect_ok(k_control(actor.handle, THREAD_OP_CPU, 0, 0));
    expect(!kern_cpus[1].fpu_owner && !mock_fpu_on[1]);
    expect_equal(actor.thread->fpu_image.image[5], 42);
}

// ---------------------------------------------------------------- messages across

TEST(a_call_across_cpus)
{
    world_add_cpus(2);
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    uint32_t session = mint(endpoint, 7, false);
    struct actor server = far_actor(63, 0, 0), client = actor_new(63, 0, 0, 0);
    mock_cpu = 1;
    expect_equal(k_recv(endpoint, reply, true), BLOCKED);
    expect(!running());
    mock_cpu = 0;
    run(client.thread);
    expect_equal(k_call(session, 5), BLOCKED);
    expect(running() == world_init && mock_called[1]);
    world_calls();
    mock_cpu = 1;
    expect(running() == server.thread);
    expect_equal(server.thread->frame.rdi, 7);
    expect_equal(arch_frame_word(&server.thread->frame, 4), 5);
    expect_equal(k_reply_recv(endpoint, reply, 3), BLOCKED);
    expect(!running() && server.thread->state == THREAD_STATE_RECEIVING);
    mock_cpu = 0;
    run(client.thread);
    expect_equal(client.thread->frame.rax, OK);
    expect_equal(arch_frame_word(&client.thread->frame, 0), 11);
    invariants_check();
}

TEST(a_signal_across_cpus)
{
    world_add_cpus(2);
    uint32_t endpoint = make(KIND_ENDPOINT, 0), bits = mint_signal(endpoint, 6);
    struct actor waiter = far_actor(1, 0, 0);
    mock_cpu = 1;
    expect_equal(k_recv(endpoint, 0, true), BLOCKED);
    mock_cpu = 0;
    expect_ok(k_signal(bits));
    expect(running() == world_init && mock_called[1]);
    world_calls();
    expect(running_on(1) == waiter.thread);
    expect_equal(waiter.thread->frame.rdi, 6);
    // More important than whoever signals: that one goes on all the same.
    mock_cpu = 1;
    expect_equal(k_recv(endpoint, 0, true), BLOCKED);
    mock_cpu = 0;
    expect_ok(k_control(HANDLE_NULL, THREAD_OP_PRIORITY, 0, 0));
    expect_ok(k_signal(bits));
    expect(running() == world_init);
    world_calls();
    expect(running_on(1) == waiter.thread);
}

// ---------------------------------------------------------------- what tools see

TEST(each_cpu_is_shown)
{
    world_add_cpus(2);
    expect_ok(kernel(SYSCALL_DEBUG, BOOT_SLOT_DEBUG, DEBUG_OP_CPU, 1, 0, 0, 0, 0));
    expect_equal(world_init->frame.rdx, 0); // asleep
    uint64_t idle = world_init->frame.rsi;
    struct actor actor = far_actor(10, 0, 0);
    expect_ok(kernel(SYSCALL_DEBUG, BOOT_SLOT_DEBUG, DEBUG_OP_CPU, 1, 0, 0, 0, 0));
    expect_equal(world_init->frame.rdx, actor.thread->number);
    uint64_t later = world_init->frame.rsi;
    expect(later > idle);
    expect_ok(kernel(SYSCALL_DEBUG, BOOT_SLOT_DEBUG, DEBUG_OP_CPU, 1, 0, 0, 0, 0));
    expect_equal(world_init->frame.rsi, later); // it is not idle now
}

TEST(each_cpu_is_traced)
{
    world_add_cpus(2);
    far_actor(10, 0, 0);
    expect_ok(
        kernel(SYSCALL_DEBUG, BOOT_SLOT_DEBUG, DEBUG_OP_TRACE, 1 << TRACE_SYSCALL, 0, 0, 0, 0));
    mock_cpu = 1;
    expect_ok(k_yield());
    mock_cpu = 0;
    expect_ok(kernel(SYSCALL_DEBUG, BOOT_SLOT_DEBUG, DEBUG_OP_TRACE_READ, 1, 0, 0, 0, 0));
    expect_equal(world_init->frame.rdi, 1);
    const struct trace_event *events = (struct trace_event *)world_init->buffer->io;
    expect_equal(events[0].cpu, 1);
}

// ---------------------------------------------------------------- invariants

#define BREAK(name, ...)                                                                       \
    TEST(name)                                                                                 \
    {                                                                                          \
        world_add_cpus(2);                                                                     \
        struct actor actor = far_actor(10, 0, 0), idle = actor_new(1, 0, 0, 0);                \
        (void)actor, (void)idle;                                                               \
        invariants_check();                                                                    \
        expect_panic("assertion " #name ":", __VA_ARGS__; invariants_check());                 \
        _Exit(0);                                                                              \
    }

BREAK(inv_runs, actor.thread->cpu = &kern_cpus[0])
BREAK(inv_faulting, idle.thread->faulting = true)
BREAK(inv_home, idle.thread->cpu = &kern_cpus[1])
BREAK(inv_work, kern_cpus[1].work = work)
BREAK(inv_space, kern_cpus[1].top = phys(0x5000))

TEST(space_left)
{
    world_add_cpus(2);
    struct slot *vspace = slot_of(make(KIND_VSPACE, 0));
    kern_cpus[1].top.at = vspace->address;
    expect_panic("assertion space_left:", space_unref(vspace));
    _Exit(0);
}

const struct CMUnitTest cpus_tests[] = {
    cmocka_unit_test(those_asked_do_the_work),
    cmocka_unit_test(who_waits_for_the_lock_answers),
    cmocka_unit_test(a_moved_thread_runs_there),
    cmocka_unit_test(only_the_more_important_interrupt),
    cmocka_unit_test(a_thread_moves_itself),
    cmocka_unit_test(a_running_thread_is_moved_with_its_fpu),
    cmocka_unit_test(a_waiting_thread_is_moved_with_its_fpu),
    cmocka_unit_test(a_call_across_cpus),
    cmocka_unit_test(a_signal_across_cpus),
    cmocka_unit_test(each_cpu_is_shown),
    cmocka_unit_test(each_cpu_is_traced),
    cmocka_unit_test(inv_runs),
    cmocka_unit_test(inv_faulting),
    cmocka_unit_test(inv_home),
    cmocka_unit_test(inv_work),
    cmocka_unit_test(inv_space),
    cmocka_unit_test(space_left),
};
const size_t cpus_count = sizeof(cpus_tests) / sizeof(cpus_tests[0]);
