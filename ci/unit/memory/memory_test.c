// The memory server's logic on a model of the kernel: what is promised is kept, what is refused
// changes nothing, and all of it comes back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <lib/heap.h>
#include <lib/log.h>
#include <proto/memory.h>
#include "kernel.h"
#include "tenant.h"

enum {
    READ = PROTECTION_READ,
    WRITE = PROTECTION_READ | PROTECTION_WRITE,
    CODE = PROTECTION_READ | PROTECTION_EXECUTE
};

#define BASE    0x10000000ul // in the clients' spaces
#define MB      (1ul << 20)
#define SESSION 100

const char *log_name = "test";

_Noreturn void log_die(const char *what, const char *file, int line)
{
    fail_msg("%s:%d: %s", file, line, what);
    abort();
}

static int start(void **state)
{
    (void)state;
    kernel_start();
    own_vspace = OWN_VSPACE;
    own_slots_start(FIRST_SLOT, SLOT_LIMIT, META_UNTYPED, 1ul << KERNEL_META_BITS);
    assert_true(blocks_add(FIRST_UNTYPED, KERNEL_RAM_BITS));
    assert_true(device_add(DEVICE_UNTYPED, KERNEL_DEVICE, KERNEL_DEVICE_BITS));
    totals.all = 1ul << KERNEL_RAM_BITS;
    totals.reserve = totals.all / 14;
    totals.free = totals.all - totals.reserve;
    return 0;
}

static uint64_t free_before;

/// A tenant without limit; the books as they are.
static struct tenant *begin(uint64_t limit)
{
    free_before = totals.free;
    meta_refill();
    assert_int_equal(tenant_create(SESSION, 1, limit), OK);
    return tenant_find(SESSION);
}

/// It goes, and nothing is missing.
static void end(struct tenant *tenant)
{
    tenant_destroy(tenant);
    assert_null(tenant_find(SESSION));
    assert_int_equal(totals.free, free_before);
    assert_int_equal(kernel_count(KIND_VSPACE), 1);
    assert_int_equal(kernel_count(KIND_THREAD), 0);
}

static struct kernel_page page(const struct tenant *tenant, uint64_t address)
{
    return kernel_lookup(tenant->vspace, address);
}

enum { ACCESS_READ = 4, ACCESS_WRITE = 6, ACCESS_FETCH = 20 };

static enum status touch(struct tenant *tenant, uint64_t address, uint64_t code)
{
    meta_refill();
    return tenant_fault(tenant, address, code);
}

static void pages_come_zeroed_at_first_touch(void **state)
{
    (void)state;
    struct tenant *tenant = begin(0);
    assert_int_equal(range_reserve(tenant, BASE, MB), OK);
    assert_int_equal(touch(tenant, BASE, ACCESS_READ), E_FAULT);
    uint64_t used = tenant->used;
    assert_int_equal(range_commit(tenant, BASE, MB, WRITE), OK);
    assert_true(tenant->used >= used + MB);
    assert_false(page(tenant, BASE + 0x3000).present);
    used = tenant->used;
    assert_int_equal(touch(tenant, BASE + 0x3123, ACCESS_WRITE), OK);
    assert_int_equal(tenant->used, used); // it was charged before
    struct kernel_page first = page(tenant, BASE + 0x3000);
    assert_true(first.present && first.flags == (MAP_READ | MAP_WRITE));
    for (size_t i = 0; i < PAGE_SIZE; i++)
        assert_int_equal(first.bytes[i], 0);
    assert_int_equal(touch(tenant, BASE, ACCESS_FETCH), E_FAULT);
    assert_int_equal(touch(tenant, BASE + MB, ACCESS_READ), E_FAULT);
    assert_int_equal(touch(tenant, 0, ACCESS_READ), E_FAULT);
    assert_int_equal(touch(tenant, UINT64_MAX, ACCESS_READ), E_FAULT);
    assert_int_equal(touch(tenant, BASE + 0x3000, 0), E_FAULT); // with the CPU's rights
    end(tenant);
}

