// What is done to a thread that runs on another CPU, and to the translations it uses.
#include "tests.h"
#include <kern/syscall.h>

enum { CPUS = 3 };

// ---------------------------------------------------------------- what runs elsewhere

TEST(suspending_what_runs_elsewhere)
{
    world_add_cpus(2);
    struct actor actor = far_actor(10, 0, THREAD_OPTION_FPU);
    mock_fpu[1].image[5] = 42;
    expect_ok(k_control(actor.handle, THREAD_OP_SUSPEND, 0, 0));
    expect_equal(actor.thread->state, THREAD_STATE_INACTIVE);
    expect_equal(actor.thread->frame.rip, 0x401000);
    expect_equal(actor.thread->fpu_image.image[5], 42);
    expect(mock_top[1] != world_init->top.at && !mock_fpu_on[1]);
    invariants_check();
    world_calls();
    expect(!running_on(1));
    expect_ok(k_control(actor.handle, THREAD_OP_START, 0, 0));
    world_calls();
    expect(running_on(1) == actor.thread);
}

static struct actor victim;
static uint32_t victim_op, victim_argument;

/// CPU 0 has the lock and makes its call while CPU 1 waits in its own; then it leaves.
static void strike(void)
{
    mock_cpu = 0;
    mock_entering = true;
    struct thread *self = running();
    self->frame.rdi = victim.handle;
    self->frame.rsi = victim_op;
    arch_frame_set_word(&self->frame, 0, victim_argument);
    expect_ok(sys_thread_control(arch_cpu(), self));
    mock_entering = false;
    mock_called[1] = false; // it is in the kernel
    arch_unlock(&kern_lock);
    mock_cpu = 1;
}

/// Makes CPU 1's next entry wait behind a thread_control of CPU 0.
static void strike_at(struct actor actor, uint32_t op, uint32_t argument)
{
    victim = actor;
    victim_op = op;
    victim_argument = argument;
    mock_cpu = 0;
    cpu_lock();
    mock_cpu = 1;
    mock_relax = strike;
}

TEST(a_call_that_was_not_begun_is_made_later)
{
    world_add_cpus(2);
    uint32_t endpoint = make(KIND_ENDPOINT, 0), bits = mint_signal(endpoint, 4);
    struct endpoint *object = slot_of(endpoint)->object;
    struct actor actor = far_actor(10, 0, 0);
    strike_at(actor, THREAD_OP_SUSPEND, 0);
    kernel(SYSCALL_SIGNAL, bits, 0, 0, 0, 0, 0, 0);
    expect(!running() && actor.thread->state == THREAD_STATE_INACTIVE);
    expect_equal(object->pending, 0);
    expect_equal(actor.thread->frame.rip, 0x401000 - 2); // at its SYSCALL
    expect_equal(actor.thread->frame.rax, SYSCALL_SIGNAL);
    expect_equal(actor.thread->frame.rdi, bits);
    mock_cpu = 0;
    expect_ok(k_control(actor.handle, THREAD_OP_START, 0, 0));
    world_calls();
    expect(running_on(1) == actor.thread);
}

TEST(a_call_is_made_on_the_cpu_moved_to)
{
    world_add_cpus(CPUS);
    uint32_t bits = mint_signal(make(KIND_ENDPOINT, 0), 4);
    struct actor actor = far_actor(10, 0, 0);
    strike_at(actor, THREAD_OP_CPU, 2);
    kernel(SYSCALL_SIGNAL, bits, 0, 0, 0, 0, 0, 0);
    expect(!running() && actor.thread->cpu == &kern_cpus[2]);
    world_calls();
    expect(running_on(2) == actor.thread);
    expect_equal(actor.thread->frame.rip, 0x401000 - 2);
}

TEST(a_fault_at_the_lock_comes_first)
{
    world_add_cpus(CPUS);
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    uint32_t session = mint(endpoint, 9, false);
    struct actor actor = far_actor(10, session, 0);
    strike_at(actor, THREAD_OP_CPU, 2);
    fault(FAULT_BREAKPOINT, 0, 0);
    expect(!running() && !actor.thread->faulting);
    expect_equal(actor.thread->state, THREAD_STATE_SENDING);
    mock_cpu = 0;
    expect_equal(k_recv(endpoint, reply, true), OK);
    expect_equal(world_init->frame.rdi, 9);
    expect_equal(arch_frame_word(&world_init->frame, 0), FAULT_BREAKPOINT);
    const uint64_t words[6] = {FAULT_ACTION_RETRY};
    expect_ok(kernel_message(SYSCALL_REPLY, (uint64_t)reply << 32, 1, words));
    world_calls();
    expect(running_on(2) == actor.thread);
}

