// Capabilities: derivation, rights, moving, deleting, revoking; untyped memory; CSpaces.
#include "tests.h"

TEST(copies_are_siblings_and_rights_only_shrink)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), copy = fresh(), less = fresh();
    expect_ok(k_copy(copy, endpoint, DERIVE_COPY, RIGHT_CALL | RIGHT_RECEIVE, 0));
    expect(slot_of(copy)->parent == slot_of(endpoint)->parent);
    expect_equal(slot_of(copy)->rights, RIGHT_CALL | RIGHT_RECEIVE);
    expect_ok(k_copy(less, copy, DERIVE_COPY, RIGHT_CALL | RIGHT_GRANT, 0));
    expect_equal(slot_of(less)->rights, RIGHT_CALL);
    expect_equal(k_copy(less, endpoint, DERIVE_COPY, RIGHT_ALL, 0), E_EXIST);
    expect_equal(k_copy(fresh(), 900, DERIVE_COPY, RIGHT_ALL, 0), E_HANDLE);
    expect_equal(k_copy(5000, endpoint, DERIVE_COPY, RIGHT_ALL, 0), E_INVAL);
    expect_equal(k_copy(fresh(), endpoint, 7, RIGHT_ALL, 0), E_INVAL);
}

TEST(single_capabilities_are_not_copied)
{
    uint32_t untyped = make(KIND_UNTYPED, 14), reply = make(KIND_REPLY, 0);
    expect_equal(k_copy(fresh(), untyped, DERIVE_COPY, RIGHT_ALL, 0), E_KIND);
    expect_equal(k_copy(fresh(), reply, DERIVE_COPY, RIGHT_ALL, 0), E_KIND);
    expect_equal(k_copy(fresh(), make(KIND_PAGE_TABLE, 0), DERIVE_COPY, RIGHT_ALL, 0), E_KIND);
}

TEST(minting)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), session, signal, receiver = fresh();
    session = mint(endpoint, 42, false);
    signal = mint_signal(endpoint, 6);
    expect_equal(slot_of(session)->rights, RIGHT_CALL);
    expect_equal(slot_of(mint(endpoint, 43, true))->rights, RIGHT_CALL | RIGHT_GRANT);
    expect_equal(slot_of(signal)->rights, RIGHT_SIGNAL);
    expect(slot_of(session)->parent == slot_of(endpoint));
    uint32_t to = fresh();
    expect_equal(k_copy(to, session, DERIVE_CALL, 44, 0), E_RIGHTS);
    expect_equal(k_copy(to, session, DERIVE_SIGNAL, 1, 0), E_RIGHTS);
    expect_equal(k_copy(to, endpoint, DERIVE_CALL, 0, 0), E_INVAL);
    expect_equal(k_copy(to, endpoint, DERIVE_CALL, 1ul << 63, 0), E_INVAL);
    expect_equal(k_copy(to, endpoint, DERIVE_SIGNAL, SIGNAL_KERNEL | 1, 0), E_INVAL);
    expect_equal(k_copy(to, make(KIND_REPLY, 0), DERIVE_CALL, 1, 0), E_KIND);
    // What may only receive mints nothing; without GRANT none is kept.
    expect_ok(k_copy(receiver, endpoint, DERIVE_COPY, RIGHT_RECEIVE, 0));
    expect_equal(k_copy(to, receiver, DERIVE_CALL, 1, 0), E_RIGHTS);
    expect_equal(k_copy(to, receiver, DERIVE_SIGNAL, 1, 0), E_RIGHTS);
    uint32_t caller = fresh();
    expect_ok(k_copy(caller, endpoint, DERIVE_COPY, RIGHT_CALL, 0));
    expect_equal(k_copy(to, caller, DERIVE_CALL, 1, 1), E_RIGHTS);
    expect_equal(k_signal(endpoint), E_RIGHTS); // it has no bits
}

