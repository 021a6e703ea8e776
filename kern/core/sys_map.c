/// System calls map and unmap.
#include <kern/space.h>
#include <kern/syscall.h>

/// A Frame or PageTable.
static enum status find_mappable(struct thread *self, struct slot **found)
{
    struct slot *slot;
    enum status status = cspace_find_any(self->cspace, (uint32_t)argument(self, 0), &slot);
    if (status != OK)
        return status;
    CHECK(mappable_kind, slot->kind == KIND_FRAME || slot->kind == KIND_PAGE_TABLE, E_KIND);
    *found = slot;
    return OK;
}

/// map without its result.
static enum status map(struct thread *self, uint64_t *missing)
{
    struct slot *slot, *vspace;
    struct user address = user(argument(self, 2));
    enum status status = find_mappable(self, &slot);
    if (status == OK)
        status = cspace_find(self->cspace, (uint32_t)argument(self, 1), KIND_VSPACE,
                             RIGHT_CONTROL, &vspace);
    if (status != OK)
        return status;
    if (slot->kind == KIND_PAGE_TABLE)
        return space_map_table(slot, vspace, address);
    return space_map_frame(slot, vspace, address, argument(self, 3), missing);
}

enum status sys_map(struct cpu *cpu, struct thread *self)
{
    uint64_t missing = 0;
    (void)cpu;
    enum status status = map(self, &missing);
    result(self, 0, missing);
    return status;
}

enum status sys_unmap(struct cpu *cpu, struct thread *self)
{
    struct slot *slot;
    (void)cpu;
    enum status status = find_mappable(self, &slot);
    if (status == OK)
        space_unmap(slot);
    return status;
}
