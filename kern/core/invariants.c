/// The kernel's examination of itself: the derivation tree, objects, queues, mappings.
///
/// It states in code what the files' opening comments state in words.
#include <kern/invariants.h>
#include <kern/ipc.h>
#include <kern/space.h>

/// The slot after `slot` in the tree: children first.
static struct slot *following(struct slot *slot)
{
    if (slot->child)
        return slot->child;
    while (slot && !slot->next)
        slot = slot->parent;
    return slot ? slot->next : NULL;
}

static uint64_t bytes_of(const struct slot *slot)
{
    return 1ul << slot->bits;
}

/// Where the memory that a slot speaks for begins.
static uint64_t start_of(const struct slot *slot)
{
    return slot->flags & SLOT_NODE ? arch_phys(slot).at : slot->address;
}

static void check_links(const struct slot *slot)
{
    const struct slot *parent = slot->parent;
    ASSERT(inv_next, !slot->next || (slot->next->prev == slot && slot->next->parent == parent));
    ASSERT(inv_child, !slot->child || (slot->child->parent == slot && !slot->child->prev));
    ASSERT(inv_depth, slot->depth > parent->depth && slot->depth <= DERIVATION_DEPTH);
    ASSERT(inv_kind, slot->kind != KIND_NONE && slot->kind <= KIND_DEBUG);
    bool same = slot->kind == parent->kind && !(parent->flags & SLOT_NODE);
    ASSERT(inv_rights, !same || !(slot->rights & ~parent->rights));
}

static void check_untyped(const struct slot *slot)
{
    ASSERT(inv_watermark, slot->watermark <= slot->zeroed && slot->zeroed <= bytes_of(slot));
    for (const struct slot *child = slot->child; child; child = child->next) {
        uint64_t start = start_of(child);
        ASSERT(inv_inside, start >= slot->address && start < slot->address + slot->watermark);
    }
}

/// A Frame's leaf is there, or was taken away with its table; what is there is the Frame's.
static void check_frame(const struct slot *slot)
{
    struct phys table;
    if (slot->parent->kind == KIND_FRAME)
        ASSERT(inv_subframe, slot->address >= slot->parent->address &&
                                 slot->address + bytes_of(slot) <=
                                     slot->parent->address + bytes_of(slot->parent));
    if (!slot->space || !space_top(slot->space, &table))
        return;
    unsigned bottom = slot->bits >= arch_level_bits(ARCH_LEVEL_LARGE) ? ARCH_LEVEL_LARGE : 1;
    for (unsigned level = ARCH_LEVEL_TOP; level >= bottom; level--) {
        uint64_t entry = *arch_entry(table, level, user(slot->mapped));
        if (!arch_entry_present(entry))
            return;
        table = arch_entry_target(entry);
    }
    ASSERT(inv_leaf, table.at == slot->address);
}

static void check_reply(const struct reply *reply)
{
    const struct thread *thread = reply->thread;
    if (!thread)
        return;
    enum thread_state state = thread_state(thread);
    ASSERT(inv_reply_back, thread->reply == reply);
    ASSERT(inv_reply_state, state == THREAD_STATE_RECEIVING || state == THREAD_STATE_CALLING ||
                                state == THREAD_STATE_FAULTED);
}

static void check_queue(const struct link *queue, enum thread_state state)
{
    for (const struct link *at = queue->next; at != queue; at = at->next) {
        ASSERT(inv_queue, at->next->prev == at);
        ASSERT(inv_queued, container_of(at, struct thread, link)->state == (uint32_t)state);
    }
}

static void check_endpoint(const struct endpoint *endpoint)
{
    check_queue(&endpoint->senders, THREAD_STATE_SENDING);
    check_queue(&endpoint->receivers, THREAD_STATE_RECEIVING);
    check_queue(&endpoint->waiters, THREAD_STATE_RECEIVING);
    ASSERT(inv_met, link_empty(&endpoint->senders) || link_empty(&endpoint->receivers));
    ASSERT(inv_pending, !endpoint->pending || (link_empty(&endpoint->receivers) &&
                                               link_empty(&endpoint->waiters)));
}

