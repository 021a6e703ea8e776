/// A lock for whoever comes when it is free; who has waited too long draws a ticket, and
/// tickets go first, in order. Zeroed is free. Interrupts are off in the kernel, so a holder is
/// never interrupted.
///
/// With tickets alone, CPUs that a hypervisor runs in turns would wait in line behind one that
/// does not run at present, each time the lock changes hands.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// The numbers are so wide that a CPU which stands still between two instructions of
/// arch_lock_try() cannot take an old one for a new one.
struct arch_lock {
    uint32_t owner; ///< the ticket that holds it
    uint32_t next;  ///< the ticket handed out next; equal to owner: free
};

/// Turns of a waiting loop until a ticket is drawn: milliseconds.
#define ARCH_LOCK_PATIENCE 65536

/// Takes the lock if it is free. (It draws the ticket whose turn it is.)
static inline bool arch_lock_try(struct arch_lock *lock)
{
    uint32_t owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
    return __atomic_compare_exchange_n(&lock->next, &owner, owner + 1, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/// Takes the lock. `waiting` is called over and over while it is another CPU's.
static inline void arch_lock(struct arch_lock *lock, void (*waiting)(void))
{
    for (uint32_t turns = 0; turns < ARCH_LOCK_PATIENCE; turns++) {
        if (__atomic_load_n(&lock->next, __ATOMIC_RELAXED) ==
                __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) &&
            arch_lock_try(lock))
            return;
        waiting();
    }
    uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
        waiting();
}

/// Only the holder writes `owner`, so one plain increment does; x86 keeps stores in order.
/// (trap/entry.asm has it too.)
static inline void arch_unlock(struct arch_lock *lock)
{
    __asm__ volatile("incl %0" : "+m"(lock->owner)::"memory");
}
