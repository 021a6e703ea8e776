/// The end of capabilities and objects.
///
/// Deleting a capability is quick; what hangs on an object (waiters, slots) is worked off in
/// bounded steps. An object whose last capability went is in the graveyard, where its node
/// keeps its memory from being used again, until it is buried: by whoever deletes or revokes
/// next, or by the timer tick. Nothing here recurses: a burial that ends another object's last
/// capability puts that object on top of the graveyard.
#include <kern/delete.h>
#include <kern/ipc.h>
#include <kern/lines.h>
#include <kern/object.h>
#include <kern/sched.h>
#include <kern/space.h>

/// Ends a capability without children and empties its slot.
static void end(struct slot *slot)
{
    ASSERT(delete_leaf, !slot->child && !(slot->flags & SLOT_NODE));
    uint8_t inner = 0;
    if (slot->flags & SLOT_INNER) { // first, since the thread may be running on it
        struct thread *thread = thread_of_inner(slot);
        inner = slot->inner;
        wait_end(arch_cpu(), thread, E_INTR);
        thread_inner_lost(thread, (enum thread_inner)inner);
    }
    if (slot->kind == KIND_FRAME || slot->kind == KIND_PAGE_TABLE)
        space_unmap(slot);
    else if (slot->kind == KIND_VSPACE)
        space_unref(slot);
    if (slot->flags & SLOT_LINE)
        line_signal_lost(slot);
    struct slot *parent = slot->parent;
    slot_unlink(slot);
    slot_clear(slot);
    slot->inner = inner;
    if ((parent->flags & SLOT_NODE) && !parent->child)
        object_die(parent);
}

void delete_slot(struct slot *slot)
{
    struct slot *bound;
    while (slot->kind == KIND_IRQ && (bound = line_bound_through(slot)))
        end(bound);
    end(slot);
}

/// Takes from the budget what deleting `slot` costs: a large Frame has many pages to unmap.
static void spend(unsigned *budget, const struct slot *slot)
{
    unsigned cost = slot->kind == KIND_FRAME && slot->space ? 1 + (1u << slot->bits >> 16) : 1;
    *budget = cost < *budget ? *budget - cost : 0;
}

/// Empties a slot whose holder is going away: its children go to its parent first, one for each
/// unit of the budget. True: it is empty.
static bool evict(struct slot *slot, unsigned *budget)
{
    while (slot->child) {
        if (!*budget)
            return false;
        --*budget;
        slot_lift_child(slot);
    }
    if (slot->kind != KIND_NONE)
        delete_slot(slot);
    return true;
}

static bool bury_thread(struct cpu *cpu, struct thread *thread, unsigned *budget)
{
    wait_end(cpu, thread, E_DEAD);
    sched_save_fpu(cpu, thread);
    for (unsigned i = 0; i < INNER_COUNT; i++)
        if (!evict(&thread->inner[i], budget))
            return false;
    return true;
}

/// A page of slots: from slot 1 on, slot 0 is the node.
static bool bury_page(struct slot *page, unsigned *budget)
{
    for (unsigned i = 1; i < SLOTS_PER_PAGE; i++) {
        if (page[i].kind == KIND_NONE)
            continue;
        if (!*budget)
            return false;
        spend(budget, &page[i]);
        if (!evict(&page[i], budget))
            return false;
    }
    return true;
}

/// A CSpace: its pages become corpses of their own. They name it, so it goes last, and the
/// graveyard is last in, first out.
static bool bury_cspace(struct cspace *cspace, unsigned *budget)
{
    while (cspace->limit) {
        if (!*budget)
            return false;
        --*budget;
        cspace->limit -= SLOTS_PER_PAGE;
        struct slot *page = cspace->pages[cspace->limit / SLOTS_PER_PAGE];
        if (page != cspace_no_page)
            cspace_detach_page(page);
    }
    return true;
}

/// Works on one corpse. True: nothing is left of it but its node.
static bool bury(struct cpu *cpu, struct slot *node, unsigned *budget)
{
    switch (node->kind) {
    case KIND_THREAD:
        return bury_thread(cpu, node->object, budget);
    case KIND_ENDPOINT:
        return endpoint_drain(cpu, node->object, true, budget);
    case KIND_REPLY:
        reply_release(cpu, node->object);
        return true;
    case KIND_CSPACE:
        return bury_cspace(node->object, budget);
    case KIND_SLOTS:
        return bury_page(node, budget);
    default:
        kern_panic("a corpse of kind %u", node->kind);
    }
}

bool delete_bury(struct cpu *cpu, unsigned *budget)
{
    while (graveyard) {
        struct slot *node = graveyard;
        if (!*budget)
            return false;
        --*budget;
        if (!bury(cpu, node, budget))
            continue; // out of budget, or others died and go first
        if (graveyard != node)
            continue;
        graveyard = node->dead_next;
        slot_unlink(node);
        slot_clear(node);
    }
    return true;
}

enum status delete_revoke(struct cpu *cpu, struct slot *slot)
{
    unsigned budget = DELETE_BUDGET;
    uint8_t kind = slot->kind;
    slot->flags |= SLOT_REVOKING;
    while (delete_bury(cpu, &budget) && budget && slot->kind == kind && slot->child) {
        struct slot *leaf = slot_leaf(slot);
        spend(&budget, leaf);
        if (leaf->kind == KIND_SLOTS)
            cspace_detach_page(leaf);
        else
            delete_slot(leaf);
    }
    if (slot->kind != kind) // it was among what its own revocation deleted
        return OK;
    bool owner = kind == KIND_ENDPOINT && !slot->badge && (slot->rights & RIGHT_RECEIVE);
    if (graveyard || slot->child ||
        (owner && !endpoint_drain(cpu, slot->object, false, &budget)))
        return E_MORE;
    slot->flags &= (uint8_t)~SLOT_REVOKING;
    return OK;
}