static void what_is_committed_can_be_touched_to_the_last_page(void **state)
{
    (void)state;
    struct tenant *tenant = begin(0);
    uint64_t length =
        (totals.free - totals.free / 64) & ~(PAGE_SIZE - 1); // tables want the rest
    uint64_t base = 0x40000000; // far from the tables that are there
    assert_int_equal(range_reserve(tenant, base, length), OK);
    assert_int_equal(range_commit(tenant, base, length, WRITE), OK);
    for (uint64_t at = base; at < base + length; at += 3 * PAGE_SIZE)
        assert_int_equal(touch(tenant, at, ACCESS_WRITE), OK);
    assert_true(meta_bytes() <= totals.reserve);
    end(tenant);
}

static void the_greedy_gets_no_memory_and_nothing_changes(void **state)
{
    (void)state;
    struct tenant *tenant = begin(MB);
    uint64_t used = tenant->used, free = totals.free;
    assert_int_equal(range_reserve(tenant, BASE, 1ul << 40), OK); // addresses cost nothing
    assert_int_equal(tenant->used, used);
    assert_int_equal(range_commit(tenant, BASE, 1ul << 39, WRITE), E_NOMEM);
    assert_int_equal(range_commit(tenant, BASE, MB, WRITE), E_NOMEM);
    assert_int_equal(tenant->used, used);
    assert_int_equal(totals.free, free);
    assert_int_equal(tenant->region_count, 1);
    uint64_t address, id;
    assert_int_equal(share_create(tenant, 2 * MB, &address, &id), E_NOMEM);
    assert_int_equal(share_create(tenant, 1ul << 46, &address, &id), E_NOMEM);
    uint32_t object, slot, count = 0;
    while (object_create(tenant, KIND_THREAD, 0, &object, &slot) == OK)
        count++;
    assert_true(count > 100 && count <= 256);
    end(tenant);
}

static void ranges_must_be_what_they_say(void **state)
{
    (void)state;
    struct tenant *tenant = begin(0);
    const uint64_t bad[][2] = {{BASE + 1, PAGE_SIZE},
                               {BASE, 1},
                               {BASE, 0},
                               {0, PAGE_SIZE},
                               {USER_END, PAGE_SIZE},
                               {USER_END - PAGE_SIZE, 2 * PAGE_SIZE},
                               {BASE, UINT64_MAX & ~(PAGE_SIZE - 1)},
                               {0xffff800000000000, PAGE_SIZE}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(range_reserve(tenant, bad[i][0], bad[i][1]), E_INVAL);
        assert_int_equal(range_commit(tenant, bad[i][0], bad[i][1], WRITE), E_INVAL);
        assert_int_equal(range_protect(tenant, bad[i][0], bad[i][1], READ), E_INVAL);
        assert_int_equal(range_decommit(tenant, bad[i][0], bad[i][1]), E_INVAL);
        assert_int_equal(range_release(tenant, bad[i][0], bad[i][1]), E_INVAL);
    }
    assert_int_equal(range_reserve(tenant, BASE, 4 * PAGE_SIZE), OK);
    assert_int_equal(range_reserve(tenant, BASE + 3 * PAGE_SIZE, 4 * PAGE_SIZE), E_EXIST);
    assert_int_equal(range_commit(tenant, BASE + 3 * PAGE_SIZE, 2 * PAGE_SIZE, WRITE), E_INVAL);
    assert_int_equal(range_commit(tenant, BASE, PAGE_SIZE, WRITE | PROTECTION_EXECUTE),
                     E_INVAL);
    assert_int_equal(range_protect(tenant, BASE, PAGE_SIZE, READ), E_INVAL); // not committed
    assert_int_equal(range_commit(tenant, BASE, PAGE_SIZE, WRITE), OK);
    assert_int_equal(range_protect(tenant, BASE, PAGE_SIZE, 6), E_INVAL);
    end(tenant);
}

