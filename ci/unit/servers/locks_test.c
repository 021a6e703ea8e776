// Record locks, against a model that keeps the holder of every byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <proto/files.h>

#include "locks.h"
#include "objects.h"

enum { BYTES = 40, OWNERS = 3 };

static unsigned objects;

void *object_new(enum page_use use, size_t bytes)
{
    (void)use;
    objects++;
    return calloc(1, bytes);
}

void object_free(void *object)
{
    objects -= object != NULL;
    free(object);
}

// kind that each owner holds of each byte
static uint32_t model[OWNERS][BYTES];

static bool model_conflict(unsigned owner, uint32_t kind, uint64_t start, uint64_t end)
{
    for (unsigned other = 0; other < OWNERS; other++) {
        for (uint64_t at = start; other != owner && at < end; at++) {
            if (model[other][at] == LOCK_KIND_EXCLUSIVE ||
                (model[other][at] == LOCK_KIND_SHARED && kind == LOCK_KIND_EXCLUSIVE))
                return true;
        }
    }
    return false;
}

// Every byte that the list says is held is what the model says, and the other way round.
static void compare(const struct inode *file)
{
    uint32_t seen[OWNERS][BYTES] = {0};
    for (const struct record_lock *lock = file->file.locks; lock; lock = lock->next) {
        assert_true(lock->start < lock->end && lock->end <= BYTES);
        for (uint64_t at = lock->start; at < lock->end; at++) {
            assert_int_equal(seen[lock->owner][at], 0); // an owner's locks do not overlap
            seen[lock->owner][at] = lock->kind;
        }
    }
    assert_memory_equal(seen, model, sizeof seen);
}

static void test_random(void **state)
{
    (void)state;
    struct inode file = {.type = FILE_TYPE_REGULAR};
    uint32_t seed = 7;
    unsigned refused = 0, granted = 0;
    for (int round = 0; round < 20000; round++) {
        seed = seed * 1664525 + 1013904223;
        unsigned owner = (seed >> 8) % OWNERS;
        uint64_t start = (seed >> 12) % BYTES, end = start + 1 + (seed >> 20) % (BYTES - start);
        uint32_t kind = LOCK_KIND_SHARED + (seed >> 28) % 3;
        bool free = kind == LOCK_KIND_NONE || !model_conflict(owner, kind, start, end);
        enum status status = locks_set(&file, owner, kind, start, end);
        assert_int_equal(status, free ? OK : E_AGAIN);
        for (uint64_t at = start; free && at < end; at++)
            model[owner][at] = kind == LOCK_KIND_NONE ? 0 : kind;
        compare(&file);
        *(free ? &granted : &refused) += 1;
        if (round % 500 == 499) {
            locks_drop(&file, owner);
            memset(model[owner], 0, sizeof model[owner]);
            compare(&file);
        }
    }
    assert_true(refused > 1000 && granted > 1000);
    for (unsigned owner = 0; owner < OWNERS; owner++)
        locks_drop(&file, owner);
    assert_null(file.file.locks);
    assert_int_equal(objects, 0);
}

static void test_too_many(void **state)
{
    (void)state;
    struct inode file = {.type = FILE_TYPE_REGULAR};
    enum status status = OK;
    unsigned held = 0;
    for (; status == OK && held < 10000; held++)
        status = locks_set(&file, 1, LOCK_KIND_SHARED, held * 2, held * 2 + 1);
    assert_int_equal(status, E_NOMEM);
    assert_int_equal(locks_set(&file, 1, LOCK_KIND_NONE, 0, UINT64_MAX), OK);
    assert_null(file.file.locks);
    assert_int_equal(objects, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_too_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
