/// Derivation: copies, minted endpoints, parts of ranges.
///
/// Always: rights never grow; a minted capability is for calls or for signals, never both.
#include <kern/create.h>
#include <kern/ipc.h>
#include <kern/sched.h>
#include <kern/space.h>

/// What a copy shares with its source: all but the mapping, and places in trees.
static void fill(struct slot *to, const struct slot *from, unsigned rights)
{
    to->kind = from->kind;
    to->rights = from->rights & (uint8_t)rights;
    to->bits = from->bits;
    to->flags |= from->flags & SLOT_DEVICE;
    to->object = from->object;
    if (from->kind == KIND_FRAME)
        return;
    to->badge = from->badge; // or count
    to->space = from->space; // of a VSpace
    if (from->kind == KIND_VSPACE)
        space_ref(from);
}

enum status derive_copy(struct slot *to, struct slot *from, unsigned rights)
{
    bool single =
        from->kind == KIND_UNTYPED || from->kind == KIND_PAGE_TABLE || from->kind == KIND_REPLY;
    CHECK(copy_single, !single, E_KIND);
    enum status status = slot_derivable(from, 0);
    if (status != OK)
        return status;
    fill(to, from, rights);
    slot_add_sibling(from, to);
    return OK;
}

enum status derive_mint(struct slot *to, struct slot *from, enum derive how, uint64_t a,
                        uint64_t b)
{
    CHECK(mint_kind, from->kind == KIND_ENDPOINT, E_KIND);
    CHECK(mint_unbadged, !from->badge, E_RIGHTS);
    CHECK(mint_badge, a && !(a & SIGNAL_KERNEL), E_INVAL);
    unsigned rights = how == DERIVE_SIGNAL ? RIGHT_SIGNAL : RIGHT_CALL;
    CHECK(mint_rights, from->rights & rights, E_RIGHTS);
    if (how == DERIVE_CALL && b == 1) {
        CHECK(mint_grant, from->rights & RIGHT_GRANT, E_RIGHTS);
        rights |= RIGHT_GRANT;
    }
    enum status status = slot_derivable(from, 1);
    if (status != OK)
        return status;
    fill(to, from, rights);
    to->badge = a;
    slot_add_child(from, to);
    return OK;
}

enum status derive_range(struct slot *to, struct slot *from, uint64_t a, uint64_t b)
{
    enum status status = slot_derivable(from, 1);
    if (status != OK)
        return status;
    if (from->kind == KIND_FRAME) {
        CHECK(range_bits, b >= PAGE_BITS && b <= from->bits, E_INVAL);
        uint64_t size = 1ul << from->bits, part = 1ul << b;
        CHECK(range_frame, !(a & (part - 1)) && a <= size - part, E_INVAL);
        fill(to, from, RIGHT_ALL);
        to->address = from->address + a;
        to->bits = (uint8_t)b;
    } else {
        CHECK(range_kind, from->kind == KIND_IRQ || from->kind == KIND_IOPORT, E_KIND);
        CHECK(range_start, a >= from->address && a - from->address < from->count, E_INVAL);
        CHECK(range_end, b && b <= from->count - (a - from->address), E_INVAL);
        fill(to, from, RIGHT_ALL);
        to->address = a;
        to->count = b;
    }
    slot_add_child(from, to);
    return OK;
}

enum status derive_inner(struct thread *thread, enum thread_inner inner, struct slot *from)
{
    struct slot *to = &thread->inner[inner];
    enum status status = derive_copy(to, from, RIGHT_ALL);
    if (status != OK)
        return status;
    to->flags |= SLOT_INNER;
    thread_inner_gained(thread, inner);
    return OK;
}