static void the_seal_of_code(void **state)
{
    (void)state;
    struct tenant *tenant = begin(0);
    assert_int_equal(range_reserve(tenant, BASE, 64 * 1024), OK);
    assert_int_equal(range_commit(tenant, BASE, 64 * 1024, WRITE), OK);
    assert_int_equal(touch(tenant, BASE, ACCESS_WRITE), OK);
    page(tenant, BASE).bytes[5] = 77;
    assert_int_equal(range_protect(tenant, BASE, 64 * 1024, CODE), OK);
    assert_int_equal(page(tenant, BASE).flags, MAP_READ | MAP_EXECUTE);
    assert_int_equal(page(tenant, BASE).bytes[5], 77);
    assert_int_equal(touch(tenant, BASE, ACCESS_WRITE), E_FAULT);
    assert_int_equal(touch(tenant, BASE, ACCESS_FETCH), OK);
    assert_int_equal(range_protect(tenant, BASE, PAGE_SIZE, 0), OK);
    assert_false(page(tenant, BASE).present);
    assert_int_equal(touch(tenant, BASE, ACCESS_READ), E_FAULT);
    assert_int_equal(range_protect(tenant, BASE, PAGE_SIZE, READ), OK);
    assert_int_equal(page(tenant, BASE).bytes[5], 77);
    // Not by a way round either, nor a part of it.
    assert_int_equal(range_protect(tenant, BASE, PAGE_SIZE, WRITE), E_RIGHTS);
    assert_int_equal(range_commit(tenant, BASE + PAGE_SIZE, PAGE_SIZE, WRITE), E_RIGHTS);
    // Given back, it is memory like any other.
    assert_int_equal(range_decommit(tenant, BASE, PAGE_SIZE), OK);
    assert_int_equal(range_commit(tenant, BASE, PAGE_SIZE, WRITE), OK);
    assert_int_equal(touch(tenant, BASE, ACCESS_WRITE), OK);
    assert_int_equal(page(tenant, BASE).bytes[5], 0);
    end(tenant);
}

static void a_lazy_stack_is_charged_as_it_grows(void **state)
{
    (void)state;
    struct tenant *tenant = begin(4 * MB);
    assert_int_equal(range_reserve(tenant, BASE, 64 * MB), OK);
    uint64_t used = tenant->used;
    assert_int_equal(range_commit(tenant, BASE, 64 * MB, WRITE | PROTECTION_LAZY), OK);
    assert_int_equal(tenant->used, used);
    uint64_t at = BASE + 64 * MB;
    while (touch(tenant, at -= PAGE_SIZE, ACCESS_WRITE) == OK)
        ;
    assert_true(tenant->used > 3 * MB && tenant->used <= 4 * MB);
    assert_int_equal(range_decommit(tenant, BASE, 64 * MB), OK);
    assert_int_equal(tenant->used, used);
    end(tenant);
}

static void shares_live_until_the_last_leaves(void **state)
{
    (void)state;
    struct tenant *tenant = begin(0);
    assert_int_equal(tenant_create(SESSION + 1, 1, 0), OK);
    struct tenant *other = tenant_find(SESSION + 1);
    uint64_t address, id, length = 300 * 1024, used = tenant->used;
    assert_int_equal(share_create(tenant, length, &address, &id), OK);
    struct share *share = share_find(id);
    assert_true(tenant->used >= used + length);
    // At a different alignment, a part only.
    assert_int_equal(
        share_attach(other, share, BASE + PAGE_SIZE, PAGE_SIZE, length - PAGE_SIZE, READ), OK);
    for (uint64_t at = PAGE_SIZE; at < length; at += PAGE_SIZE) {
        page(tenant, address + at).bytes[9] = (uint8_t)(at >> 12);
        struct kernel_page there = page(other, BASE + at);
        assert_true(there.present && there.flags == MAP_READ);
        assert_int_equal(there.bytes[9], (uint8_t)(at >> 12));
    }
    assert_int_equal(share_attach(other, share, BASE + 64 * MB, PAGE_SIZE, length, READ),
                     E_INVAL);
    assert_int_equal(share_attach(other, share, BASE + 64 * MB, 1, PAGE_SIZE, READ), E_INVAL);
    assert_int_equal(share_attach(other, share, BASE, 0, length, READ), E_EXIST);
    assert_int_equal(share_attach(other, share, BASE + 64 * MB, 0, length, 6), E_INVAL);
    assert_int_equal(range_protect(other, BASE + PAGE_SIZE, length - PAGE_SIZE, WRITE),
                     E_RIGHTS);
    assert_int_equal(range_release(other, BASE + PAGE_SIZE, PAGE_SIZE),
                     E_INVAL); // whole or not at all
    uint64_t others = other->used;
    assert_int_equal(range_release(tenant, address, length), OK);
    assert_int_equal(tenant->used, used);
    assert_int_equal(other->used, others + length); // who stays pays
    assert_int_equal(page(other, BASE + PAGE_SIZE).bytes[9], 1);
    tenant_destroy(other);
    assert_null(share_find(id));
    end(tenant);
}

