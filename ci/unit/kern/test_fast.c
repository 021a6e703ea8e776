// The fast paths against the general one: on each of many random states, the same system call
// through both must leave the same state.
#define _DEFAULT_SOURCE // MAP_ANONYMOUS
#include "chaos.h"
#include <sys/mman.h>

enum { STATES = 2000 };

/// How many were compared, by all forks.
static uint64_t *compared;
/// How much of a copy is in use.
static size_t object_bytes, slot_bytes;
static const size_t cpu_bytes = offsetof(struct cpu, events);

/// All that a message can change: the objects, init's slots, the CPU.
struct copy {
    uint8_t objects[1 << 17];
    uint8_t slots[BOOT_SLOTS * sizeof(struct slot)];
    struct cpu cpu;
    struct arch_fpu fpu;
    uint64_t top, fs_base;
    bool fpu_on;
};

static struct copy before, fast, general;

static void *slots_at(void)
{
    return world_init->cspace->pages[0];
}

static void save(const struct chaos *chaos, struct copy *copy)
{
    memcpy(copy->objects, arch_pointer(phys(slot_of(chaos->untyped)->address)), object_bytes);
    memcpy(copy->slots, slots_at(), slot_bytes);
    memcpy(&copy->cpu, arch_cpu(), cpu_bytes);
    copy->cpu.idle_time = copy->cpu.idle_since = 0;
    copy->fpu = mock_fpu[0];
    copy->top = mock_top[0];
    copy->fs_base = mock_fs_base;
    copy->fpu_on = mock_fpu_on[0];
}

static void restore(const struct chaos *chaos, const struct copy *copy)
{
    memcpy(slots_at(), copy->slots, slot_bytes);
    memcpy(arch_pointer(phys(slot_of(chaos->untyped)->address)), copy->objects, object_bytes);
    memcpy(arch_cpu(), &copy->cpu, cpu_bytes);
    mock_fpu[0] = copy->fpu;
    mock_top[0] = copy->top;
    mock_fs_base = copy->fs_base;
    mock_fpu_on[0] = copy->fpu_on;
}

/// Clears what has no meaning in the thread's state, so that the rest can be compared.
static void forget_dead(const struct chaos *chaos)
{
    for (unsigned i = 0; i < CHAOS_THREADS; i++) {
        struct thread *t = chaos->actors[i].thread;
        enum thread_state state = thread_state(t);
        if (state != THREAD_STATE_SENDING)
            t->sending = 0, t->badge = 0, t->grant = false;
        if (state < THREAD_STATE_RECEIVING)
            t->reply = NULL;
        if (state != THREAD_STATE_READY && state != THREAD_STATE_SENDING &&
            state != THREAD_STATE_RECEIVING)
            t->link = (struct link){NULL, NULL};
    }
}

/// Says where two copies differ.
static void compare_bytes(const char *what, const void *one, const void *other, size_t bytes)
{
    const uint8_t *a = one, *b = other;
    if (!memcmp(a, b, bytes))
        return;
    size_t at = 0;
    while (a[at] == b[at])
        at++;
    fprintf(stderr, "%s differ at %zu: %x, general %x\n", what, at, a[at], b[at]);
    _Exit(1);
}

static void compare(void)
{
    const size_t rest = offsetof(struct copy, fpu);
    compare_bytes("objects", fast.objects, general.objects, object_bytes);
    compare_bytes("slots", fast.slots, general.slots, slot_bytes);
    compare_bytes("CPUs", &fast.cpu, &general.cpu, cpu_bytes);
    compare_bytes("registers", (uint8_t *)&fast + rest, (uint8_t *)&general + rest,
                  sizeof(fast) - rest);
    ++*compared;
}

static unsigned taken;

static void step(struct chaos *chaos)
{
    uint64_t target, tag, words[6];
    uint64_t number = chaos_message(chaos, &target, &tag, words);
    if (number != SYSCALL_CALL && number != SYSCALL_REPLY_RECV && number != SYSCALL_SIGNAL) {
        kernel_message(number, target, tag, words);
        return;
    }
    save(chaos, &before);
    uint64_t a = kernel_message(number, target, tag, words);
    struct thread *after_fast = running();
    forget_dead(chaos);
    save(chaos, &fast);
    restore(chaos, &before);
    world_resume();
    uint64_t b = kernel_general(number, target, tag, words);
    forget_dead(chaos);
    save(chaos, &general);
    expect_equal(a, b);
    expect(after_fast == running());
    compare();
    taken += a == BLOCKED && (uint32_t)tag <= 6;
}

TEST(fast_equals_general)
{
    static struct chaos chaos;
    chaos_prepare(&chaos, test_seed);
    object_bytes = slot_of(chaos.untyped)->watermark;
    slot_bytes = fresh() * sizeof(struct slot);
    // Init only watches from now on.
    expect_equal(k_control(HANDLE_NULL, THREAD_OP_SUSPEND, 0, 0), BLOCKED);
    for (unsigned i = 0; i < STATES && chaos_revive(&chaos); i++) {
        uint64_t dice = chaos_random(&chaos) % 32;
        if (dice == 0)
            tick();
        else if (dice == 1)
            k_yield();
        else if (dice == 2)
            fault(FAULT_OPCODE, 1, 2);
        else if (dice == 3)
            k_control(chaos.actors[chaos_random(&chaos) % CHAOS_THREADS].handle,
                      (uint32_t)(chaos_random(&chaos) % 3), 0, 0);
        else
            step(&chaos);
        if (i % 64 == 0)
            invariants_check();
    }
    expect(taken > STATES / 20);
}

TEST(who_is_ready_and_more_important_goes_before_the_answered)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    uint32_t session = mint(endpoint, 7, false);
    struct actor server = actor_new(62, 0, 0, 0), client = actor_new(60, 0, 0, 0);
    struct actor between = actor_new(61, 0, 0, 0);
    expect_ok(k_control(between.handle, THREAD_OP_SUSPEND, 0, 0));
    expect_equal(k_control(HANDLE_NULL, THREAD_OP_SUSPEND, 0, 0), BLOCKED);
    expect(running() == server.thread);
    expect_equal(k_recv(endpoint, reply, true), BLOCKED);
    expect(running() == client.thread);
    expect_equal(k_call(session, 1), BLOCKED);
    expect(running() == server.thread);
    expect_ok(k_control(between.handle, THREAD_OP_START, 0, 0));
    expect_equal(k_reply_recv(endpoint, reply, 1), BLOCKED);
    expect(running() == between.thread);
    expect_equal(client.thread->state, THREAD_STATE_READY);
}

static void all_seeds(void **state)
{
    uint64_t first = world_first_seed(), count = world_seed_count();
    compared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (test_seed = first; test_seed < first + count; test_seed++)
        fast_equals_general(state);
    print_message("%lu states compared\n", *compared);
}

const struct CMUnitTest fast_tests[] = {
    cmocka_unit_test(all_seeds),
    cmocka_unit_test(who_is_ready_and_more_important_goes_before_the_answered),
};
const size_t fast_count = 2;
