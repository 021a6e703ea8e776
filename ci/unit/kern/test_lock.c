// The lock, between threads of the host. (Apart: the host's sched.h and the kernel's have a
// name in common.)
#include <arch/lock.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// clang-format off
#include <cmocka.h>
// clang-format on

extern const struct CMUnitTest lock_tests[];
extern const size_t lock_count;

enum { WORKERS = 4, ROUNDS = 20000 };

static struct arch_lock lock = {65530, 65530}; // tickets wrap
static uint64_t counted;
static unsigned inside, met;

static void waiting(void) {}

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

static void first_come_first_served(void **state)
{
    uint16_t first, second, third;
    (void)state;
    assert_true(arch_lock_take(&lock, &first));
    assert_false(arch_lock_take(&lock, &second));
    assert_false(arch_lock_take(&lock, &third));
    arch_unlock(&lock);
    assert_int_equal(lock.owner, second);
    arch_lock_wait(&lock, second, waiting);
    arch_unlock(&lock);
    assert_int_equal(lock.owner, third);
    arch_unlock(&lock);
}

const struct CMUnitTest lock_tests[] = {
    cmocka_unit_test(one_holds_the_lock),
    cmocka_unit_test(first_come_first_served),
};
const size_t lock_count = sizeof(lock_tests) / sizeof(lock_tests[0]);
