/// Address spaces: VSpace capabilities, page tables and mappings. Used by map, unmap, delete,
/// thread_configure and start-up.
///
/// A space has an id, (generation << 16 | index) into one table, never used twice. A Frame or
/// PageTable capability remembers its mapping as (id, address), so a mapping of a space that is
/// gone is known to be gone. Page tables hold no user-visible state: a leaf exists only through
/// a Frame capability that remembers it.
#pragma once

#include <arch/page.h>
#include <kern/slot.h>

/// Address spaces at a time.
#define SPACES_MAX 2048

/// Enters the VSpace of two zeroed pages at `top` into the table and fills `slot` with its
/// capability. E_NOMEM: too many spaces.
must_use enum status space_create(struct slot *slot, struct phys top);

/// How many more spaces there can be.
uint32_t space_free_count(void);

/// One more, one less capability names the space of `slot`. The last one ends it.
void space_ref(const struct slot *slot);
void space_unref(const struct slot *slot);

/// The top table of space `id`; false: it is gone.
bool space_top(uint64_t id, struct phys *top);

/// The top table of the space that entry `index` of the table, 1 to SPACES_MAX - 1, has now;
/// false: none.
bool space_used(uint32_t index, struct phys *top);

/// Goes down from `top` towards `address` until level `*level`, or a missing table.
/// Returns the entry and sets *level to its level. A leaf on the way ends it too.
uint64_t *space_walk(struct phys top, struct user address, unsigned *level);

/// The level of a Frame's leaves.
static inline unsigned space_leaf_level(const struct slot *frame)
{
    return frame->bits >= arch_level_bits(ARCH_LEVEL_LARGE) ? ARCH_LEVEL_LARGE : 1;
}

/// Maps `frame` at `address` of the space `vspace` names, or changes the rights of its mapping
/// there. `flags` are enum map. `missing`: tables that are missing, with E_TABLE.
/// E_INVAL, E_RIGHTS, E_EXIST, E_BUSY, E_TABLE.
must_use enum status space_map_frame(struct slot *frame, const struct slot *vspace,
                                     struct user address, uint64_t flags, uint64_t *missing);

/// Installs a PageTable at the highest level that is missing for `address`. E_EXIST: none is.
must_use enum status space_map_table(struct slot *table, const struct slot *vspace,
                                     struct user address);

/// Undoes what a Frame or PageTable capability has mapped, if it has.
void space_unmap(struct slot *slot);
