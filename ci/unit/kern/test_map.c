// Address spaces: page tables, mappings, ends of spaces.
#include "tests.h"

#define AT 0x40000000ul

static uint32_t map_tables(uint32_t vspace, uint64_t address, unsigned count)
{
    uint32_t table = 0;
    for (unsigned i = 0; i < count; i++)
        expect_ok(k_map(table = make(KIND_PAGE_TABLE, 0), vspace, address, 0));
    return table;
}

/// The leaf entry for an address of a space; 0 without.
static uint64_t leaf(uint32_t vspace, uint64_t address)
{
    struct phys table = phys(slot_of(vspace)->address);
    for (unsigned level = 4;; level--) {
        uint64_t entry = *arch_entry(table, level, user(address));
        if (!arch_entry_present(entry) || arch_entry_leaf(entry, level))
            return entry;
        table = arch_entry_target(entry);
    }
}

TEST(mapping_wants_tables)
{
    uint32_t vspace = make(KIND_VSPACE, 0), frame = make(KIND_FRAME, 12);
    expect_equal(k_map(frame, vspace, AT, MAP_READ), E_TABLE);
    expect_equal(running()->frame.rdi, 3);
    map_tables(vspace, AT, 2);
    expect_equal(k_map(frame, vspace, AT, MAP_READ), E_TABLE);
    expect_equal(running()->frame.rdi, 1);
    map_tables(vspace, AT, 1);
    expect_equal(k_map(make(KIND_PAGE_TABLE, 0), vspace, AT, 0), E_EXIST);
    expect_ok(k_map(frame, vspace, AT, MAP_READ | MAP_WRITE));
    expect_equal(leaf(vspace, AT) & ENTRY_ADDRESS, slot_of(frame)->address);
    expect(leaf(vspace, AT) & ENTRY_WRITE && leaf(vspace, AT) & ENTRY_NX);
    expect_ok(k_map(frame, vspace, AT, MAP_READ | MAP_EXECUTE)); // re-protects
    expect(!(leaf(vspace, AT) & ENTRY_WRITE) && !(leaf(vspace, AT) & ENTRY_NX));
}

TEST(mapping_refuses)
{
    uint32_t vspace = make(KIND_VSPACE, 0), frame = make(KIND_FRAME, 12), weak = fresh();
    map_tables(vspace, AT, 3);
    expect_equal(k_map(frame, vspace, AT, 0), E_INVAL);
    expect_equal(k_map(frame, vspace, AT, MAP_READ | 32), E_INVAL);
    expect_equal(k_map(frame, vspace, AT, MAP_WRITE | MAP_EXECUTE), E_INVAL);
    expect_equal(k_map(frame, vspace, AT, MAP_READ | MAP_UNCACHED | MAP_COMBINE), E_INVAL);
    expect_equal(k_map(frame, vspace, AT + 8, MAP_READ), E_INVAL);
    expect_equal(k_map(frame, vspace, USER_END, MAP_READ), E_INVAL);
    expect_equal(k_map(frame, vspace, 0xffff800000000000, MAP_READ), E_INVAL);
    expect_equal(k_map(make(KIND_PAGE_TABLE, 0), vspace, 0xffff800000000000, 0), E_INVAL);
    expect_equal(k_map(frame, frame, AT, MAP_READ), E_KIND);
    expect_equal(k_map(BOOT_SLOT_DEBUG, vspace, AT, MAP_READ), E_KIND);
    expect_ok(k_copy(weak, frame, DERIVE_COPY, RIGHT_READ, 0));
    expect_equal(k_map(weak, vspace, AT, MAP_READ | MAP_WRITE), E_RIGHTS);
    expect_ok(k_map(weak, vspace, AT, MAP_READ));
    expect_equal(k_map(weak, vspace, AT + 4096, MAP_READ), E_BUSY);
    expect_equal(k_map(frame, vspace, AT, MAP_READ), E_EXIST);
    uint32_t blind = fresh();
    expect_ok(k_copy(blind, frame, DERIVE_COPY, RIGHT_EXECUTE, 0));
    expect_equal(k_map(blind, vspace, AT + 4096, MAP_EXECUTE), E_RIGHTS);
}

