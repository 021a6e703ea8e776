/// The kernel's own examination: every capability, queue and mapping. Used by debug CHECK and
/// by the host tests after random operations. Not bounded: tools only.
///
/// The debug build (KERN_CHECKED) also examines what each system call touches, and everything
/// now and then.
#pragma once

#include <kern/thread.h>

/// System calls between two examinations of everything.
#define INVARIANTS_INTERVAL 4096

/// The parent of all that start-up made.
extern struct slot slot_root;

/// Panics at the first broken invariant; returns how many slots it saw.
uint64_t invariants_check(void);

/// Remembers what the system call of `self`, which begins, names.
void invariants_before(const struct thread *self);

/// Examines what that call named, and who runs. Must come under the same hold of the lock.
void invariants_after(void);
