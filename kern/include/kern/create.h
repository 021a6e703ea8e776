/// New capabilities and objects: retype and derivation.
#pragma once

#include <kern/cpu.h>
#include <kern/slot.h>

/// Arguments of retype, as in pith.idl.
struct retype {
    uint32_t kind, bits, count, slot;
};

must_use enum status retype(struct slot *untyped, struct cspace *cspace,
                            const struct retype *what);

/// Makes the empty slot `to` a copy of `from` with no more than `rights`: a sibling. Untyped,
/// PageTable and Reply have one capability only: E_KIND. E_BUSY, E_DEPTH.
must_use enum status derive_copy(struct slot *to, struct slot *from, unsigned rights);

/// enum derive CALL, SIGNAL, RANGE.
must_use enum status derive_mint(struct slot *to, struct slot *from, enum derive how,
                                 uint64_t a, uint64_t b);
must_use enum status derive_range(struct slot *to, struct slot *from, uint64_t a, uint64_t b);

/// Puts a copy of `from` into the empty inner slot of an inactive thread.
must_use enum status derive_inner(struct thread *thread, enum thread_inner inner,
                                  struct slot *from);