TEST(a_fault_at_the_lock_of_a_suspended_thread_is_dropped)
{
    world_add_cpus(2);
    struct actor actor = far_actor(10, mint(make(KIND_ENDPOINT, 0), 9, false), 0);
    strike_at(actor, THREAD_OP_SUSPEND, 0);
    fault(FAULT_PAGE, 0x1000, 4);
    expect(!running() && !actor.thread->faulting);
    expect_equal(actor.thread->state, THREAD_STATE_INACTIVE);
    expect_equal(actor.thread->frame.rip, 0x401000);
    mock_cpu = 0;
    invariants_check();
}

TEST(diverting_what_runs_elsewhere)
{
    world_add_cpus(2);
    struct actor actor = far_actor(10, 0, 0);
    expect_equal(k_control(actor.handle, THREAD_OP_DIVERT, 3, 0), E_NOTSUP);
    world_calls();
    expect_ok(k_control(actor.handle, THREAD_OP_HANDLER, 0x402000, 0));
    expect_ok(k_control(actor.handle, THREAD_OP_DIVERT, 3, 0));
    world_calls();
    expect(running_on(1) == actor.thread);
    expect_equal(actor.thread->frame.rip, 0x402000);
    struct handler_frame *saved = (struct handler_frame *)actor.thread->buffer->registers;
    expect_equal(saved->saved.rip, 0x401000);
}

TEST(the_fs_base_of_what_runs_elsewhere)
{
    world_add_cpus(2);
    struct actor actor = far_actor(10, 0, 0);
    expect_ok(k_control(actor.handle, THREAD_OP_FS_BASE, 0x5000, 0));
    world_calls();
    expect(running_on(1) == actor.thread);
    expect_equal(kern_cpus[1].arch.fs_base, 0x5000);
}

/// Whoever is held up over and over, and so may never meet a tick, has its turn and no more.
TEST(being_held_up_uses_the_slice)
{
    world_add_cpus(2);
    struct actor one = far_actor(10, 0, 0), other = far_actor(10, 0, 0);
    for (unsigned i = 0; i < SLICE_TICKS; i++) {
        expect(running_on(1) == one.thread);
        expect_ok(k_control(one.handle, THREAD_OP_FS_BASE, 0, 0));
        world_calls();
    }
    expect(running_on(1) == other.thread);
    expect_equal(kern_cpus[1].slice, SLICE_TICKS);
}

TEST(deleting_what_runs_elsewhere)
{
    world_add_cpus(2);
    struct actor actor = far_actor(10, 0, THREAD_OPTION_FPU);
    expect_ok(k_delete_all(actor.handle));
    expect(kern_cpus[1].arch.frame == &kern_cpus[1].idle.frame);
    expect(!kern_cpus[1].fpu_owner && !kern_cpus[1].fpu_open && !mock_fpu_on[1]);
    world_calls();
    expect(!running_on(1));
}

TEST(deleting_what_left_its_fpu_elsewhere)
{
    world_add_cpus(2);
    struct actor actor = far_actor(10, 0, THREAD_OPTION_FPU), plain = far_actor(11, 0, 0);
    expect(running_on(1) == plain.thread);
    expect(kern_cpus[1].fpu_owner == &actor.thread->fpu_image);
    expect_ok(k_delete_all(actor.handle));
    expect(!kern_cpus[1].fpu_owner && !mock_fpu_on[1]);
}

TEST(a_space_is_loaded_nowhere_when_it_ends)
{
    world_add_cpus(2);
    uint32_t vspace = make(KIND_VSPACE, 0);
    struct actor actor = far_actor(10, 0, 0);
    expect_ok(k_control(actor.handle, THREAD_OP_SUSPEND, 0, 0));
    const uint64_t words[6] = {vspace, 0, 0, 0, 0, 0};
    expect_ok(kernel_message(SYSCALL_THREAD_CONFIGURE, actor.handle, 0, words));
    expect_ok(k_control(actor.handle, THREAD_OP_START, 0, 0));
    world_calls();
    uint64_t top = slot_of(vspace)->address;
    expect_equal(mock_top[1], top);
    expect_ok(k_delete(vspace));
    expect_equal(mock_top[1], top); // the thread has its own capability
    delete_slot(&actor.thread->inner[INNER_VSPACE]);
    expect(mock_top[1] != top && actor.thread->state == THREAD_STATE_INACTIVE);
    invariants_check();
}

