// The utilities in servers/lib: heap, hash table, lists, text.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <lib/heap.h>
#include <lib/list.h>
#include <lib/log.h>
#include "mock.h"

void *pith_memcpy(void *restrict, const void *restrict, size_t);
void *pith_memmove(void *, const void *, size_t);
void *pith_memset(void *, int, size_t);
int pith_memcmp(const void *, const void *, size_t);
size_t pith_strlen(const char *);

static int start(void **state)
{
    (void)state;
    static struct server none;
    mock_start(&none);
    return 0;
}

/// Nothing may be left.
static int end(void **state)
{
    (void)state;
    assert_int_equal(mock.regions, 0);
    assert_int_equal(mock_caps(), 0);
    return 0;
}

static void heap_gives_everything_back(void **state)
{
    (void)state;
    int before = mock.regions;
    void *objects[3000];
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3000; i++) {
            size_t bytes = (i * 37) % 2300 + 1;
            objects[i] = heap_alloc(bytes);
            assert_non_null(objects[i]);
            assert_int_equal((uintptr_t)objects[i] % 16, 0);
            for (size_t k = 0; k < bytes; k++)
                assert_int_equal(((char *)objects[i])[k], 0);
            memset(objects[i], 0xa5, bytes);
            if (i % 3 == 2) { // and some churn
                heap_free(objects[i - 1]);
                objects[i - 1] = 0;
            }
            if (mock.regions > 200)
                for (size_t k = 0; k <= i; k++) {
                    heap_free(objects[k]);
                    objects[k] = 0;
                }
        }
        for (size_t i = 0; i < 3000; i++)
            heap_free(objects[i]);
        assert_int_equal(mock.regions, before);
    }
    mock.memory_calls_left = 0;
    assert_null(heap_alloc(100000));
    assert_null(heap_alloc(SIZE_MAX));
    mock.memory_calls_left = 1; // reserved, then commit fails
    assert_null(heap_alloc(100000));
    assert_int_equal(mock.regions, before);
}

static void map_finds_what_it_holds(void **state)
{
    (void)state;
    struct map map = {0};
    static struct map_node nodes[500];
    assert_null(map_find(&map, 1));
    for (uint64_t i = 0; i < 500; i++)
        assert_true(map_add(&map, &nodes[i], i * 4096));
    for (uint64_t i = 0; i < 500; i++)
        assert_ptr_equal(map_find(&map, i * 4096), &nodes[i]);
    assert_null(map_find(&map, 1));
    for (uint64_t i = 0; i < 500; i += 2)
        map_remove(&map, &nodes[i]);
    for (uint64_t i = 0; i < 500; i++)
        assert_ptr_equal(map_find(&map, i * 4096), i % 2 ? &nodes[i] : 0);
    while (map_first(&map))
        map_remove(&map, map_first(&map));
    assert_null(map.buckets);
    assert_true(map_hash("a", 1) == 0xaf63dc4c8601ec8cul); // FNV-1a, 64 bits, of "a"
}

static void lists(void **state)
{
    (void)state;
    struct list head, items[4];
    list_start(&head);
    assert_true(list_empty(&head));
    for (int i = 0; i < 4; i++)
        list_append(&head, &items[i]);
    int at = 0;
    LIST_EACH(link, &head)
    {
        assert_ptr_equal(link, &items[at++]);
        list_remove(link);
        list_remove(link);
    }
    assert_int_equal(at, 4);
    assert_true(list_empty(&head));
}

static void formats(void **state)
{
    (void)state;
    char text[64];
    assert_int_equal(
        text_format(text, sizeof text, "%s %c %d %u %x %%", "ab", 'c', -5, 7u, 0xbeefu), 16);
    assert_string_equal(text, "ab c -5 7 beef %");
    text_format(text, sizeof text, "%016lx|%5d|%4s|%.2s|%.*s|%p", 0x1ful, -42, "x", "abc", 1,
                "xyz", (void *)0x10);
    assert_string_equal(text, "000000000000001f|  -42|x   |ab|x|0x10");
    text_format(text, sizeof text, "%ld %lu %05d %zu", INT64_MIN, UINT64_MAX, -12, (size_t)3);
    assert_string_equal(text, "-9223372036854775808 18446744073709551615 -0012 3");
    assert_int_equal(text_format(text, 4, "abcdef"), 3);
    assert_string_equal(text, "abc");
}

static void bytes_and_text(void **state)
{
    (void)state;
    char ours[64], host[64];
    for (int from = 0; from < 32; from += 5) {
        for (int to = 0; to < 32; to += 3) {
            for (int i = 0; i < 64; i++)
                ours[i] = host[i] = (char)i;
            pith_memmove(ours + to, ours + from, 30);
            memmove(host + to, host + from, 30);
            assert_memory_equal(ours, host, 64);
        }
    }
    pith_memset(ours, 0xee, 64);
    memset(host, 0xee, 64);
    assert_memory_equal(ours, host, 64);
    pith_memcpy(ours,
                "\xff"
                "b",
                3);
    assert_true(pith_memcmp(ours,
                            "\x01"
                            "b",
                            2) > 0);
    assert_int_equal(pith_memcmp(ours, ours, 64), 0);
    assert_int_equal(pith_strlen(ours), 2);
    pith_memmove(ours, ours + 1, 0);
    assert_int_equal(pith_strlen(ours), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(heap_gives_everything_back),
        TEST(map_finds_what_it_holds),
        TEST(lists),
        TEST(formats),
        TEST(bytes_and_text),
    };
    return cmocka_run_group_tests(tests, 0, 0);
}