TEST(ranges)
{
    uint32_t frame = make(KIND_FRAME, 14), part = fresh(), to = fresh();
    expect_ok(k_copy(part, frame, DERIVE_RANGE, 0x2000, 13));
    expect_equal(slot_of(part)->address, slot_of(frame)->address + 0x2000);
    expect_equal(slot_of(part)->bits, 13);
    expect_equal(k_copy(to, part, DERIVE_RANGE, 0x2000, 12), E_INVAL);
    expect_equal(k_copy(to, part, DERIVE_RANGE, 0x800, 12), E_INVAL);
    expect_equal(k_copy(to, part, DERIVE_RANGE, 0, 14), E_INVAL);
    expect_equal(k_copy(to, part, DERIVE_RANGE, 0, 11), E_INVAL);
    expect_equal(k_copy(to, make(KIND_ENDPOINT, 0), DERIVE_RANGE, 0, 12), E_KIND);
    expect_ok(k_copy(to, BOOT_SLOT_IOPORT, DERIVE_RANGE, 0x3f8, 8));
    expect_equal(k_copy(fresh(), to, DERIVE_RANGE, 0x3f7, 1), E_INVAL);
    expect_equal(k_copy(fresh(), to, DERIVE_RANGE, 0x3fc, 5), E_INVAL);
    expect_equal(k_copy(fresh(), to, DERIVE_RANGE, 0x3fc, 0), E_INVAL);
    expect_ok(k_copy(fresh(), to, DERIVE_RANGE, 0x3fc, 4));
}

TEST(the_tree_has_a_depth)
{
    uint32_t at = make(KIND_FRAME, 12), next;
    uint64_t status;
    unsigned levels = 0;
    while ((status = k_copy(next = fresh(), at, DERIVE_RANGE, 0, 12)) == OK) {
        at = next;
        levels++;
    }
    expect_equal(status, E_DEPTH);
    expect(levels > 20 && levels < DERIVATION_DEPTH);
    expect_equal(slot_of(at)->depth, DERIVATION_DEPTH);
    uint32_t untyped = make(KIND_UNTYPED, 16);
    while ((status = k_retype(untyped, KIND_UNTYPED, 16, 1, next = fresh())) == OK)
        untyped = next;
    expect_equal(status, E_DEPTH);
}

TEST(moves_keep_the_place_in_the_tree)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), first = mint(endpoint, 1, false),
             second = mint(endpoint, 2, false), to = fresh();
    struct slot *parent = slot_of(endpoint)->parent;
    expect_ok(k_move(to, endpoint));
    expect_equal(slot_of(endpoint)->kind, KIND_NONE);
    expect(slot_of(to)->parent == parent && parent->child == slot_of(to));
    expect(slot_of(first)->parent == slot_of(to) && slot_of(second)->parent == slot_of(to));
    uint32_t moved = fresh();
    expect_ok(k_move(moved, first)); // second is first's elder sibling
    expect(slot_of(second)->next == slot_of(moved));
    expect_equal(k_move(moved, second), E_EXIST);
    expect_equal(k_move(fresh(), endpoint), E_HANDLE);
}

TEST(a_move_takes_along_a_bounded_family)
{
    uint32_t frame = make(KIND_FRAME, 12), cspace = make(KIND_CSPACE, 12), made = 0;
    for (uint32_t page = 0; page * 63 < SLOT_MOVE_CHILDREN + 1; page++) {
        uint64_t status;
        while ((status = kernel(SYSCALL_RETYPE, world_untyped, KIND_SLOTS, 0, 1, cspace, page,
                                0)) == E_MORE)
            ;
        expect_ok(status);
        for (uint32_t i = 1; i < 64 && made <= SLOT_MOVE_CHILDREN; i++, made++)
            expect_ok(
                kernel(SYSCALL_CAP_COPY, cspace, page * 64 + i, frame, DERIVE_RANGE, 0, 12, 0));
    }
    expect_equal(k_move(fresh(), frame), E_BUSY);
    expect_ok(kernel(SYSCALL_CAP_DELETE, cspace, 1, 0, 0, 0, 0, 0));
    expect_ok(k_move(fresh(), frame));
}

