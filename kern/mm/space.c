/// The table of address spaces.
///
/// Always: an entry in use has `refs` > 0, and its id names it until refs is 0; then the
/// generation grows, and no mapping that remembers the old id is believed any more.
#include <kern/cpu.h>
#include <kern/space.h>

#define INDEX_BITS 16

static struct space {
    uint64_t generation;
    struct phys top;
    uint32_t refs; ///< 0: free
    uint32_t next; ///< in the list of entries that were freed
} spaces[SPACES_MAX];
/// Entry 0 is never used, so that no id is 0 and 0 ends the list.
static uint32_t spaces_used = 1, spaces_freed;
static uint32_t spaces_free = SPACES_MAX - 1;

uint32_t space_free_count(void)
{
    return spaces_free;
}

enum status space_create(struct slot *slot, struct phys top)
{
    CHECK(space_room, spaces_free, E_NOMEM);
    spaces_free--;
    uint32_t index = spaces_freed;
    if (index)
        spaces_freed = spaces[index].next;
    else
        index = spaces_used++;
    spaces[index].top = top;
    spaces[index].refs = 1;
    arch_space_init(top);
    slot->kind = KIND_VSPACE;
    slot->rights = RIGHT_ALL;
    slot->bits = PAGE_BITS + 1;
    slot->address = top.at;
    slot->space = spaces[index].generation << INDEX_BITS | index;
    return OK;
}

static struct space *space_of(uint64_t id)
{
    struct space *space = &spaces[id & ((1u << INDEX_BITS) - 1)];
    return space->refs && space->generation == id >> INDEX_BITS ? space : NULL;
}

bool space_top(uint64_t id, struct phys *top)
{
    struct space *space = space_of(id);
    if (!space)
        return false;
    *top = space->top;
    return true;
}

bool space_used(uint32_t index, struct phys *top)
{
    *top = spaces[index].top;
    return index < spaces_used && spaces[index].refs;
}

void space_ref(const struct slot *slot)
{
    struct space *space = space_of(slot->space);
    ASSERT(space_ref_alive, space);
    space->refs++;
}

void space_unref(const struct slot *slot)
{
    struct space *space = space_of(slot->space);
    ASSERT(space_unref_alive, space);
    if (--space->refs)
        return;
    struct cpu *cpu = arch_cpu();
    if (cpu->top.at == space->top.at) { // its pages may be used again: get off them
        cpu->top = arch_space_kernel();
        arch_space_switch(cpu->top);
    }
    for (uint32_t i = 0; i < cpu_count; i++) // elsewhere only running threads' are loaded
        ASSERT(space_left, kern_cpus[i].top.at != space->top.at);
    space->generation++;
    space->next = spaces_freed;
    spaces_freed = (uint32_t)(space - spaces);
    spaces_free++;
}