// ---------------------------------------------------------------- translations

enum { AT = 0x40000000 };

static uint32_t mapped(uint32_t bits)
{
    uint32_t frame = make(KIND_FRAME, bits);
    while (k_map(frame, BOOT_SLOT_VSPACE, AT, MAP_READ | MAP_WRITE) == E_TABLE)
        expect_ok(k_map(make(KIND_PAGE_TABLE, 0), BOOT_SLOT_VSPACE, AT, 0));
    return frame;
}

TEST(those_who_have_the_space_forget)
{
    world_add_cpus(CPUS);
    uint32_t frame = mapped(12);
    far_actor(10, 0, 0);
    expect_equal(mock_flushes[1], 0);
    expect_ok(k_map(frame, BOOT_SLOT_VSPACE, AT, MAP_READ));
    expect_equal(mock_flushes[1], 1);
    expect_ok(kernel(SYSCALL_UNMAP, frame, 0, 0, 0, 0, 0, 0));
    expect_equal(mock_flushes[1], 2);
    expect_equal(mock_flushes[2], 0); // asleep
    expect(!mock_called[2]);
}

TEST(a_space_that_only_others_have)
{
    world_add_cpus(2);
    uint32_t frame = mapped(14);
    struct actor actor = far_actor(10, 0, 0);
    mock_cpu = 1;
    unsigned before = mock_flushes[0];
    slot_of(frame); // unmapped by a CPU that idles in another space
    kern_cpus[1].top = arch_space_kernel();
    space_unmap(slot_of(frame));
    expect_equal(mock_flushes[0], before + 4);
    expect_equal(mock_flushes[1], 0);
    kern_cpus[1].top = actor.thread->top;
}

TEST(many_pages_are_forgotten_at_once)
{
    world_add_cpus(2);
    uint32_t frame = mapped(18);
    far_actor(10, 0, 0);
    expect_ok(kernel(SYSCALL_UNMAP, frame, 0, 0, 0, 0, 0, 0));
    expect_equal(mock_flushes[1], 1);
}

TEST(a_table_taken_away_is_forgotten)
{
    world_add_cpus(2);
    mapped(12);
    far_actor(10, 0, 0);
    uint32_t table = make(KIND_PAGE_TABLE, 0);
    expect_ok(k_map(table, BOOT_SLOT_VSPACE, AT + (1 << 21), 0));
    expect_equal(mock_flushes[1], 0);
    expect_ok(kernel(SYSCALL_UNMAP, table, 0, 0, 0, 0, 0, 0));
    expect_equal(mock_flushes[1], 1);
}

const struct CMUnitTest elsewhere_tests[] = {
    cmocka_unit_test(suspending_what_runs_elsewhere),
    cmocka_unit_test(a_call_that_was_not_begun_is_made_later),
    cmocka_unit_test(a_call_is_made_on_the_cpu_moved_to),
    cmocka_unit_test(a_fault_at_the_lock_comes_first),
    cmocka_unit_test(a_fault_at_the_lock_of_a_suspended_thread_is_dropped),
    cmocka_unit_test(diverting_what_runs_elsewhere),
    cmocka_unit_test(the_fs_base_of_what_runs_elsewhere),
    cmocka_unit_test(being_held_up_uses_the_slice),
    cmocka_unit_test(deleting_what_runs_elsewhere),
    cmocka_unit_test(deleting_what_left_its_fpu_elsewhere),
    cmocka_unit_test(a_space_is_loaded_nowhere_when_it_ends),
    cmocka_unit_test(those_who_have_the_space_forget),
    cmocka_unit_test(a_space_that_only_others_have),
    cmocka_unit_test(many_pages_are_forgotten_at_once),
    cmocka_unit_test(a_table_taken_away_is_forgotten),
};
const size_t elsewhere_count = sizeof(elsewhere_tests) / sizeof(elsewhere_tests[0]);