/// However small the pieces: others get records, and what was promised stays promised.
static void one_tenant_cannot_take_all_records(void **state)
{
    (void)state;
    struct tenant *tenant = begin(0);
    assert_int_equal(tenant_create(SESSION + 1, 1, 0), OK);
    uint64_t address, id;
    assert_int_equal(share_create(tenant, 16 * PAGE_SIZE, &address, &id), OK);
    enum status status = OK;
    int attached = 0;
    for (uint64_t at = BASE + PAGE_SIZE; status == OK; at += 17 * PAGE_SIZE, attached++) {
        meta_refill();
        status = share_attach(tenant, share_find(id), at, 0, 16 * PAGE_SIZE, READ);
    }
    assert_int_equal(status, E_NOMEM);
    assert_true(attached > 50);
    for (int i = 0; i < 100; i++) {
        meta_refill();
        uint64_t place = BASE + (uint64_t)i * 2 * MB;
        assert_int_equal(range_reserve(tenant_find(SESSION + 1), place, PAGE_SIZE), OK);
        assert_int_equal(range_commit(tenant_find(SESSION + 1), place, PAGE_SIZE, WRITE), OK);
        assert_int_equal(touch(tenant_find(SESSION + 1), place, ACCESS_WRITE), OK);
    }
    tenant_destroy(tenant_find(SESSION + 1));
    end(tenant);
}

static void devices_are_shown_where_they_are(void **state)
{
    (void)state;
    struct tenant *tenant = begin(0);
    uint64_t id;
    assert_int_equal(device_share(KERNEL_DEVICE + 0x5000, 0x9000, MAP_UNCACHED, &id), OK);
    assert_int_equal(share_attach(tenant, share_find(id), BASE, 0, 0x9000, WRITE), OK);
    assert_int_equal(page(tenant, BASE + 0x8000).flags, MAP_READ | MAP_WRITE | MAP_UNCACHED);
    assert_int_equal(device_share(KERNEL_RAM, PAGE_SIZE, 0, &id), E_NOENT);
    assert_int_equal(device_share(KERNEL_DEVICE - PAGE_SIZE, 2 * PAGE_SIZE, 0, &id), E_NOENT);
    assert_int_equal(device_share(KERNEL_DEVICE + 1, PAGE_SIZE, 0, &id), E_INVAL);
    assert_int_equal(device_share(KERNEL_DEVICE, 0, 0, &id), E_INVAL);
    end(tenant);
}

static void objects_belong_to_their_maker(void **state)
{
    (void)state;
    struct tenant *tenant = begin(0);
    uint32_t id, slot, thread, buffer, thread_id;
    uint64_t address = 0, used = tenant->used;
    assert_int_equal(object_create(tenant, KIND_ENDPOINT, 0, &id, &slot), OK);
    assert_int_equal(object_create(tenant, KIND_UNTYPED, 12, &id, &slot), E_INVAL);
    assert_int_equal(object_create(tenant, KIND_FRAME, 22, &id, &slot), E_INVAL);
    assert_int_equal(object_create(tenant, KIND_FRAME, 11, &id, &slot), E_INVAL);
    assert_int_equal(object_create(tenant, KIND_THREAD, 12, &id, &slot), E_INVAL);
    assert_int_equal(tenant_create(SESSION + 1, 1, 0), OK);
    for (uint32_t any = 0; any < own_slots_limit() + 10; any++)
        assert_int_equal(object_destroy(tenant_find(SESSION + 1), any), E_NOENT);
    assert_int_equal(object_destroy(tenant_find(SESSION + 1), UINT32_MAX), E_NOENT);
    tenant_destroy(tenant_find(SESSION + 1));
    assert_int_equal(object_destroy(tenant, id), OK);
    assert_int_equal(object_destroy(tenant, id), E_NOENT);
    assert_int_equal(thread_create(tenant, &thread_id, &address, &thread, &buffer), OK);
    assert_true(page(tenant, address).present);
    assert_int_equal(range_release(tenant, address, PAGE_SIZE), E_BUSY); // the kernel uses it
    assert_int_equal(range_protect(tenant, address, PAGE_SIZE, READ), E_BUSY);
    assert_int_equal(object_destroy(tenant, thread_id), OK);
    assert_false(page(tenant, address).present);
    assert_int_equal(tenant->used, used);
    end(tenant);
}

