// What init finds, and what start-up refuses.
#include "tests.h"
#include <kern/boot.h>

TEST(init_finds_its_objects)
{
    static const uint8_t kinds[] = {[BOOT_SLOT_CSPACE] = KIND_CSPACE,
                                    KIND_VSPACE,
                                    KIND_THREAD,
                                    KIND_FRAME,
                                    KIND_IRQ,
                                    KIND_IOPORT,
                                    KIND_DEBUG};
    for (uint32_t i = BOOT_SLOT_CSPACE; i <= BOOT_SLOT_DEBUG; i++)
        expect_equal(slot_of(i)->kind, kinds[i]);
    const struct arch_frame *f = &world_init->frame;
    expect_equal(f->rip, 0x401010);
    expect_equal(f->rdi, BOOT_INFO_ADDRESS);
    expect_equal(f->rsp, BOOT_STACK_TOP - 8);
    expect_equal(world_init->priority, PRIORITIES - 1);
    expect_equal(world_info->image_end, 0x403000);
    expect(!strcmp(world_info->build_id, "0123456789"));
    expect_equal(world_info->module_count, 1);
}

TEST(all_memory_is_listed_once)
{
    uint64_t free = 0, device = 0;
    for (uint32_t i = 0; i < world_info->untyped_count; i++) {
        const struct boot_untyped *u = &world_info->untypeds[i];
        const struct slot *slot = slot_of(u->slot);
        expect(u->slot % 64);
        expect_equal(slot->kind, KIND_UNTYPED);
        expect_equal(slot->address, u->address);
        expect_equal(slot->bits, u->bits);
        expect(!(u->address & ((1ul << u->bits) - 1)));
        *(u->device ? &device : &free) += 1ul << u->bits;
        for (uint32_t j = 0; j < i; j++) {
            const struct boot_untyped *v = &world_info->untypeds[j];
            expect(u->address + (1ul << u->bits) <= v->address ||
                   v->address + (1ul << v->bits) <= u->address);
        }
    }
    expect_equal(device, (1ul << 40) - MOCK_MEMORY + 0x400000);
    uint64_t used = MOCK_MEMORY - 0x400000 - free;
    expect(used > 16 * 4096 && used < 64 * 4096);
    expect_equal(slot_of(world_info->free_slot)->kind, KIND_NONE);
}

static struct arch_module module = {.name = "init"};

static void load(void)
{
    struct supply supply = {48ul << 20, 49ul << 20};
    uint64_t end;
    module.start = phys(MODULE_ADDRESS);
    boot_load(&supply, supply_pages(&supply, 2), &module, &end);
}

TEST(a_bad_init_is_named)
{
    uint8_t *file = mock_memory + MODULE_ADDRESS;
    uint64_t *segment = (uint64_t *)(file + 64);
    module.bytes = 4096;
    load(); // it is good so far
    segment[1] = 4096;
    expect_panic("beyond the end of the file", load());
    segment[1] = 0;
    segment[5] = 100;
    expect_panic("larger in the file", load());
    segment[5] = 5000;
    segment[2] = 0x401008;
    expect_panic("does not begin on a page", load());
    segment[2] = 0xffff800000000000;
    expect_panic("outside user space", load());
    segment[2] = BOOT_STACK_TOP - 4096;
    expect_panic("outside user space", load());
    segment[2] = 0x401000;
    segment[0] = 7ul << 32 | 1;
    expect_panic("writable and executable", load());
    segment[0] = 5ul << 32 | 1;
    file[56] = 200;
    expect_panic("program headers", load());
    file[56] = 1;
    file[31] = 0xff;
    expect_panic("entry", load());
    file[31] = 0;
    file[18] = 3;
    expect_panic("not a static x86-64", load());
    file[0] = 0;
    expect_panic("not an ELF", load());
    module.bytes = 10;
    expect_panic("not an ELF", load());
}

TEST(overlapping_segments_are_named)
{
    uint8_t *file = mock_memory + MODULE_ADDRESS;
    memcpy(file + 120, file + 64, 56);
    file[56] = 2;
    module.bytes = 4096;
    expect_panic("share the page", load());
}

TEST(too_little_memory_is_named)
{
    struct supply supply = {48ul << 20, (48ul << 20) + 4096};
    expect_panic("not enough memory", supply_pages(&supply, 2));
}

TEST(more_ranges_than_the_list_holds)
{
    static struct arch_boot boot;
    static struct boot_info info;
    static struct slot slots[BOOT_SLOTS];
    struct supply supply = {0, 1};
    extern struct slot *test_slot_at(uint32_t handle);
    extern struct slot *test_slots;
    test_slots = slots;
    for (unsigned i = 0; i < ARCH_BOOT_RANGES; i++) // four blocks each
        boot.ranges[boot.range_count++] = (struct arch_range){
            phys(i * 0x10000 + 0x1000), phys(i * 0x10000 + 0x7000), ARCH_RANGE_DEVICE};
    boot_untypeds(&boot, &supply, test_slot_at, &info);
    expect_equal(info.untyped_count, BOOT_UNTYPEDS);
    expect(strstr(mock_log, "no room to list"));
    struct slot *child = slot_root.child;
    while (child && child >= slots && child < slots + BOOT_SLOTS)
        child = child->next, slot_count--;
    slot_root.child = child; // these slots are not part of the world
    child->prev = NULL;
}

struct slot *test_slots;
struct slot *test_slot_at(uint32_t handle);

struct slot *test_slot_at(uint32_t handle)
{
    return &test_slots[handle];
}

const struct CMUnitTest start_tests[] = {
    cmocka_unit_test(init_finds_its_objects),
    cmocka_unit_test(all_memory_is_listed_once),
    cmocka_unit_test(a_bad_init_is_named),
    cmocka_unit_test(overlapping_segments_are_named),
    cmocka_unit_test(too_little_memory_is_named),
    cmocka_unit_test(more_ranges_than_the_list_holds),
};
const size_t start_count = sizeof(start_tests) / sizeof(start_tests[0]);
