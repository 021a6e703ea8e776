// Random system calls with random arguments: whatever is asked for, the invariants hold.
#include "chaos.h"

enum { STEPS = 4000 };

/// A handle that probably names something of the test's, seldom init's own.
static uint32_t handle(struct chaos *chaos)
{
    uint64_t dice = chaos_random(chaos);
    if (dice % 64 == 0)
        return (uint32_t)(dice >> 8);
    if (dice % 16 == 1)
        return 1 + (uint32_t)(dice >> 8) % 8;
    uint32_t first = world_info->free_slot;
    return first + (uint32_t)(dice >> 8) % 96;
}

/// Like handle(), but never what the test cannot do without.
static uint32_t victim(struct chaos *chaos)
{
    uint32_t h = handle(chaos);
    return h < BOOT_SLOT_FIRST_UNTYPED ? 0 : h;
}

static void random_capability_call(struct chaos *chaos)
{
    uint64_t a = chaos_random(chaos), b = chaos_random(chaos);
    switch (chaos_random(chaos) % 9) {
    case 0:
        k_retype(handle(chaos), (uint32_t)(a % 14), b % 3 ? 0 : 12 + b % 8, 1 + a % 3,
                 handle(chaos));
        break;
    case 1:
        k_copy(handle(chaos), handle(chaos), (uint32_t)(a % 4), b % 256, (b >> 8) % 16);
        break;
    case 2:
        k_copy(handle(chaos), handle(chaos), DERIVE_COPY, RIGHT_ALL, 0);
        break;
    case 3:
        k_move(handle(chaos), victim(chaos));
        break;
    case 4:
        k_delete(victim(chaos));
        break;
    case 5:
        if (a % 8 == 0)
            k_revoke(victim(chaos));
        break;
    case 6:
        k_map(handle(chaos), handle(chaos), a % 4 << 12 | b % 4 << 30, b >> 8 & 31);
        break;
    case 7:
        kernel(SYSCALL_UNMAP, handle(chaos), 0, 0, 0, 0, 0, 0);
        break;
    default:
        kernel(SYSCALL_RETYPE, handle(chaos), KIND_SLOTS, 0, 1, handle(chaos), a % 3, 0);
    }
}

static void random_thread_call(struct chaos *chaos)
{
    uint64_t a = chaos_random(chaos), b = chaos_random(chaos);
    const uint64_t words[6] = {b & 1 ? handle(chaos) : 0, b & 2 ? handle(chaos) : 0,
                               b & 4 ? handle(chaos) : 0, b & 8 ? handle(chaos) : 0,
                               b >> 4 & 1};
    switch (a % 5) {
    case 0:
        kernel_message(SYSCALL_THREAD_CONFIGURE, handle(chaos), b & 32 ? handle(chaos) : 0,
                       words);
        break;
    case 1:
        kernel(SYSCALL_THREAD_REGISTERS, handle(chaos), b % 3, 0, 0, 0, 0, 0);
        break;
    case 2:
        kernel(SYSCALL_IRQ_CONTROL, handle(chaos), b % 4, b >> 8 & 31, handle(chaos),
               b >> 16 & 3, 0, 0);
        break;
    default:
        if (cpu_count > 1 && a & 256)
            k_control(chaos->actors[b >> 16 & 3].handle, (uint32_t)(b % 12), b >> 8 & 3, 0);
        else
            k_control(a & 64 ? 0 : handle(chaos), a & 128 ? THREAD_OP_CPU : (uint32_t)(b % 12),
                      a & 128 ? b >> 8 & 3 : b >> 8 & 63, 0);
    }
}

static void random_step(struct chaos *chaos)
{
    uint64_t target, tag, words[6], dice = chaos_random(chaos) % 16;
    if (dice == 0)
        tick();
    else if (dice == 1)
        fault((uint32_t)(1 + chaos_random(chaos) % 13), chaos_random(chaos), 7);
    else if (dice == 2)
        interrupt((uint32_t)(chaos_random(chaos) % MOCK_LINES));
    else if (dice < 6)
        random_capability_call(chaos);
    else if (dice < 8)
        random_thread_call(chaos);
    else {
        uint64_t number = chaos_message(chaos, &target, &tag, words);
        kernel_message(number, target, tag, words);
    }
}

/// Plays any CPU from now on; if another one has interrupted it, it is told so only now. What
/// the others interrupt meanwhile is in user mode or on its way in.
static void any_cpu(struct chaos *chaos)
{
    for (mock_cpu = 0; mock_cpu < cpu_count && cpu_count > 1; mock_cpu++)
        if (chaos_random(chaos) % 4 == 0) { // most have something to do
            world_call();
            chaos_revive(chaos);
        }
    mock_cpu = (uint32_t)(chaos_random(chaos) % cpu_count);
    world_call();
    mock_entering = chaos_random(chaos) & 1;
}

static void anything(uint32_t cpus)
{
    static struct chaos chaos;
    world_add_cpus(cpus);
    chaos_prepare(&chaos, test_seed);
    for (unsigned i = 0; i < CHAOS_THREADS; i++)
        expect_ok(k_control(chaos.actors[i].handle, THREAD_OP_CPU, i % cpus, 0));
    unsigned steps = 0;
    for (any_cpu(&chaos); steps < STEPS && chaos_revive(&chaos); any_cpu(&chaos)) {
        random_step(&chaos);
        if (running())
            running()->buffer->caps[0] = handle(&chaos);
        steps++;
        invariants_check();
    }
    // What was made can all be taken back.
    if (!chaos_revive(&chaos))
        return;
    struct slot *untyped = slot_of(chaos.untyped);
    for (unsigned i = 0; i < 1000 && untyped->kind == KIND_UNTYPED; i++)
        if (delete_revoke(arch_cpu(), untyped) == OK)
            break;
    expect(untyped->kind != KIND_UNTYPED || !untyped->child);
    mock_cpu = 0;
}

TEST(anything_goes)
{
    anything(1);
}

TEST(anything_goes_on_several_cpus)
{
    anything(3);
}

static void all_seeds(void **state)
{
    uint64_t first = world_first_seed(), count = world_seed_count();
    for (test_seed = first; test_seed < first + count; test_seed++)
        anything_goes(state);
}

static void all_seeds_cpus(void **state)
{
    uint64_t first = world_first_seed(), count = world_seed_count();
    for (test_seed = first; test_seed < first + count; test_seed++)
        anything_goes_on_several_cpus(state);
}

const struct CMUnitTest random_tests[] = {cmocka_unit_test(all_seeds),
                                          cmocka_unit_test(all_seeds_cpus)};
const size_t random_count = 2;