// ---------------------------------------------------------------- random requests

enum { PAGES = 1500, STEPS = 4000 };

/// What each page of the range should be.
static struct {
    int state; // REGION_COMMITTED or REGION_RESERVED; -1: free
    uint32_t protection;
    uint8_t byte; // written there; 0: nothing yet
    bool sealed;
} expect[PAGES];

static bool all(uint32_t first, uint32_t count, bool reserved, bool committed)
{
    for (uint32_t i = first; i < first + count; i++)
        if (!(reserved && expect[i].state == REGION_RESERVED) &&
            !(committed && expect[i].state == REGION_COMMITTED))
            return false;
    return true;
}

/// The protection is given, unless it would open sealed code.
static void expect_protection(enum status status, bool possible, uint32_t first, uint32_t count,
                              uint32_t protection)
{
    bool opens = false;
    for (uint32_t i = first; i < first + count; i++)
        opens |= protection & PROTECTION_WRITE && expect[i].sealed;
    assert_int_equal(status, possible ? opens ? E_RIGHTS : OK : status);
    assert_true(possible || status != OK);
    for (uint32_t i = first; i < first + count && status == OK; i++) {
        expect[i].state = REGION_COMMITTED;
        expect[i].protection = protection;
        expect[i].sealed |= protection == CODE;
    }
}

static void step(struct tenant *tenant, uint32_t first, uint32_t count)
{
    static const uint32_t protections[] = {READ, WRITE, WRITE, CODE, 0};
    uint64_t start = BASE + first * PAGE_SIZE, length = count * PAGE_SIZE;
    uint32_t protection = protections[(uint32_t)rand() % 5];
    enum status status;
    switch (rand() % 6) {
    case 0:
        status = range_reserve(tenant, start, length);
        for (uint32_t i = first; i < first + count && status == OK; i++) {
            assert_int_equal(expect[i].state, -1);
            expect[i].state = REGION_RESERVED;
        }
        break;
    case 1:
    case 2:
        status = range_commit(tenant, start, length, protection);
        expect_protection(status, all(first, count, true, true), first, count, protection);
        break;
    case 3:
        status = range_protect(tenant, start, length, protection);
        expect_protection(status, all(first, count, false, true), first, count, protection);
        break;
    case 4:
        status = range_decommit(tenant, start, length);
        assert_int_equal(status == OK, all(first, count, true, true));
        for (uint32_t i = first; i < first + count && status == OK; i++) {
            expect[i].state = REGION_RESERVED;
            expect[i].byte = 0;
            expect[i].sealed = false;
        }
        break;
    default:
        status = range_release(tenant, start, length);
        assert_int_equal(status == OK, all(first, count, true, true));
        for (uint32_t i = first; i < first + count && status == OK; i++) {
            expect[i].state = -1;
            expect[i].byte = 0;
            expect[i].sealed = false;
        }
    }
}

/// Touches a page as a program would, and looks at what is there.
static void look(struct tenant *tenant, uint32_t i)
{
    uint64_t address = BASE + i * PAGE_SIZE;
    bool readable = expect[i].state == REGION_COMMITTED && expect[i].protection;
    assert_int_equal(touch(tenant, address + 8, ACCESS_READ), readable ? OK : E_FAULT);
    struct kernel_page shown = page(tenant, address);
    assert_int_equal(shown.present, readable);
    if (!readable)
        return;
    assert_int_equal(shown.flags, expect[i].protection);
    assert_int_equal(shown.bytes[17], expect[i].byte);
    if (expect[i].protection & PROTECTION_WRITE)
        shown.bytes[17] = expect[i].byte = (uint8_t)(1 + rand() % 255);
}

