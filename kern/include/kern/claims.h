/// Whether all that is mapped is mapped through a capability: invariants.c asks for everything.
#pragma once

#include <kern/slot.h>

/// Marks the page-table entries that a Frame or PageTable capability accounts for.
void claims_mark(const struct slot *slot);

/// Panics if an entry is mapped in some space and not marked, or is none that user mode may
/// use. Takes the marks away.
void claims_check(void);
