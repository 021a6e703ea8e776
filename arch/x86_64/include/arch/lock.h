/// A ticket lock: first come, first served. Zeroed is free. Interrupts are off in the kernel,
/// so a holder is never interrupted.
#pragma once

#include <stdint.h>

struct arch_lock {
    uint16_t owner; ///< the ticket that holds it
    uint16_t next;  ///< the ticket handed out next
};

/// `waiting` is called over and over while another CPU holds the lock (it drains the caller's
/// TLB mailbox).
static inline void arch_lock(struct arch_lock *lock, void (*waiting)(void))
{
    uint16_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_ACQUIRE);
    while (__builtin_expect(__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket, 0))
        waiting();
}

static inline void arch_unlock(struct arch_lock *lock)
{
    __atomic_store_n(&lock->owner, (uint16_t)(lock->owner + 1), __ATOMIC_RELEASE);
}