TEST(frames_of_many_pages)
{
    uint32_t vspace = make(KIND_VSPACE, 0), medium = make(KIND_FRAME, 16), large = fresh();
    map_tables(vspace, AT, 3);
    expect_equal(k_map(medium, vspace, AT + 4096, MAP_READ), E_INVAL);
    expect_ok(k_map(medium, vspace, AT + 0x10000, MAP_READ));
    expect_equal(leaf(vspace, AT + 0x1f000) & ENTRY_ADDRESS, slot_of(medium)->address + 0xf000);
    expect(!leaf(vspace, AT + 0x20000));
    expect_ok(kernel(SYSCALL_UNMAP, medium, 0, 0, 0, 0, 0, 0));
    expect(!leaf(vspace, AT + 0x1f000) && !leaf(vspace, AT + 0x10000));
    large = make(KIND_FRAME, 21);
    expect_equal(k_map(large, vspace, AT, MAP_READ), E_EXIST); // a table is in the way
    expect_ok(k_map(large, vspace, AT + (1 << 21), MAP_READ));
    expect(leaf(vspace, AT + (1 << 21)) & ENTRY_LARGE);
    expect_equal(k_map(make(KIND_FRAME, 12), vspace, AT + (1 << 21), MAP_READ), E_EXIST);
    expect_equal(k_map(make(KIND_PAGE_TABLE, 0), vspace, AT + (1 << 21), 0), E_EXIST);
}

TEST(deleting_a_frame_unmaps_it_and_flushes)
{
    uint32_t frame = make(KIND_FRAME, 12);
    while (k_map(frame, BOOT_SLOT_VSPACE, AT, MAP_READ) == E_TABLE)
        map_tables(BOOT_SLOT_VSPACE, AT, 1);
    expect(leaf(BOOT_SLOT_VSPACE, AT));
    unsigned before = mock_flushes[0];
    expect_ok(k_delete(frame));
    expect(!leaf(BOOT_SLOT_VSPACE, AT));
    expect_equal(mock_flushes[0], before + 1); // init's space is loaded
}

TEST(reprotecting_flushes)
{
    uint32_t frame = make(KIND_FRAME, 12);
    while (k_map(frame, BOOT_SLOT_VSPACE, AT, MAP_READ | MAP_WRITE) == E_TABLE)
        map_tables(BOOT_SLOT_VSPACE, AT, 1);
    unsigned before = mock_flushes[0];
    expect_ok(k_map(frame, BOOT_SLOT_VSPACE, AT, MAP_READ));
    expect_equal(mock_flushes[0], before + 1);
}

TEST(a_table_can_go_before_what_it_maps)
{
    uint32_t vspace = make(KIND_VSPACE, 0), frame = make(KIND_FRAME, 12), copy = fresh();
    uint32_t table = map_tables(vspace, AT, 3);
    expect_ok(k_map(frame, vspace, AT, MAP_READ));
    expect_ok(k_delete(table));
    expect(!leaf(vspace, AT));
    // Another capability's mapping at the same place is not the first one's to undo.
    uint32_t other = make(KIND_FRAME, 12);
    map_tables(vspace, AT, 1);
    expect_ok(k_map(other, vspace, AT, MAP_READ));
    expect_ok(k_delete(frame));
    expect(leaf(vspace, AT));
    expect_ok(kernel(SYSCALL_UNMAP, other, 0, 0, 0, 0, 0, 0));
    expect_ok(k_copy(copy, other, DERIVE_COPY, RIGHT_ALL, 0));
}

TEST(a_table_is_empty_when_it_is_installed_again)
{
    uint32_t vspace = make(KIND_VSPACE, 0), frame = make(KIND_FRAME, 12);
    uint32_t table = map_tables(vspace, AT, 3);
    expect_ok(k_map(frame, vspace, AT, MAP_READ));
    expect_equal(k_map(table, vspace, AT + (1 << 21), 0), E_BUSY);
    expect_ok(kernel(SYSCALL_UNMAP, table, 0, 0, 0, 0, 0, 0));
    expect_ok(k_map(table, vspace, AT + (1 << 21), 0));
    expect(!leaf(vspace, AT + (1 << 21)));
}

/// A Frame whose mapping went with its table remembers it; what is mapped there since is
/// through others.
TEST(a_place_can_be_remembered_by_two)
{
    uint32_t vspace = make(KIND_VSPACE, 0), frame = make(KIND_FRAME, 12), copy = fresh();
    uint32_t other = make(KIND_FRAME, 12), weak = fresh();
    uint32_t table = map_tables(vspace, AT, 3);
    expect_ok(k_copy(copy, frame, DERIVE_COPY, RIGHT_ALL, 0));
    expect_ok(k_copy(weak, frame, DERIVE_COPY, RIGHT_READ, 0));
    expect_ok(k_map(weak, vspace, AT, MAP_READ));
    expect_ok(k_map(frame, vspace, AT + 4096, MAP_READ));
    expect_ok(kernel(SYSCALL_UNMAP, table, 0, 0, 0, 0, 0, 0));
    expect_ok(k_map(table, vspace, AT, 0));
    expect_ok(k_map(copy, vspace, AT, MAP_READ | MAP_WRITE));
    expect_ok(k_map(other, vspace, AT + 4096, MAP_READ));
    invariants_check();
}

