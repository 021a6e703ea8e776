// Each invariant, broken on purpose: the kernel must notice.
#include "tests.h"

static uint32_t endpoint, reply, untyped, frame, part, session, vspace;
static struct actor actor;

#define AT 0x40000000ul

/// The entry of init's space for an address, at a level.
static uint64_t *entry(unsigned level, uint64_t address)
{
    return space_walk(phys(slot_of(BOOT_SLOT_VSPACE)->address), user(address), &level);
}

static void prepare(void)
{
    untyped = make(KIND_UNTYPED, 16);
    endpoint = make_from(untyped, KIND_ENDPOINT, 0);
    reply = make(KIND_REPLY, 0);
    frame = make_from(untyped, KIND_FRAME, 13);
    part = fresh();
    expect_ok(k_copy(part, frame, DERIVE_RANGE, 0, 12));
    session = mint(endpoint, 1, false);
    vspace = make(KIND_VSPACE, 0);
    actor = actor_new(63, 0, 0, 0);
    while (k_map(frame, BOOT_SLOT_VSPACE, AT, MAP_READ) == E_TABLE)
        expect_ok(k_map(make(KIND_PAGE_TABLE, 0), BOOT_SLOT_VSPACE, AT, 0));
    invariants_check();
}

#define BREAK(name, ...)                                                                       \
    TEST(name)                                                                                 \
    {                                                                                          \
        prepare();                                                                             \
        __VA_ARGS__;                                                                           \
        expect_panic("assertion " #name ":", invariants_check());                              \
        _Exit(0);                                                                              \
    }

#define ENDPOINT ((struct endpoint *)slot_of(endpoint)->object)
#define REPLY    ((struct reply *)slot_of(reply)->object)
#define FIRST    ((struct cspace *)slot_of(BOOT_SLOT_CSPACE)->object)->pages[0]

BREAK(inv_next, slot_of(untyped)->child->next->parent = slot_of(frame))
BREAK(inv_child, slot_of(session)->prev = slot_of(session);
      slot_of(session)->next = slot_of(session))
BREAK(inv_depth, slot_of(session)->depth = slot_of(endpoint)->depth)
BREAK(inv_kind, slot_of(session)->kind = KIND_DEBUG + 1)
BREAK(inv_rights, slot_of(endpoint)->rights = RIGHT_RECEIVE)
BREAK(inv_watermark, slot_of(untyped)->zeroed = slot_of(untyped)->watermark - 1)
BREAK(inv_inside, slot_of(untyped)->watermark = 64)
BREAK(inv_end, slot_of(frame)->bits = 20)
BREAK(inv_subframe, slot_of(part)->bits = 14)
BREAK(inv_disjoint, slot_of(frame)->address = slot_of(untyped)->address)
BREAK(inv_table_claimed, *entry(4, 1ul << 40) = arch_entry_table(phys(slot_of(part)->address)))
BREAK(inv_leaf_level, *entry(3, AT) |= ENTRY_LARGE)
BREAK(inv_leaf_user, *entry(1, AT) &= ~ENTRY_USER)
BREAK(inv_leaf_w_xor_x, *entry(1, AT) = (*entry(1, AT) | ENTRY_WRITE) & ~ENTRY_NX)
BREAK(inv_leaf_claimed, *entry(1, AT + 8192) = *entry(1, AT))
BREAK(inv_kernel_half, *(entry(4, 0) + 300) ^= 4096)
BREAK(inv_reply_back, REPLY->thread = world_init)
BREAK(inv_reply_state, REPLY->thread = world_init; world_init->reply = REPLY)
BREAK(inv_queue, actor.thread->link.next->prev = NULL)
BREAK(inv_queued, actor.thread->state = THREAD_STATE_INACTIVE)
BREAK(inv_met, actor.thread->link.next->prev = actor.thread->link.prev;
      actor.thread->link.prev->next = actor.thread->link.next; arch_cpu()->ready = 0;
      link_append(&ENDPOINT->senders, &actor.thread->link);
      actor.thread->state = THREAD_STATE_SENDING;
      link_append(&ENDPOINT->receivers, &world_init->link);
      world_init->state = THREAD_STATE_RECEIVING)
BREAK(inv_pending, ENDPOINT->pending = 1; link_append(&ENDPOINT->waiters, &world_init->link);
      world_init->state = THREAD_STATE_RECEIVING)
BREAK(inv_complete,
      ((struct thread *)slot_of(make(KIND_THREAD, 0))->object)->state = THREAD_STATE_READY)
BREAK(inv_cspace, actor.thread->cspace = &cspace_none)
BREAK(inv_top, actor.thread->top.at = 4096)
BREAK(inv_called, world_init->state = THREAD_STATE_CALLING; world_init->reply = REPLY)
BREAK(inv_offered, world_init->state = THREAD_STATE_FAULTED; world_init->reply = REPLY)
BREAK(inv_frame, actor.thread->frame.rip = ~0ul)
BREAK(inv_page, FIRST[0].index = 1)
BREAK(inv_slot, FIRST[63].parent = slot_of(untyped))
BREAK(inv_dying, FIRST[0].parent->child->flags |= SLOT_DYING;
      ENDPOINT->node.flags |= SLOT_DYING)
BREAK(inv_ready, arch_cpu()->ready |= 1)
BREAK(inv_no_page, cspace_no_page[9].kind = KIND_FRAME)
BREAK(inv_slot_count, slot_count++)

#undef BREAK
/// Assertions on the way, reached with a state that cannot be.
#define BREAK(name, ...)                                                                       \
    TEST(name)                                                                                 \
    {                                                                                          \
        prepare();                                                                             \
        expect_panic("assertion " #name ":", __VA_ARGS__);                                     \
        _Exit(0);                                                                              \
    }

BREAK(unlink_leaf, slot_unlink(slot_of(endpoint)))
BREAK(untyped_order, untyped_take(slot_of(untyped), 0, 64))
BREAK(delete_leaf, delete_slot(slot_of(endpoint)))
BREAK(ready_complete, actor.thread->inner[INNER_VSPACE].kind = KIND_NONE;
      sched_ready(arch_cpu(), actor.thread))
BREAK(remove_ready, sched_remove(world_init))
BREAK(inner_halted, thread_inner_lost(world_init, INNER_BUFFER))
BREAK(reply_pair, REPLY->thread = actor.thread; reply_release(arch_cpu(), REPLY))
BREAK(space_ref_alive, slot_of(vspace)->space += 1 << 16; space_ref(slot_of(vspace)))
BREAK(space_unref_alive, slot_of(vspace)->space += 1 << 16; space_unref(slot_of(vspace)))

TEST(leaf_with_more_rights)
{
    prepare();
    slot_of(frame)->rights = slot_of(part)->rights = RIGHT_READ;
    invariants_check();
    *entry(1, AT) |= ENTRY_WRITE;
    expect_panic("assertion inv_leaf_claimed:", invariants_check());
    _Exit(0);
}

/// The debug build sees what a call touched at once, and all else after a while.
TEST(touched_at_once)
{
    prepare();
    world_init->frame.rdi = endpoint;
    invariants_before(world_init);
    invariants_after();
    invariants_before(world_init);
    ENDPOINT->pending = 1;
    link_append(&ENDPOINT->waiters, &world_init->link);
    world_init->state = THREAD_STATE_RECEIVING;
    expect_panic("assertion inv_pending:", invariants_after());
    _Exit(0);
}

TEST(touched_reply)
{
    prepare();
    world_init->frame.rax = SYSCALL_RECV;
    world_init->frame.rdi = endpoint | (uint64_t)reply << 32;
    invariants_before(world_init);
    REPLY->thread = world_init;
    expect_panic("assertion inv_reply_back:", invariants_after());
    _Exit(0);
}

TEST(touched_elsewhere)
{
    prepare();
    uint32_t other = make(KIND_CSPACE, 12);
    expect_ok(kernel(SYSCALL_RETYPE, untyped, KIND_SLOTS, 0, 1, other, 0, 0));
    expect_ok(kernel(SYSCALL_CAP_COPY, other, 5, endpoint, DERIVE_COPY, RIGHT_ALL, 0, 0));
    world_init->frame.rax = SYSCALL_CAP_DELETE;
    world_init->frame.rdi = other;
    world_init->frame.rsi = 5;
    invariants_before(world_init);
    slot_of(endpoint)->depth++;
    ((struct cspace *)slot_of(other)->object)->pages[0][5].depth = 1;
    expect_panic("assertion inv_depth:", invariants_after());
    _Exit(0);
}

TEST(everything_after_a_while)
{
    prepare();
    world_init->frame.rdi = 0;
    cspace_no_page[9].kind = KIND_FRAME;
    for (unsigned i = 1; i < INVARIANTS_INTERVAL; i++) {
        invariants_before(world_init);
        invariants_after();
    }
    invariants_before(world_init);
    expect_panic("assertion inv_no_page:", invariants_after());
    _Exit(0);
}

const struct CMUnitTest invariants_tests[] = {
    cmocka_unit_test(inv_end),
    cmocka_unit_test(inv_offered),
    cmocka_unit_test(inv_next),
    cmocka_unit_test(inv_child),
    cmocka_unit_test(inv_depth),
    cmocka_unit_test(inv_kind),
    cmocka_unit_test(inv_rights),
    cmocka_unit_test(inv_watermark),
    cmocka_unit_test(inv_inside),
    cmocka_unit_test(inv_subframe),
    cmocka_unit_test(inv_disjoint),
    cmocka_unit_test(inv_reply_back),
    cmocka_unit_test(inv_table_claimed),
    cmocka_unit_test(inv_leaf_level),
    cmocka_unit_test(inv_leaf_user),
    cmocka_unit_test(inv_leaf_w_xor_x),
    cmocka_unit_test(inv_leaf_claimed),
    cmocka_unit_test(inv_kernel_half),
    cmocka_unit_test(leaf_with_more_rights),
    cmocka_unit_test(touched_reply),
    cmocka_unit_test(inv_reply_state),
    cmocka_unit_test(inv_queue),
    cmocka_unit_test(inv_queued),
    cmocka_unit_test(inv_met),
    cmocka_unit_test(inv_pending),
    cmocka_unit_test(inv_complete),
    cmocka_unit_test(inv_cspace),
    cmocka_unit_test(inv_top),
    cmocka_unit_test(inv_called),
    cmocka_unit_test(inv_frame),
    cmocka_unit_test(inv_page),
    cmocka_unit_test(inv_slot),
    cmocka_unit_test(inv_dying),
    cmocka_unit_test(inv_ready),
    cmocka_unit_test(inv_no_page),
    cmocka_unit_test(unlink_leaf),
    cmocka_unit_test(untyped_order),
    cmocka_unit_test(delete_leaf),
    cmocka_unit_test(ready_complete),
    cmocka_unit_test(remove_ready),
    cmocka_unit_test(inner_halted),
    cmocka_unit_test(reply_pair),
    cmocka_unit_test(space_ref_alive),
    cmocka_unit_test(space_unref_alive),
    cmocka_unit_test(inv_slot_count),
    cmocka_unit_test(touched_at_once),
    cmocka_unit_test(touched_elsewhere),
    cmocka_unit_test(everything_after_a_while),
};
const size_t invariants_count = sizeof(invariants_tests) / sizeof(invariants_tests[0]);
