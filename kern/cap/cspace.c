/// CSpaces: from handles to slots.
///
/// Always: pages[0 .. limit / 64) are pages of slots or cspace_no_page, which stays empty.
#include <kern/cspace.h>
#include <kern/object.h>

struct slot cspace_no_page[SLOTS_PER_PAGE];
struct cspace cspace_none;

struct cspace *cspace_create(void *memory, unsigned bits)
{
    struct cspace *cspace = memory;
    object_init(&cspace->node, KIND_CSPACE, cspace);
    cspace->node.bits = (uint8_t)bits;
    cspace->max_pages = ((1u << bits) - sizeof(struct cspace)) / sizeof(struct slot *);
    return cspace;
}

enum status cspace_page_free(const struct cspace *cspace, uint32_t index)
{
    uint32_t pages = cspace->limit / SLOTS_PER_PAGE;
    CHECK(page_index, index <= pages && index < cspace->max_pages, E_INVAL);
    CHECK(page_occupied, index == pages || cspace->pages[index] == cspace_no_page, E_EXIST);
    return OK;
}

struct slot *cspace_add_page(struct cspace *cspace, uint32_t index, void *memory)
{
    struct slot *node = memory;
    object_init(node, KIND_SLOTS, cspace);
    node->index = index;
    cspace->pages[index] = node;
    if (index == cspace->limit / SLOTS_PER_PAGE)
        cspace->limit += SLOTS_PER_PAGE;
    return node;
}

void cspace_detach_page(struct slot *node)
{
    struct cspace *cspace = node->object;
    cspace->pages[node->index] = cspace_no_page;
    object_die(node);
}

enum status cspace_explain(const struct cspace *cspace, uint32_t handle, unsigned kind,
                           unsigned rights)
{
    struct slot *slot;
    enum status status = cspace_find_any(cspace, handle, &slot);
    if (status != OK)
        return status;
    CHECK(find_kind, slot->kind == kind, E_KIND);
    CHECK(find_rights, (slot->rights & rights) == rights, E_RIGHTS);
    return OK;
}

enum status cspace_find_any(const struct cspace *cspace, uint32_t handle, struct slot **found)
{
    struct slot *slot = cspace_slot(cspace, handle);
    CHECK(find_handle, slot && slot->kind != KIND_NONE, E_HANDLE);
    CHECK(find_node, !(slot->flags & SLOT_NODE), E_HANDLE);
    *found = slot;
    return OK;
}

enum status cspace_find_free(const struct cspace *cspace, uint32_t handle, struct slot **found)
{
    struct slot *slot = cspace_slot(cspace, handle);
    bool page = slot && slot - handle % SLOTS_PER_PAGE != cspace_no_page;
    CHECK(free_limit, page, E_INVAL);
    CHECK(free_occupied, slot->kind == KIND_NONE, E_EXIST);
    *found = slot;
    return OK;
}