TEST(deleting)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), session = mint(endpoint, 1, false);
    expect_equal(k_delete(endpoint), E_BUSY);
    expect_ok(k_delete(session));
    expect_equal(k_delete(session), E_HANDLE);
    expect_equal(k_delete(0), E_HANDLE);
    expect_equal(k_delete(64), E_HANDLE); // a page's node
    expect_equal(k_delete(100000), E_HANDLE);
    struct slot *node = slot_of(endpoint)->parent;
    expect_ok(k_delete(endpoint));
    expect(!graveyard && node->kind == KIND_NONE);
}

TEST(a_copy_keeps_the_object_alive)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), copy = fresh();
    expect_ok(k_copy(copy, endpoint, DERIVE_COPY, RIGHT_ALL, 0));
    struct slot *node = slot_of(endpoint)->parent;
    expect_ok(k_delete(endpoint));
    expect_equal(node->kind, KIND_ENDPOINT);
    expect_ok(k_delete(copy));
    expect_equal(node->kind, KIND_NONE);
}

TEST(revoking_takes_all_below_and_nothing_else)
{
    uint32_t untyped = make(KIND_UNTYPED, 16), endpoint = make_from(untyped, KIND_ENDPOINT, 0);
    uint32_t session = mint(endpoint, 1, false), other = make(KIND_ENDPOINT, 0);
    make_from(untyped, KIND_FRAME, 12);
    expect_ok(k_revoke_all(endpoint));
    expect_equal(slot_of(session)->kind, KIND_NONE);
    expect_equal(slot_of(endpoint)->kind, KIND_ENDPOINT);
    expect_ok(k_revoke_all(untyped));
    expect_equal(slot_of(endpoint)->kind, KIND_NONE);
    expect_equal(slot_of(other)->kind, KIND_ENDPOINT);
    expect(!slot_of(untyped)->child);
    expect_equal(k_revoke(fresh()), E_HANDLE);
}

TEST(revocation_goes_in_steps_and_freezes_derivation)
{
    uint32_t frame = make(KIND_FRAME, 12), last = 0;
    for (unsigned i = 0; i < 100; i++)
        expect_ok(k_copy(last = fresh(), frame, DERIVE_RANGE, 0, 12));
    uint32_t first = (uint32_t)(last - 50);
    expect_equal(k_revoke(frame), E_MORE);
    expect_equal(k_copy(fresh(), frame, DERIVE_RANGE, 0, 12), E_BUSY);
    expect_equal(k_copy(fresh(), first, DERIVE_RANGE, 0, 12), E_BUSY);
    expect_equal(k_copy(fresh(), first, DERIVE_COPY, RIGHT_ALL, 0), E_BUSY);
    expect_ok(k_revoke_all(frame));
    expect_ok(k_copy(fresh(), frame, DERIVE_RANGE, 0, 12));
}

TEST(a_capability_may_be_revoked_with_the_page_it_lies_in)
{
    uint32_t untyped = make(KIND_UNTYPED, 16);
    uint32_t cspace = make_from(untyped, KIND_CSPACE, 12);
    expect_ok(kernel(SYSCALL_RETYPE, untyped, KIND_SLOTS, 0, 1, cspace, 0, 0));
    expect_ok(kernel(SYSCALL_CAP_MOVE, cspace, 5, untyped, 0, 0, 0, 0));
    uint64_t status;
    while ((status = kernel(SYSCALL_CAP_REVOKE, cspace, 5, 0, 0, 0, 0, 0)) == E_MORE)
        ;
    expect(status == OK || status == E_HANDLE);
    expect(!graveyard);
}

