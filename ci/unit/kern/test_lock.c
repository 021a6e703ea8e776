// The lock, between threads of the host. (Apart: the host's sched.h and the kernel's have a
// name in common: sched_yield() is the kernel's here too.)
#define _GNU_SOURCE // syscall
#include <arch/lock.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include <sys/syscall.h>
#include <unistd.h>

extern const struct CMUnitTest lock_tests[];
extern const size_t lock_count;

enum { WORKERS = 4, ROUNDS = 20000 };

static struct arch_lock lock = {UINT32_MAX - 5, UINT32_MAX - 5}; // tickets wrap
static uint64_t counted;
static unsigned inside, met;

/// The others need the host's CPUs, which may be fewer than they, or busy.
static void waiting(void)
{
    syscall(SYS_sched_yield);
}

static void *worker(void *argument)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        arch_lock(&lock, waiting);
        met += inside++;
        counted++;
        inside--;
        arch_unlock(&lock);
    }
    return argument;
}

static void one_holds_the_lock(void **state)
{
    pthread_t threads[WORKERS];
    (void)state;
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, worker, NULL), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counted, WORKERS * ROUNDS);
    assert_int_equal(met, 0);
    assert_int_equal(lock.owner, lock.next);
}

static unsigned turns, unlock_at;

/// The other CPU lets go at turn `unlock_at`.
static void waiting_for_other(void)
{
    if (++turns != unlock_at)
        return;
    uint32_t drawn = lock.next - lock.owner;
    assert_int_equal(drawn, turns > ARCH_LOCK_PATIENCE ? 2 : 1);
    arch_unlock(&lock);
    if (drawn == 2)
        assert_false(arch_lock_try(&lock)); // whoever comes now is behind the ticket
}

static void wait_until(unsigned turn)
{
    turns = 0;
    unlock_at = turn;
    assert_true(arch_lock_try(&lock));
    assert_false(arch_lock_try(&lock));
    arch_lock(&lock, waiting_for_other);
    assert_int_equal(turns, turn);
    arch_unlock(&lock);
    assert_int_equal(lock.owner, lock.next);
}

/// Who does not wait long holds nobody up: nothing is drawn.
static void the_patient_draw_no_ticket(void **state)
{
    (void)state;
    wait_until(3);
    wait_until(ARCH_LOCK_PATIENCE);
}

static void who_waited_long_goes_first(void **state)
{
    (void)state;
    wait_until(ARCH_LOCK_PATIENCE + 1);
    wait_until(ARCH_LOCK_PATIENCE + 9);
}

const struct CMUnitTest lock_tests[] = {
    cmocka_unit_test(one_holds_the_lock),
    cmocka_unit_test(the_patient_draw_no_ticket),
    cmocka_unit_test(who_waited_long_goes_first),
};
const size_t lock_count = sizeof(lock_tests) / sizeof(lock_tests[0]);
