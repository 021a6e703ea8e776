/// CSpaces: handles to slots. Used by every system call.
///
/// The object is a directory: this header, then pointers to pages of 64 slots. A handle is
/// index-of-page * 64 + index-in-page. Slot 0 of each page is the page's own node, so handles
/// that are multiples of 64 name nothing.
#pragma once

#include <kern/slot.h>

struct cspace {
    struct slot node;
    uint32_t limit;     ///< handles from here on name nothing; a multiple of 64
    uint32_t max_pages; ///< entries that the directory has room for
    uint64_t unused[7];
    struct slot *pages[]; ///< limit / 64 of them; absent ones are cspace_no_page
};
_Static_assert(sizeof(struct cspace) == 128, "16 directory entries' worth");

/// Empty slots that stay empty: stands for a page that was taken back.
extern struct slot cspace_no_page[SLOTS_PER_PAGE];
/// A CSpace without slots, for threads that have none.
extern struct cspace cspace_none;

/// Makes a CSpace of 2^bits zeroed bytes at `memory`; the node is not in the tree yet.
struct cspace *cspace_create(void *memory, unsigned bits);

/// Whether page `index` can be donated: E_INVAL unless it is the next one or was taken back,
/// E_EXIST.
must_use enum status cspace_page_free(const struct cspace *cspace, uint32_t index);

/// Enters a zeroed page that cspace_page_free() allowed; returns the page's node, which is in
/// no tree yet.
struct slot *cspace_add_page(struct cspace *cspace, uint32_t index, void *memory);

/// Takes a page out of its CSpace: no handle reaches its slots any more.
void cspace_detach_page(struct slot *node);

/// The slot at a handle, perhaps empty; null beyond the limit. Slot 0 of a page is a node,
/// whose flags and rights make every use of it fail.
static inline struct slot *cspace_slot(const struct cspace *cspace, uint32_t handle)
{
    if (unlikely(handle >= cspace->limit))
        return NULL;
    return &cspace->pages[handle / SLOTS_PER_PAGE][handle % SLOTS_PER_PAGE];
}

/// What is wrong with a handle that cspace_find() does not like.
must_use enum status cspace_explain(const struct cspace *cspace, uint32_t handle, unsigned kind,
                                    unsigned rights);

/// The capability of kind `kind` with all of `rights` at `handle`.
/// E_HANDLE, E_KIND, E_RIGHTS.
must_use static inline enum status cspace_find(const struct cspace *cspace, uint32_t handle,
                                               unsigned kind, unsigned rights,
                                               struct slot **found)
{
    struct slot *slot = cspace_slot(cspace, handle);
    if (unlikely(!slot || slot->kind != kind || (slot->rights & rights) != rights)) {
        enum status status = cspace_explain(cspace, handle, kind, rights);
        if (status != OK)
            return status;
    }
    *found = slot;
    return OK;
}

/// Any capability: E_HANDLE.
must_use enum status cspace_find_any(const struct cspace *cspace, uint32_t handle,
                                     struct slot **found);

/// An empty slot for a new capability: E_INVAL beyond the limit, E_EXIST.
must_use enum status cspace_find_free(const struct cspace *cspace, uint32_t handle,
                                      struct slot **found);
