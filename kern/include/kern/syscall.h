/// System calls that carry no message: one handler each. `self` runs; its frame has the
/// arguments and takes the results.
#pragma once

#include <kern/cpu.h>
#include <kern/thread.h>

typedef enum status syscall_handler(struct cpu *cpu, struct thread *self);

syscall_handler sys_retype, sys_cap_copy, sys_cap_move, sys_cap_delete, sys_cap_revoke,
    sys_cap_identify;
syscall_handler sys_map, sys_unmap;
syscall_handler sys_thread_configure, sys_thread_registers, sys_thread_control;
syscall_handler sys_irq_control, sys_ioport, sys_debug;

/// Argument `n` of the running system call.
static inline uint64_t argument(const struct thread *self, unsigned n)
{
    return arch_frame_argument(&self->frame, n);
}

static inline void result(struct thread *self, unsigned n, uint64_t value)
{
    arch_frame_set_result(&self->frame, n, value);
}

/// The CSpace that a handle names; HANDLE_NULL: the caller's own. E_HANDLE, E_KIND, E_RIGHTS.
must_use enum status syscall_cspace(struct thread *self, uint32_t handle,
                                    struct cspace **found);