TEST(untyped_memory_is_handed_out_zeroed_once)
{
    uint32_t untyped = make(KIND_UNTYPED, 14), frame = make_from(untyped, KIND_FRAME, 12);
    struct slot *slot = slot_of(untyped);
    uint64_t *page = arch_pointer(phys(slot_of(frame)->address));
    for (unsigned i = 0; i < 512; i++)
        expect_equal(page[i], 0);
    page[3] = 7;
    expect_equal(slot->watermark, 4096);
    make_from(untyped, KIND_FRAME, 13); // aligned: one page is skipped
    expect_equal(slot->watermark, 16384);
    expect_equal(k_retype(untyped, KIND_FRAME, 12, 1, fresh()), E_NOMEM);
    expect_ok(k_revoke_all(untyped));
    frame = make_from(untyped, KIND_FRAME, 12);
    expect_equal(slot_of(frame)->address, slot->address);
    expect_equal(page[3], 0);
}

TEST(zeroing_goes_in_steps)
{
    uint32_t frame = fresh(), untyped = make(KIND_UNTYPED, 21);
    unsigned steps = 0;
    while (k_retype(untyped, KIND_FRAME, 21, 1, frame) == E_MORE)
        steps++;
    expect_equal(steps, (1 << 21) / 65536 - 1);
    // An unfinished large one leaves nothing dirty for a small one.
    uint32_t other = make(KIND_UNTYPED, 21);
    make_from(other, KIND_FRAME, 12);
    expect_equal(k_retype(other, KIND_FRAME, 20, 1, fresh()), E_MORE);
    uint64_t *page = arch_pointer(phys(slot_of(make_from(other, KIND_FRAME, 12))->address));
    for (unsigned i = 0; i < 512; i++)
        expect_equal(page[i], 0);
}

TEST(zeroed_memory_is_not_zeroed_again)
{
    uint32_t untyped = make(KIND_UNTYPED, 20), frame = fresh();
    expect_equal(k_retype(untyped, KIND_FRAME, 19, 1, frame), E_MORE);
    uint32_t part = fresh();
    expect_ok(k_retype(untyped, KIND_UNTYPED, 16, 1, part));
    expect_equal(slot_of(part)->zeroed, 65536);
}

TEST(retype_refuses)
{
    uint32_t untyped = make(KIND_UNTYPED, 20), to = fresh(), taken = make(KIND_ENDPOINT, 0);
    expect_equal(k_retype(untyped, KIND_NONE, 0, 1, to), E_INVAL);
    expect_equal(k_retype(untyped, KIND_IRQ, 0, 1, to), E_INVAL);
    expect_equal(k_retype(untyped, KIND_DEBUG, 0, 1, to), E_INVAL);
    expect_equal(k_retype(untyped, KIND_FRAME, 11, 1, to), E_INVAL);
    expect_equal(k_retype(untyped, KIND_FRAME, 22, 1, to), E_INVAL);
    expect_equal(k_retype(untyped, KIND_UNTYPED, 11, 1, to), E_INVAL);
    expect_equal(k_retype(untyped, KIND_UNTYPED, 48, 1, to), E_INVAL);
    expect_equal(k_retype(untyped, KIND_UNTYPED, 47, 1, to), E_NOMEM);
    expect_equal(k_retype(untyped, KIND_CSPACE, 20, 1, to), E_INVAL);
    expect_equal(k_retype(untyped, KIND_THREAD, 12, 1, to), E_INVAL);
    expect_equal(k_retype(untyped, KIND_ENDPOINT, 0, 0, to), E_INVAL);
    expect_equal(k_retype(untyped, KIND_ENDPOINT, 0, RETYPE_COUNT + 1, to), E_INVAL);
    expect_equal(k_retype(untyped, KIND_ENDPOINT, 0, 2, taken - 1), E_EXIST);
    expect_equal(k_retype(untyped, KIND_ENDPOINT, 0, 2, BOOT_SLOTS - 1), E_INVAL);
    expect_equal(k_retype(taken, KIND_ENDPOINT, 0, 1, to), E_KIND);
    expect_equal(slot_of(untyped)->watermark, 0);
    uint32_t many = fresh();
    expect_ok(k_retype(untyped, KIND_ENDPOINT, 0, 2, many));
    expect(slot_of(many)->object != slot_of(many + 1)->object);
}

