/// The kernel's examination of itself: the derivation tree, objects, queues, mappings.
///
/// It states in code what the files' opening comments state in words.
#include <arch/page.h>
#include <kern/claims.h>
#include <kern/invariants.h>
#include <kern/ipc.h>

/// The slot after `slot` in the tree: children first.
static struct slot *following(struct slot *slot)
{
    if (slot->child)
        return slot->child;
    while (slot && !slot->next)
        slot = slot->parent;
    return slot ? slot->next : NULL;
}

/// The memory that a slot speaks for.
static uint64_t bytes_of(const struct slot *slot)
{
    switch (slot->kind) {
    case KIND_THREAD:
        return THREAD_BYTES;
    case KIND_ENDPOINT:
        return ENDPOINT_BYTES;
    case KIND_REPLY:
        return REPLY_BYTES;
    case KIND_SLOTS:
        return ARCH_PAGE_BYTES;
    default:
        return 1ul << slot->bits;
    }
}

static uint64_t start_of(const struct slot *slot)
{
    if (!(slot->flags & SLOT_NODE))
        return slot->address;
    return arch_phys(slot->kind == KIND_SLOTS ? slot : slot->object).at;
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

/// A copy of the capability before it; or an Untyped that is going away, whose own children
/// went before it.
static bool may_overlap(const struct slot *slot)
{
    const struct slot *prev = slot->prev;
    if (slot->kind == KIND_UNTYPED)
        return start_of(prev) >= start_of(slot);
    return prev->kind == slot->kind && start_of(prev) == start_of(slot);
}

/// An untyped's children lie within what it has handed out, highest first; only Frames of the
/// same memory share it.
static void check_untyped(const struct slot *slot)
{
    ASSERT(inv_watermark, slot->watermark <= slot->zeroed && slot->zeroed <= bytes_of(slot));
    uint64_t top = slot->address + slot->watermark;
    uint64_t free = top;     // below all that came before
    uint64_t no_frame = top; // the same without Frames
    for (const struct slot *child = slot->child; child; child = child->next) {
        uint64_t start = start_of(child), end = start + bytes_of(child);
        ASSERT(inv_inside, start >= slot->address && start < top);
        ASSERT(inv_end, end <= top);
        ASSERT(inv_disjoint,
               end <= (child->kind == KIND_FRAME ? no_frame : free) || may_overlap(child));
        free = start < free ? start : free;
        if (child->kind != KIND_FRAME)
            no_frame = free;
    }
}

/// Its leaves are claims.c's.
static void check_frame(const struct slot *slot)
{
    const struct slot *whole = slot->parent;
    if (whole->kind == KIND_FRAME)
        ASSERT(inv_subframe,
               slot->address >= whole->address &&
                   slot->address + bytes_of(slot) <= whole->address + bytes_of(whole));
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
    bool holds = state == THREAD_STATE_RECEIVING || state == THREAD_STATE_FAULTED;
    ASSERT(inv_offered, !holds || !thread->reply || thread->reply->thread == thread);
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

static void check_ready(const struct cpu *cpu, unsigned priority)
{
    const struct link *queue = &cpu->queue[priority];
    check_queue(queue, THREAD_STATE_READY);
    for (const struct link *at = queue->next; at != queue; at = at->next)
        ASSERT(inv_home, container_of(at, struct thread, link)->cpu == cpu);
    ASSERT(inv_ready, link_empty(queue) == !(cpu->ready >> priority & 1));
}

static void check_scheduler(const struct cpu *cpu)
{
    for (unsigned i = 0; i < PRIORITIES; i++)
        check_ready(cpu, i);
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
        if (slot->kind == KIND_FRAME || slot->kind == KIND_PAGE_TABLE)
            claims_mark(slot);
    }
    claims_check();
    for (unsigned i = 0; i < SLOTS_PER_PAGE; i++)
        ASSERT(inv_no_page, cspace_no_page[i].kind == KIND_NONE);
    for (uint32_t i = 0; i < cpu_count; i++)
        check_scheduler(&kern_cpus[i]);
    ASSERT(inv_slot_count, slot_count == seen);
    return seen;
}

// ---------------------------------------------------------------- the debug build

#define ARGUMENTS 6
/// Up to which argument a call's may be handles or slots, where it is not only the first.
static const uint8_t handles[SYSCALL_COUNT] = {
    [SYSCALL_RETYPE] = 6,     [SYSCALL_CAP_COPY] = 3,         [SYSCALL_CAP_MOVE] = 3,
    [SYSCALL_CAP_DELETE] = 2, [SYSCALL_CAP_REVOKE] = 2,       [SYSCALL_CAP_IDENTIFY] = 2,
    [SYSCALL_MAP] = 2,        [SYSCALL_THREAD_CONFIGURE] = 6, [SYSCALL_IRQ_CONTROL] = 4,
};

/// What the running system call of each CPU names.
static struct touched {
    const struct cspace *cspace; ///< null: nothing
    uint64_t words[ARGUMENTS];
    uint32_t count; ///< of the words that may be handles
    uint32_t calls; ///< since everything was examined
} touched[ARCH_CPUS_MAX];

void invariants_before(const struct thread *self)
{
    const struct arch_frame *f = &self->frame;
    struct touched *t = &touched[arch_cpu()->arch.number];
    t->cspace = self->cspace;
    uint64_t number = arch_frame_number(f);
    t->count = number < SYSCALL_COUNT && handles[number] ? handles[number] : 1;
    t->words[0] = arch_frame_argument(f, 0);
    for (unsigned i = 1; i < t->count; i++)
        t->words[i] = arch_frame_argument(f, i);
}

/// A capability, its place in the tree, and its object.
static void check_slot(const struct slot *slot)
{
    check_links(slot);
    if (slot->parent->parent) // else it is the root
        check_links(slot->parent);
    if (slot->prev)
        check_links(slot->prev);
    if (slot->kind == KIND_UNTYPED)
        check_untyped(slot);
    else if (slot->kind == KIND_FRAME)
        check_frame(slot);
    else if (slot->kind == KIND_THREAD)
        check_thread(slot->object);
    else if (slot->kind == KIND_ENDPOINT)
        check_endpoint(slot->object);
    else if (slot->kind == KIND_REPLY)
        check_reply(slot->object);
}

static inline const struct slot *named(const struct cspace *cspace, uint64_t word)
{
    const struct slot *slot = (uint32_t)word ? cspace_slot(cspace, (uint32_t)word) : NULL;
    return slot && slot->kind != KIND_NONE && !(slot->flags & SLOT_NODE) ? slot : NULL;
}

/// What the arguments name: each may be a handle, the first one two, or a slot of another
/// CSpace that is among them.
static void check_named(const struct cspace *cspace, const struct touched *t)
{
    const struct slot *second = named(cspace, t->words[0] >> 32);
    if (second)
        check_slot(second);
    for (unsigned i = 0; i < t->count; i++) {
        const struct slot *slot = named(cspace, t->words[i]);
        if (slot)
            check_slot(slot);
        for (unsigned n = 0; slot && slot->kind == KIND_CSPACE && n < t->count; n++) {
            const struct slot *other = named(slot->object, t->words[n]);
            if (other)
                check_slot(other);
        }
    }
}

void invariants_after(void)
{
    struct cpu *cpu = arch_cpu();
    struct touched *t = &touched[cpu->arch.number];
    const struct cspace *cspace = t->cspace;
    if (!cspace)
        return;
    t->cspace = NULL;
    check_named(cspace, t);
    if (cpu_thread(cpu) != &cpu->idle)
        check_thread(cpu_thread(cpu));
    check_ready(cpu, cpu_thread(cpu)->priority);
    if (++t->calls < INVARIANTS_INTERVAL)
        return;
    t->calls = 0;
    (void)invariants_check();
}
