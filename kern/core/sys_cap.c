/// System calls on capabilities: retype, cap_copy, cap_move, cap_delete, cap_revoke,
/// cap_identify.
#include <kern/create.h>
#include <kern/delete.h>
#include <kern/lines.h>
#include <kern/object.h>
#include <kern/syscall.h>

enum status syscall_cspace(struct thread *self, uint32_t handle, struct cspace **found)
{
    struct slot *slot;
    if (handle == HANDLE_NULL) {
        *found = self->cspace;
        return OK;
    }
    enum status status = cspace_find(self->cspace, handle, KIND_CSPACE, RIGHT_CONTROL, &slot);
    if (status == OK)
        *found = slot->object;
    return status;
}

/// The empty slot at (cspace, slot).
static enum status target(struct thread *self, uint64_t cspace, uint64_t handle,
                          struct slot **found)
{
    struct cspace *space;
    enum status status = syscall_cspace(self, (uint32_t)cspace, &space);
    return status == OK ? cspace_find_free(space, (uint32_t)handle, found) : status;
}

enum status sys_retype(struct cpu *cpu, struct thread *self)
{
    struct slot *untyped;
    struct cspace *cspace;
    struct retype what = {
        .kind = (uint32_t)argument(self, 1),
        .bits = (uint32_t)argument(self, 2),
        .count = (uint32_t)argument(self, 3),
        .slot = (uint32_t)argument(self, 5),
    };
    (void)cpu;
    enum status status = cspace_find(self->cspace, (uint32_t)argument(self, 0), KIND_UNTYPED,
                                     RIGHT_CONTROL, &untyped);
    if (status == OK)
        status = syscall_cspace(self, (uint32_t)argument(self, 4), &cspace);
    return status == OK ? retype(untyped, cspace, &what) : status;
}

enum status sys_cap_copy(struct cpu *cpu, struct thread *self)
{
    struct slot *to, *from;
    uint64_t how = argument(self, 3), a = argument(self, 4), b = argument(self, 5);
    (void)cpu;
    enum status status = target(self, argument(self, 0), argument(self, 1), &to);
    if (status == OK)
        status = cspace_find_any(self->cspace, (uint32_t)argument(self, 2), &from);
    if (status != OK)
        return status;
    switch (how) {
    case DERIVE_COPY:
        return derive_copy(to, from, (unsigned)a);
    case DERIVE_CALL:
    case DERIVE_SIGNAL:
        return derive_mint(to, from, (enum derive)how, a, b);
    case DERIVE_RANGE:
        return derive_range(to, from, a, b);
    default:
        return E_INVAL;
    }
}

enum status sys_cap_move(struct cpu *cpu, struct thread *self)
{
    struct slot *to, *from;
    (void)cpu;
    enum status status = target(self, argument(self, 0), argument(self, 1), &to);
    if (status == OK)
        status = cspace_find_any(self->cspace, (uint32_t)argument(self, 2), &from);
    if (status == OK)
        status = slot_move(to, from);
    if (status == OK && to->kind == KIND_IRQ)
        line_owner_moved(from, to);
    return status;
}

enum status sys_cap_delete(struct cpu *cpu, struct thread *self)
{
    struct cspace *cspace;
    unsigned budget = DELETE_BUDGET;
    uint32_t handle = (uint32_t)argument(self, 1);
    enum status status = syscall_cspace(self, (uint32_t)argument(self, 0), &cspace);
    if (status != OK)
        return status;
    struct slot *slot = cspace_slot(cspace, handle);
    CHECK(delete_handle, slot && !(slot->flags & SLOT_NODE), E_HANDLE);
    // An empty slot is what a later step of the same deletion finds.
    if (slot->kind != KIND_NONE) {
        CHECK(delete_children, !slot->child, E_BUSY);
        delete_slot(slot);
    } else if (!graveyard) {
        return E_HANDLE;
    }
    return delete_bury(cpu, &budget) ? OK : E_MORE;
}

enum status sys_cap_revoke(struct cpu *cpu, struct thread *self)
{
    struct cspace *cspace;
    struct slot *slot;
    enum status status = syscall_cspace(self, (uint32_t)argument(self, 0), &cspace);
    if (status == OK)
        status = cspace_find_any(cspace, (uint32_t)argument(self, 1), &slot);
    return status == OK ? delete_revoke(cpu, slot) : status;
}

enum status sys_cap_identify(struct cpu *cpu, struct thread *self)
{
    struct slot *slot, *authority;
    uint64_t value = 0, size = 0;
    (void)cpu;
    enum status status = cspace_find_any(self->cspace, (uint32_t)argument(self, 0), &slot);
    if (status != OK)
        return status;
    switch (slot->kind) {
    case KIND_ENDPOINT:
        status = cspace_find(self->cspace, (uint32_t)argument(self, 1), KIND_ENDPOINT,
                             RIGHT_RECEIVE, &authority);
        CHECK(identify_authority,
              status == OK && !authority->badge && authority->object == slot->object, E_RIGHTS);
        value = slot->badge;
        break;
    case KIND_FRAME:
    case KIND_UNTYPED:
        value = slot->address;
        size = slot->bits;
        break;
    case KIND_IRQ:
    case KIND_IOPORT:
        value = slot->address;
        size = slot->count;
        break;
    default:
        size = slot->bits;
    }
    result(self, 0, slot->kind);
    result(self, 1, value);
    result(self, 2, size);
    return OK;
}