TEST(device_memory_becomes_frames_and_untypeds_only)
{
    uint32_t device = 0, to = fresh();
    for (uint32_t i = 0; i < world_info->untyped_count; i++)
        if (world_info->untypeds[i].device && !world_info->untypeds[i].address)
            device = world_info->untypeds[i].slot;
    expect(device);
    expect_equal(k_retype(device, KIND_ENDPOINT, 0, 1, to), E_KIND);
    expect_ok(k_retype(device, KIND_FRAME, 12, 1, to));
    expect_equal(*(uint8_t *)arch_pointer(phys(slot_of(to)->address)), 0xa5); // not zeroed
    expect(slot_of(to)->flags & SLOT_DEVICE);
    uint32_t part = fresh(), frame = fresh();
    expect_ok(k_retype(device, KIND_UNTYPED, 12, 1, part));
    expect_ok(k_retype(part, KIND_FRAME, 12, 1, frame));
    expect(slot_of(frame)->flags & SLOT_DEVICE);
}

TEST(cspaces_grow_by_pages_and_lose_them)
{
    uint32_t untyped = make(KIND_UNTYPED, 16), cspace = make(KIND_CSPACE, 12);
    struct cspace *object = slot_of(cspace)->object;
    expect_equal(kernel(SYSCALL_CAP_COPY, cspace, 1, BOOT_SLOT_DEBUG, 0, RIGHT_ALL, 0, 0),
                 E_INVAL);
    expect_equal(kernel(SYSCALL_RETYPE, untyped, KIND_SLOTS, 0, 1, cspace, 1, 0), E_INVAL);
    expect_equal(kernel(SYSCALL_RETYPE, untyped, KIND_SLOTS, 0, 2, cspace, 0, 0), E_INVAL);
    expect_ok(kernel(SYSCALL_RETYPE, untyped, KIND_SLOTS, 0, 1, cspace, 0, 0));
    expect_equal(kernel(SYSCALL_RETYPE, untyped, KIND_SLOTS, 0, 1, cspace, 0, 0), E_EXIST);
    expect_ok(kernel(SYSCALL_RETYPE, world_untyped, KIND_SLOTS, 0, 1, cspace, 1, 0));
    expect_equal(object->limit, 128);
    expect_ok(kernel(SYSCALL_CAP_COPY, cspace, 5, BOOT_SLOT_DEBUG, 0, RIGHT_ALL, 0, 0));
    expect_equal(kernel(SYSCALL_CAP_COPY, cspace, 64, BOOT_SLOT_DEBUG, 0, RIGHT_ALL, 0, 0),
                 E_EXIST);
    // Page 0 goes with its memory, page 1 stays, and 0 can be donated again.
    expect_ok(k_revoke_all(untyped));
    expect_equal(kernel(SYSCALL_CAP_COPY, cspace, 5, BOOT_SLOT_DEBUG, 0, RIGHT_ALL, 0, 0),
                 E_INVAL);
    expect_ok(kernel(SYSCALL_CAP_COPY, cspace, 65, BOOT_SLOT_DEBUG, 0, RIGHT_ALL, 0, 0));
    expect_ok(kernel(SYSCALL_RETYPE, untyped, KIND_SLOTS, 0, 1, cspace, 0, 0));
    expect_ok(kernel(SYSCALL_CAP_COPY, cspace, 5, BOOT_SLOT_DEBUG, 0, RIGHT_ALL, 0, 0));
}