static void check_thread(const struct thread *thread)
{
    enum thread_state state = thread_state(thread);
    const struct slot *inner = thread->inner;
    ASSERT(inv_complete, state == THREAD_STATE_INACTIVE || thread_complete(thread));
    ASSERT(inv_cspace, thread->cspace == (inner[INNER_CSPACE].kind ? inner[INNER_CSPACE].object
                                                                   : &cspace_none));
    ASSERT(inv_top,
           thread->top.at == (inner[INNER_VSPACE].kind ? inner[INNER_VSPACE].address : 0));
    ASSERT(inv_called, state != THREAD_STATE_CALLING || thread->reply->thread == thread);
    bool runs = state == THREAD_STATE_RUNNING;
    ASSERT(inv_runs, !runs || cpu_thread(thread->cpu) == thread);
    ASSERT(inv_faulting, runs || !thread->faulting);
    // Another CPU's running thread may be half-way in.
    ASSERT(inv_frame, (runs && thread->cpu != arch_cpu()) || arch_frame_valid(&thread->frame));
}

static void check_page(const struct slot *page)
{
    const struct cspace *cspace = page->object;
    bool dying = page->flags & SLOT_DYING;
    ASSERT(inv_page, dying || cspace->pages[page->index] == page);
    for (unsigned i = 1; i < SLOTS_PER_PAGE; i++)
        ASSERT(inv_slot, page[i].kind != KIND_NONE
                             ? page[i].parent != NULL && !(page[i].flags & SLOT_NODE)
                             : !page[i].child && !page[i].parent);
}

static void check_node(const struct slot *slot)
{
    bool dying = slot->flags & SLOT_DYING;
    ASSERT(inv_dying, slot->kind == KIND_SLOTS || dying == !slot->child);
    if (slot->kind == KIND_SLOTS)
        check_page(slot);
    else if (slot->kind == KIND_THREAD)
        check_thread(slot->object);
    else if (slot->kind == KIND_ENDPOINT)
        check_endpoint(slot->object);
    else if (slot->kind == KIND_REPLY)
        check_reply(slot->object);
}

static void check_scheduler(const struct cpu *cpu)
{
    for (unsigned i = 0; i < PRIORITIES; i++) {
        check_queue(&cpu->queue[i], THREAD_STATE_READY);
        for (const struct link *at = cpu->queue[i].next; at != &cpu->queue[i]; at = at->next)
            ASSERT(inv_home, container_of(at, struct thread, link)->cpu == cpu);
        ASSERT(inv_ready, link_empty(&cpu->queue[i]) == !(cpu->ready >> i & 1));
    }
    const struct thread *self = cpu_thread(cpu);
    ASSERT(inv_work, !cpu->work);
    ASSERT(inv_space, self->state == THREAD_STATE_RUNNING ? cpu->top.at == self->top.at
                      : cpu != arch_cpu() ? cpu->top.at == arch_space_kernel().at
                                          : true);
}

uint64_t invariants_check(void)
{
    uint64_t seen = 0;
    for (struct slot *slot = following(&slot_root); slot; slot = following(slot)) {
        seen++;
        check_links(slot);
        if (slot->flags & SLOT_NODE)
            check_node(slot);
        else if (slot->kind == KIND_UNTYPED)
            check_untyped(slot);
        else if (slot->kind == KIND_FRAME)
            check_frame(slot);
    }
    for (unsigned i = 0; i < SLOTS_PER_PAGE; i++)
        ASSERT(inv_no_page, cspace_no_page[i].kind == KIND_NONE);
    for (uint32_t i = 0; i < cpu_count; i++)
        check_scheduler(&kern_cpus[i]);
    return seen;
}
