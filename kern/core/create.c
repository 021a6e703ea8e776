/// New capabilities and objects.
///
/// Always: all that can fail is checked before anything changes; a new capability has no more
/// rights than what it comes from.
#include <kern/create.h>
#include <kern/ipc.h>
#include <kern/object.h>
#include <kern/sched.h>
#include <kern/space.h>
#include <kern/untyped.h>

#define THREAD_ALIGN 6
#define NODE_ALIGN   6

/// Bytes and alignment of one object, and whether `bits` is legal for its kind.
static enum status measure(const struct retype *what, uint64_t *bytes, unsigned *align)
{
    unsigned low, high;
    switch (what->kind) {
    case KIND_UNTYPED:
        low = UNTYPED_BITS_MIN, high = UNTYPED_BITS_MAX;
        break;
    case KIND_FRAME:
        low = PAGE_BITS, high = 21;
        break;
    case KIND_CSPACE:
        low = PAGE_BITS, high = 19;
        break;
    default:
        low = high = 0;
    }
    CHECK(retype_bits, what->bits >= low && what->bits <= high, E_INVAL);
    *align = what->bits;
    *bytes = 1ul << what->bits;
    if (what->kind == KIND_VSPACE || what->kind == KIND_PAGE_TABLE ||
        what->kind == KIND_SLOTS) {
        *align = PAGE_BITS;
        *bytes = what->kind == KIND_VSPACE ? 2 * ARCH_PAGE_BYTES : ARCH_PAGE_BYTES;
    } else if (!high) {
        *align = NODE_ALIGN;
        *bytes = what->kind == KIND_THREAD     ? THREAD_BYTES
                 : what->kind == KIND_ENDPOINT ? ENDPOINT_BYTES
                                               : REPLY_BYTES;
    }
    return OK;
}

/// Fills `slot` with the capability for an object that has a node, which becomes a child of the
/// untyped.
static void link_object(struct slot *untyped, struct slot *slot, struct slot *node)
{
    slot_add_child(untyped, node);
    slot->kind = node->kind;
    slot->rights = RIGHT_ALL;
    slot->bits = node->bits;
    slot->object = node->object;
    slot_add_child(node, slot);
}

/// Makes one object of zeroed memory (Untyped: as it is) and its capability. Cannot fail.
static void make(struct slot *untyped, uint64_t offset, const struct retype *what,
                 struct slot *slot)
{
    struct phys start = phys(untyped->address + offset);
    bool device = untyped->flags & SLOT_DEVICE;
    uint64_t zeroed = device ? 0 : untyped_zeroed(untyped, offset, 1ul << what->bits);
    switch (what->kind) {
    case KIND_UNTYPED:
        untyped_create(slot, start, what->bits, device, zeroed);
        slot_add_child(untyped, slot);
        return;
    case KIND_FRAME:
    case KIND_PAGE_TABLE:
        slot->kind = (uint8_t)what->kind;
        slot->rights = RIGHT_ALL;
        slot->bits = what->kind == KIND_FRAME ? (uint8_t)what->bits : PAGE_BITS;
        slot->flags = device ? SLOT_DEVICE : 0;
        slot->address = start.at;
        slot_add_child(untyped, slot);
        return;
    case KIND_VSPACE:
        if (space_create(slot, start) != OK)
            kern_panic("no space for a VSpace, although retype had counted");
        slot_add_child(untyped, slot);
        return;
    case KIND_CSPACE:
        link_object(untyped, slot, &cspace_create(arch_pointer(start), what->bits)->node);
        return;
    case KIND_THREAD:
        link_object(untyped, slot, &thread_create(arch_pointer(start))->node);
        return;
    case KIND_ENDPOINT:
        link_object(untyped, slot, &endpoint_create(arch_pointer(start))->node);
        return;
    default:
        link_object(untyped, slot, &reply_create(arch_pointer(start))->node);
    }
}

/// A page of slots for `cspace`, at directory index `what->slot`.
static enum status retype_page(struct slot *untyped, struct cspace *cspace,
                               const struct retype *what)
{
    uint64_t offset;
    CHECK(page_single, what->count == 1, E_INVAL);
    enum status status = cspace_page_free(cspace, what->slot);
    if (status == OK)
        status = untyped_reserve(untyped, ARCH_PAGE_BYTES, PAGE_BITS, true, &offset);
    if (status != OK)
        return status;
    untyped_take(untyped, offset, ARCH_PAGE_BYTES);
    void *memory = arch_pointer(phys(untyped->address + offset));
    slot_add_child(untyped, cspace_add_page(cspace, what->slot, memory));
    return OK;
}

enum status retype(struct slot *untyped, struct cspace *cspace, const struct retype *what)
{
    uint64_t bytes, offset;
    unsigned align;
    bool kind = what->kind >= KIND_UNTYPED && what->kind <= KIND_REPLY;
    CHECK(retype_kind, kind, E_INVAL);
    CHECK(retype_count, what->count >= 1 && what->count <= RETYPE_COUNT, E_INVAL);
    bool device = untyped->flags & SLOT_DEVICE;
    bool raw = what->kind == KIND_UNTYPED || what->kind == KIND_FRAME;
    CHECK(retype_device, !device || raw, E_KIND);
    enum status status = measure(what, &bytes, &align);
    if (status == OK)
        status = slot_derivable(untyped, 2);
    if (status != OK)
        return status;
    if (what->kind == KIND_SLOTS)
        return retype_page(untyped, cspace, what);
    struct slot *slot;
    for (uint32_t i = 0; i < what->count && status == OK; i++)
        status = cspace_find_free(cspace, what->slot + i, &slot);
    if (status != OK)
        return status;
    CHECK(retype_spaces, what->kind != KIND_VSPACE || what->count <= space_free_count(),
          E_NOMEM);
    bool zero = !device && what->kind != KIND_UNTYPED;
    status = untyped_reserve(untyped, bytes * what->count, align, zero, &offset);
    if (status != OK)
        return status;
    // Past this line it cannot fail.
    for (uint32_t i = 0; i < what->count; i++) {
        slot = cspace_slot(cspace, what->slot + i);
        make(untyped, offset + i * bytes, what, slot);
    }
    untyped_take(untyped, offset, bytes * what->count);
    return OK;
}