TEST(a_directory_has_an_end)
{
    uint32_t cspace = make(KIND_CSPACE, 12);
    struct cspace *object = slot_of(cspace)->object;
    expect_equal(object->max_pages, 496);
    object->limit = 496 * 64;
    expect_equal(kernel(SYSCALL_RETYPE, world_untyped, KIND_SLOTS, 0, 1, cspace, 496, 0),
                 E_INVAL);
    object->limit = 0;
}

TEST(a_dying_cspace_gives_its_children_to_their_grandparents)
{
    uint32_t cspace = make(KIND_CSPACE, 12), endpoint = make(KIND_ENDPOINT, 0),
             session = fresh();
    expect_ok(kernel(SYSCALL_RETYPE, world_untyped, KIND_SLOTS, 0, 1, cspace, 0, 0));
    expect_ok(kernel(SYSCALL_CAP_COPY, cspace, 7, endpoint, DERIVE_COPY, RIGHT_ALL, 0, 0));
    struct slot *inside = &((struct cspace *)slot_of(cspace)->object)->pages[0][7];
    expect_ok(derive_mint(slot_of(session), inside, DERIVE_CALL, 9, 0));
    expect_ok(k_delete_all(cspace));
    expect_equal(slot_of(session)->badge, 9);
    expect(slot_of(session)->parent == slot_of(endpoint)->parent);
    // The session alone keeps the endpoint.
    struct slot *node = slot_of(endpoint)->parent;
    expect_ok(k_delete_all(endpoint));
    expect_equal(node->kind, KIND_ENDPOINT);
    expect_ok(k_delete_all(session));
    expect_equal(node->kind, KIND_NONE);
}

TEST(a_cspace_full_of_last_capabilities_is_buried_in_steps)
{
    uint32_t untyped = make(KIND_UNTYPED, 17), cspace = make_from(untyped, KIND_CSPACE, 12);
    expect_ok(kernel(SYSCALL_RETYPE, untyped, KIND_SLOTS, 0, 1, cspace, 0, 0));
    for (uint32_t i = 1; i < 64; i++)
        expect_ok(kernel(SYSCALL_RETYPE, untyped, KIND_ENDPOINT, 0, 1, cspace, i, 0));
    expect_equal(k_delete(cspace), E_MORE);
    expect(slot_of(untyped)->child); // its memory is not free yet
    for (unsigned i = 0; i < 20 && graveyard; i++)
        tick();
    expect(!graveyard && !slot_of(untyped)->child);
}

TEST(a_cspace_that_holds_itself_dies_with_its_memory)
{
    uint32_t untyped = make(KIND_UNTYPED, 16), cspace = make_from(untyped, KIND_CSPACE, 12);
    expect_ok(kernel(SYSCALL_RETYPE, untyped, KIND_SLOTS, 0, 1, cspace, 0, 0));
    expect_ok(kernel(SYSCALL_CAP_COPY, cspace, 1, cspace, DERIVE_COPY, RIGHT_ALL, 0, 0));
    expect_ok(k_delete(cspace));
    expect_ok(k_revoke_all(untyped));
    expect(!slot_of(untyped)->child);
}

TEST(identify)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), session = mint(endpoint, 77, false);
    uint32_t other = make(KIND_ENDPOINT, 0), frame = make(KIND_FRAME, 13);
    struct arch_frame *f = &running()->frame;
    expect_ok(kernel(SYSCALL_CAP_IDENTIFY, session, endpoint, 0, 0, 0, 0, 0));
    expect_equal(f->rdi, KIND_ENDPOINT);
    expect_equal(f->rsi, 77);
    expect_equal(kernel(SYSCALL_CAP_IDENTIFY, session, other, 0, 0, 0, 0, 0), E_RIGHTS);
    expect_equal(kernel(SYSCALL_CAP_IDENTIFY, session, session, 0, 0, 0, 0, 0), E_RIGHTS);
    expect_ok(kernel(SYSCALL_CAP_IDENTIFY, frame, 0, 0, 0, 0, 0, 0));
    expect_equal(f->rsi, slot_of(frame)->address);
    expect_equal(f->rdx, 13);
    expect_ok(kernel(SYSCALL_CAP_IDENTIFY, BOOT_SLOT_IOPORT, 0, 0, 0, 0, 0, 0));
    expect_equal(f->rdx, 65536);
    expect_ok(kernel(SYSCALL_CAP_IDENTIFY, BOOT_SLOT_THREAD, 0, 0, 0, 0, 0, 0));
    expect_equal(f->rdi, KIND_THREAD);
}