TEST(mappings_die_with_their_space)
{
    uint32_t vspace = make(KIND_VSPACE, 0), frame = make(KIND_FRAME, 12);
    map_tables(vspace, AT, 3);
    expect_ok(k_map(frame, vspace, AT, MAP_READ));
    uint64_t id = slot_of(vspace)->space;
    expect_ok(k_delete(vspace));
    vspace = make(KIND_VSPACE, 0); // takes the same entry
    expect_equal(slot_of(vspace)->space & 0xffff, id & 0xffff);
    expect(slot_of(vspace)->space != id);
    map_tables(vspace, AT, 3);
    expect_ok(k_map(frame, vspace, AT, MAP_READ));
}

TEST(a_space_lives_as_long_as_its_capabilities)
{
    uint32_t vspace = make(KIND_VSPACE, 0), copy = fresh();
    uint32_t before = space_free_count();
    expect_ok(k_copy(copy, vspace, DERIVE_COPY, RIGHT_ALL, 0));
    expect_ok(k_delete(vspace));
    expect_equal(space_free_count(), before);
    map_tables(copy, AT, 3);
    expect_ok(k_delete(copy));
    expect_equal(space_free_count(), before + 1);
}

TEST(spaces_run_out)
{
    uint32_t made = space_free_count(), slot = fresh(), untyped = 0;
    uint32_t cspace = make(KIND_CSPACE, 12), page = 0;
    for (uint32_t i = 0; i < world_info->untyped_count; i++)
        if (!world_info->untypeds[i].device && world_info->untypeds[i].bits == 24)
            untyped = world_info->untypeds[i].slot; // room for 2,048
    for (uint32_t i = 0; i < made; i++) {
        if (i % 63 == 0)
            while (kernel(SYSCALL_RETYPE, world_untyped, KIND_SLOTS, 0, 1, cspace, page, 0) ==
                   E_MORE)
                ;
        page += i % 63 == 0;
        expect_ok(kernel(SYSCALL_RETYPE, untyped, KIND_VSPACE, 0, 1, cspace,
                         (page - 1) * 64 + 1 + i % 63, 0));
    }
    expect_equal(space_free_count(), 0);
    expect_equal(k_retype(world_untyped, KIND_VSPACE, 0, 1, slot), E_NOMEM);
    struct slot none = {0};
    expect_equal(space_create(&none, phys(0x500000)), E_NOMEM);
    expect_ok(k_revoke_all(untyped));
    expect_equal(space_free_count(), made);
}

TEST(the_cpu_leaves_a_space_that_ends)
{
    uint32_t vspace = make(KIND_VSPACE, 0);
    struct actor other = actor_new(63, 0, 0, 0);
    expect_ok(k_control(other.handle, THREAD_OP_SUSPEND, 0, 0));
    const uint64_t words[6] = {vspace, 0, 0, 0, 0, 0};
    expect_ok(kernel_message(SYSCALL_THREAD_CONFIGURE, other.handle, 0, words));
    expect_ok(k_control(other.handle, THREAD_OP_START, 0, 0));
    run(other.thread);
    expect_equal(mock_top[0], slot_of(vspace)->address);
    uint32_t top = (uint32_t)slot_of(vspace)->address;
    // It deletes its own thread's and its own capability: nothing may stay loaded.
    expect_ok(k_delete(vspace));
    expect_equal(mock_top[0], top);
    kernel(SYSCALL_CAP_DELETE, 0, other.handle, 0, 0, 0, 0, 0);
    expect(running() == world_init);
    expect(mock_top[0] != top);
}

const struct CMUnitTest map_tests[] = {
    cmocka_unit_test(mapping_wants_tables),
    cmocka_unit_test(mapping_refuses),
    cmocka_unit_test(frames_of_many_pages),
    cmocka_unit_test(deleting_a_frame_unmaps_it_and_flushes),
    cmocka_unit_test(reprotecting_flushes),
    cmocka_unit_test(a_table_can_go_before_what_it_maps),
    cmocka_unit_test(a_table_is_empty_when_it_is_installed_again),
    cmocka_unit_test(a_place_can_be_remembered_by_two),
    cmocka_unit_test(mappings_die_with_their_space),
    cmocka_unit_test(a_space_lives_as_long_as_its_capabilities),
    cmocka_unit_test(spaces_run_out),
    cmocka_unit_test(the_cpu_leaves_a_space_that_ends),
};
const size_t map_count = sizeof(map_tests) / sizeof(map_tests[0]);
