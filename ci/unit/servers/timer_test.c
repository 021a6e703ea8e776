// The order of deadlines, the calendar, and the random generator.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <lib/random.h>

#include "calendar.h"
#include "deadlines.h"

static void test_deadlines(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    static struct deadline all[COUNT];
    srand(1);
    for (int round = 0; round < 20; round++) {
        int left = COUNT;
        for (int i = 0; i < COUNT; i++) {
            all[i].when = (uint64_t)(rand() % 500);
            assert_true(deadlines_add(&all[i]));
        }
        for (int i = 0; i < COUNT; i += 3, left--)
            deadlines_remove(&all[i]);
        deadlines_remove(&all[0]); // not there: nothing happens
        uint64_t last = 0;
        for (; left > 0; left--) {
            struct deadline *first = deadlines_first();
            assert_true(first->when >= last);
            last = first->when;
            deadlines_remove(first);
        }
        assert_null(deadlines_first());
    }
}

static void test_deadlines_full(void **state)
{
    (void)state;
    static struct deadline all[DEADLINES_MAX + 1];
    for (uint32_t i = 0; i < DEADLINES_MAX; i++)
        assert_true(deadlines_add(&all[i]));
    assert_false(deadlines_add(&all[DEADLINES_MAX]));
    for (uint32_t i = 0; i < DEADLINES_MAX; i++)
        deadlines_remove(&all[i]);
    assert_null(deadlines_first());
}

static void check_date(struct rtc_registers registers, uint64_t expected)
{
    uint64_t seconds = 0;
    assert_true(calendar_seconds(&registers, &seconds));
    assert_int_equal(seconds, expected);
}

static void test_calendar(void **state)
{
    (void)state;
    // Expected values: date -u -d '...' +%s
    check_date((struct rtc_registers){0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 2}, 946684800);
    check_date((struct rtc_registers){0x58, 0x59, 0x23, 0x29, 0x02, 0x24, 2}, 1709251198);
    check_date((struct rtc_registers){1, 2, 3, 22, 11, 26, 6}, 1795316521);
    check_date((struct rtc_registers){59, 59, 23, 31, 12, 99, 6}, 4102444799);
    check_date((struct rtc_registers){0x00, 0x30, 0x12, 0x01, 0x03, 0x01, 0},
               983406600); // 12:30 am
    check_date((struct rtc_registers){0x00, 0x30, 0x92, 0x01, 0x03, 0x01, 0},
               983449800); // 12:30 pm
    check_date((struct rtc_registers){0x00, 0x30, 0x85, 0x01, 0x03, 0x01, 0},
               983467800); // 5:30 pm
    uint64_t seconds;
    assert_false(calendar_seconds(&(struct rtc_registers){0, 0, 0, 0, 1, 0, 6}, &seconds));
    assert_false(calendar_seconds(&(struct rtc_registers){0, 0, 0, 1, 13, 0, 6}, &seconds));
    assert_false(
        calendar_seconds(&(struct rtc_registers){255, 255, 255, 255, 255, 255, 255}, &seconds));
}

// RFC 8439, section 2.3.2 has a nonce; A.1, test vector 1 and 2 have none.
static void test_chacha(void **state)
{
    (void)state;
    static const uint32_t zero_0[] = {0xade0b876, 0x903df1a0, 0xe56a5d40, 0x28bd8653};
    static const uint32_t zero_1[] = {0xbee7079f, 0x7a385155, 0x7c97ba98, 0x0d082d73};
    uint32_t key[8] = {0}, out[16];
    random_block(key, 0, out);
    assert_memory_equal(out, zero_0, sizeof zero_0);
    random_block(key, 1, out);
    assert_memory_equal(out, zero_1, sizeof zero_1);
}

static void test_random(void **state)
{
    (void)state;
    struct random a = {0}, b = {0};
    uint8_t x[200], y[200];
    random_bytes(&a, x, sizeof x);
    random_bytes(&b, y, sizeof y);
    assert_memory_equal(x, y, sizeof x);
    random_bytes(&a, x, sizeof x);
    assert_memory_not_equal(x, y, sizeof x); // the key moved on
    random_mix(&b, (uint64_t[4]){1});
    random_bytes(&b, y, sizeof y);
    assert_memory_not_equal(x, y, sizeof x);
    size_t ones = 0;
    for (size_t i = 0; i < sizeof x; i++)
        ones += (size_t)__builtin_popcount(x[i]);
    assert_in_range(ones, 650, 950);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines), cmocka_unit_test(test_deadlines_full),
        cmocka_unit_test(test_calendar),  cmocka_unit_test(test_chacha),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