TEST(handles_and_numbers_are_checked)
{
    uint32_t weak = fresh();
    expect_equal(kernel(SYSCALL_COUNT, 0, 0, 0, 0, 0, 0, 0), E_SYSCALL);
    expect_equal(kernel(255, 0, 0, 0, 0, 0, 0, 0), E_SYSCALL);
    expect_equal(kernel(~0ul, 0, 0, 0, 0, 0, 0, 0), E_INVAL);
    expect_equal(kernel(SYSCALL_CALL | IPC_NONBLOCK << 8, 0, 0, 0, 0, 0, 0, 0), E_INVAL);
    expect_equal(kernel(SYSCALL_RECV | 2 << 8, 0, 0, 0, 0, 0, 0, 0), E_INVAL);
    expect_equal(kernel(SYSCALL_MAP, 0, 0, 0, 0, 0, 0, 0), E_HANDLE);
    expect_equal(kernel(SYSCALL_CAP_DELETE, BOOT_SLOT_DEBUG, 1, 0, 0, 0, 0, 0), E_KIND);
    expect_ok(k_copy(weak, BOOT_SLOT_CSPACE, DERIVE_COPY, 0, 0));
    expect_equal(kernel(SYSCALL_CAP_DELETE, weak, 1, 0, 0, 0, 0, 0), E_RIGHTS);
    expect_equal(kernel(SYSCALL_UNMAP, 64, 0, 0, 0, 0, 0, 0), E_HANDLE); // a page's node
}

const struct CMUnitTest caps_tests[] = {
    cmocka_unit_test(copies_are_siblings_and_rights_only_shrink),
    cmocka_unit_test(single_capabilities_are_not_copied),
    cmocka_unit_test(minting),
    cmocka_unit_test(ranges),
    cmocka_unit_test(the_tree_has_a_depth),
    cmocka_unit_test(moves_keep_the_place_in_the_tree),
    cmocka_unit_test(a_move_takes_along_a_bounded_family),
    cmocka_unit_test(deleting),
    cmocka_unit_test(a_copy_keeps_the_object_alive),
    cmocka_unit_test(revoking_takes_all_below_and_nothing_else),
    cmocka_unit_test(revocation_goes_in_steps_and_freezes_derivation),
    cmocka_unit_test(a_capability_may_be_revoked_with_the_page_it_lies_in),
    cmocka_unit_test(untyped_memory_is_handed_out_zeroed_once),
    cmocka_unit_test(zeroing_goes_in_steps),
    cmocka_unit_test(zeroed_memory_is_not_zeroed_again),
    cmocka_unit_test(retype_refuses),
    cmocka_unit_test(device_memory_becomes_frames_and_untypeds_only),
    cmocka_unit_test(cspaces_grow_by_pages_and_lose_them),
    cmocka_unit_test(a_directory_has_an_end),
    cmocka_unit_test(a_dying_cspace_gives_its_children_to_their_grandparents),
    cmocka_unit_test(a_cspace_full_of_last_capabilities_is_buried_in_steps),
    cmocka_unit_test(a_cspace_that_holds_itself_dies_with_its_memory),
    cmocka_unit_test(identify),
    cmocka_unit_test(handles_and_numbers_are_checked),
};
const size_t caps_count = sizeof(caps_tests) / sizeof(caps_tests[0]);