static void random_requests_agree_with_a_simple_model(void **state)
{
    (void)state;
    srand(7);
    struct tenant *tenant = begin(0);
    for (uint32_t i = 0; i < PAGES; i++) {
        expect[i].state = -1;
        expect[i].byte = 0;
    }
    for (int i = 0; i < STEPS; i++) {
        uint32_t first = (uint32_t)rand() % PAGES;
        uint32_t most = rand() % 4 ? 20 : PAGES;
        uint32_t count = 1 + (uint32_t)rand() % (most < PAGES - first ? most : PAGES - first);
        meta_refill();
        step(tenant, first, count);
        look(tenant, (uint32_t)rand() % PAGES);
        look(tenant, first);
        assert_true(tenant->used + totals.free <= free_before);
    }
    end(tenant);
}

static void gaps_are_found_lowest_first(void **state)
{
    (void)state;
    struct tenant *tenant = begin(0);
    uint64_t places[200];
    for (int i = 0; i < 200; i++) {
        places[i] = region_gap(tenant, 4 * PAGE_SIZE, PAGE_BITS);
        assert_true(places[i] >= 1ul << 32 && (i == 0 || places[i] > places[i - 1]));
        assert_int_equal(range_reserve(tenant, places[i], 4 * PAGE_SIZE), OK);
    }
    assert_int_equal(range_release(tenant, places[150], 4 * PAGE_SIZE), OK);
    assert_int_equal(range_release(tenant, places[20], 4 * PAGE_SIZE), OK);
    assert_int_equal(region_gap(tenant, 4 * PAGE_SIZE, PAGE_BITS), places[20]);
    assert_int_equal(region_gap(tenant, 8 * PAGE_SIZE, PAGE_BITS) > places[199], 1);
    assert_int_equal(region_gap(tenant, 1ul << 33, 33) % (1ul << 33), 0);
    assert_int_equal(region_gap(tenant, 1ul << 47, PAGE_BITS), 0);
    assert_int_equal(region_gap(tenant, PAGE_SIZE, 48), 0);
    end(tenant);
}

static void a_tenant_takes_along_those_that_it_made(void **state)
{
    (void)state;
    struct tenant *tenant = begin(0);
    for (uint64_t id = SESSION + 1; id < SESSION + 40; id++) {
        assert_int_equal(tenant_create(id, SESSION, 0), OK);
        assert_int_equal(range_reserve(tenant_find(id), BASE, MB), OK);
        assert_int_equal(range_commit(tenant_find(id), BASE, MB, WRITE), OK);
        assert_int_equal(touch(tenant_find(id), BASE, ACCESS_WRITE), OK);
    }
    assert_int_equal(tenant_create(SESSION, 1, 0), E_EXIST);
    assert_int_equal(tenant_create(0, 1, 0), E_INVAL);
    end(tenant);
    assert_null(tenant_find(SESSION + 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_come_zeroed_at_first_touch),
        cmocka_unit_test(the_greedy_gets_no_memory_and_nothing_changes),
        cmocka_unit_test(ranges_must_be_what_they_say),
        cmocka_unit_test(the_seal_of_code),
        cmocka_unit_test(a_lazy_stack_is_charged_as_it_grows),
        cmocka_unit_test(shares_live_until_the_last_leaves),
        cmocka_unit_test(one_tenant_cannot_take_all_records),
        cmocka_unit_test(devices_are_shown_where_they_are),
        cmocka_unit_test(objects_belong_to_their_maker),
        cmocka_unit_test(gaps_are_found_lowest_first),
        cmocka_unit_test(a_tenant_takes_along_those_that_it_made),
        cmocka_unit_test(random_requests_agree_with_a_simple_model),
        cmocka_unit_test(what_is_committed_can_be_touched_to_the_last_page),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
