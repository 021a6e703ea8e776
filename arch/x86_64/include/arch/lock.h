/// A ticket lock: first come, first served. Zeroed is free. Interrupts are off in the kernel,
/// so a holder is never interrupted.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arch_lock {
    uint16_t owner; ///< the ticket that holds it
    uint16_t next;  ///< the ticket handed out next
};

/// Draws a ticket. True: the lock is held; false: arch_lock_wait() must follow.
static inline bool arch_lock_take(struct arch_lock *lock, uint16_t *ticket)
{
    bool held;
    *ticket = 1;
    __asm__ volatile("lock xaddw %0, %1; cmpw %2, %0"
                     : "+r"(*ticket), "+m"(lock->next), "+m"(lock->owner), "=@cce"(held)
                     :
                     : "memory");
    return held;
}

/// Waits for a ticket's turn. `waiting` is called over and over while another CPU holds the
/// lock (it drains the caller's TLB mailbox).
static inline void arch_lock_wait(struct arch_lock *lock, uint16_t ticket,
                                  void (*waiting)(void))
{
    while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
        waiting();
}

static inline void arch_lock(struct arch_lock *lock, void (*waiting)(void))
{
    uint16_t ticket;
    if (!arch_lock_take(lock, &ticket))
        arch_lock_wait(lock, ticket, waiting);
}

/// Only the holder writes `owner`, so one plain increment does; x86 keeps stores in order.
/// (trap/entry.asm has it too.)
static inline void arch_unlock(struct arch_lock *lock)
{
    __asm__ volatile("incw %0" : "+m"(lock->owner)::"memory");
}
