/// System calls on threads: thread_configure, thread_registers, thread_control.
#include <kern/create.h>
#include <kern/delete.h>
#include <kern/ipc.h>
#include <kern/sched.h>
#include <kern/start.h>
#include <kern/syscall.h>

static enum status find_thread(struct thread *self, uint32_t handle, struct thread **found)
{
    struct slot *slot;
    enum status status = cspace_find(self->cspace, handle, KIND_THREAD, RIGHT_CONTROL, &slot);
    if (status == OK)
        *found = slot->object;
    return status;
}

/// A capability for inner slot `inner`; null for handle 0: leave what is there.
static enum status find_inner(struct thread *self, unsigned inner, struct slot **found)
{
    static const struct {
        uint8_t kind, rights;
    } wanted[INNER_COUNT] = {
        [INNER_CSPACE] = {KIND_CSPACE, RIGHT_CONTROL},
        [INNER_VSPACE] = {KIND_VSPACE, RIGHT_CONTROL},
        [INNER_BUFFER] = {KIND_FRAME, RIGHT_READ | RIGHT_WRITE},
        [INNER_FAULT] = {KIND_ENDPOINT, RIGHT_CALL},
        [INNER_SUPERVISOR] = {KIND_ENDPOINT, RIGHT_CALL},
    };
    uint32_t handle = (uint32_t)argument(self, 1 + inner);
    *found = NULL;
    if (!handle)
        return OK;
    enum status status =
        cspace_find(self->cspace, handle, wanted[inner].kind, wanted[inner].rights, found);
    if (status != OK)
        return status;
    bool buffer = (*found)->bits == PAGE_BITS && !((*found)->flags & SLOT_DEVICE);
    CHECK(configure_buffer, inner != INNER_BUFFER || buffer, E_INVAL);
    return slot_derivable(*found, 0);
}

enum status sys_thread_configure(struct cpu *cpu, struct thread *self)
{
    struct thread *thread;
    struct slot *from[INNER_COUNT];
    uint64_t options = argument(self, 6);
    (void)cpu;
    enum status status = find_thread(self, (uint32_t)argument(self, 0), &thread);
    if (status != OK)
        return status;
    CHECK(configure_inactive, thread->state == THREAD_STATE_INACTIVE, E_BUSY);
    CHECK(configure_options, !(options & ~(uint64_t)THREAD_OPTION_FPU), E_INVAL);
    for (unsigned i = 0; i < INNER_COUNT; i++) {
        status = find_inner(self, i, &from[i]);
        if (status != OK)
            return status;
    }
    // Past this line it cannot fail.
    for (unsigned i = 0; i < INNER_COUNT; i++) {
        if (!from[i])
            continue;
        if (thread->inner[i].kind != KIND_NONE)
            delete_slot(&thread->inner[i]);
        if (derive_inner(thread, (enum thread_inner)i, from[i]) != OK)
            kern_panic("thread_configure failed after its checks");
    }
    thread->fpu = options & THREAD_OPTION_FPU ? &thread->fpu_image : NULL;
    return OK;
}

enum status sys_thread_registers(struct cpu *cpu, struct thread *self)
{
    struct thread *thread;
    struct registers *registers = (struct registers *)self->buffer->registers;
    uint32_t set = (uint32_t)argument(self, 1);
    (void)cpu;
    enum status status = find_thread(self, (uint32_t)argument(self, 0), &thread);
    if (status != OK)
        return status;
    bool still =
        thread->state == THREAD_STATE_INACTIVE || thread->state == THREAD_STATE_FAULTED;
    CHECK(registers_still, still, E_BUSY);
    CHECK(registers_set, set <= 1, E_INVAL);
    if (!set) {
        arch_frame_store(&thread->frame, registers);
        return OK;
    }
    return arch_frame_load(&thread->frame, registers) ? OK : E_INVAL;
}

static bool waits(const struct thread *thread)
{
    enum thread_state state = thread_state(thread);
    return (state == THREAD_STATE_SENDING && thread->sending != MESSAGE_FAULT) ||
           state == THREAD_STATE_RECEIVING || state == THREAD_STATE_CALLING;
}

static enum status start(struct cpu *cpu, struct thread *thread)
{
    CHECK(start_inactive, thread->state == THREAD_STATE_INACTIVE, E_BUSY);
    CHECK(start_complete, thread_complete(thread), E_INVAL);
    sched_ready(cpu, thread);
    return OK;
}

static enum status set_priority(struct cpu *cpu, struct thread *self, struct thread *thread,
                                uint64_t priority)
{
    CHECK(priority_range, priority < PRIORITIES, E_INVAL);
    CHECK(priority_own, priority <= self->priority, E_RIGHTS);
    sched_set_priority(cpu, thread, (unsigned)priority);
    return OK;
}

static enum status set_cpu(struct cpu *cpu, struct thread *thread, uint64_t number)
{
    CHECK(cpu_range, number < cpu_count, E_INVAL);
    wait_fetch(cpu, thread);
    sched_move(cpu, thread, &kern_cpus[number]);
    return OK;
}

static enum status set_fs_base(struct cpu *cpu, struct thread *thread, uint64_t base)
{
    CHECK(fs_base_user, arch_user_valid(user(base), 1), E_INVAL);
    wait_fetch(cpu, thread);
    thread->frame.fs_base = base;
    if (thread->state == THREAD_STATE_RUNNING)
        arch_fs_switch(&cpu->arch, &thread->frame);
    return OK;
}

static enum status set_handler(struct thread *thread, uint64_t entry, uint64_t stack)
{
    CHECK(handler_user, arch_user_valid(user(entry), 1), E_INVAL);
    thread->handler = entry;
    thread->handler_stack = stack;
    thread->handling = false;
    return OK;
}

/// Goes on with what the handler's frame saved.
static enum status handler_return(struct cpu *cpu, struct thread *self, struct thread *thread)
{
    CHECK(return_self, thread == self, E_INVAL);
    CHECK(return_registers,
          arch_frame_load(&self->frame, (struct registers *)self->buffer->registers), E_INVAL);
    arch_fs_switch(&cpu->arch, &self->frame);
    self->handling = false;
    return STATUS_LATER;
}

static enum status answer_fault(struct cpu *cpu, struct thread *thread, uint64_t action)
{
    bool stays = thread->state == THREAD_STATE_FAULTED && !thread->reply;
    CHECK(fault_stays, stays, E_BUSY);
    CHECK(fault_action, action <= FAULT_ACTION_DIVERT, E_INVAL);
    CHECK(fault_handler, action == FAULT_ACTION_RETRY || fault_divert(thread), E_NOTSUP);
    sched_ready(cpu, thread);
    return OK;
}

/// Sends another thread to its handler, wherever it is in its own code.
static enum status divert(struct cpu *cpu, struct thread *thread, uint64_t code)
{
    wait_fetch(cpu, thread);
    CHECK(divert_alive, waits(thread) || thread->state == THREAD_STATE_READY, E_INVAL);
    CHECK(divert_handler, thread->handler, E_NOTSUP);
    CHECK(divert_handling, !thread->handling, E_BUSY);
    wait_end(cpu, thread, E_INTR);
    thread->fault = (struct fault){
        .kind = FAULT_SIGNAL, .ip = thread->frame.rip, .code = code, .sp = thread->frame.rsp};
    ASSERT(divert_possible, fault_divert(thread));
    sched_ready(cpu, thread);
    return OK;
}

static enum status info(struct thread *self, const struct thread *thread)
{
    enum thread_state state = thread_state(thread);
    if (state == THREAD_STATE_SENDING && thread->sending == MESSAGE_FAULT)
        state = THREAD_STATE_FAULTED;
    result(self, 0, state);
    result(self, 1, thread->ticks * start_tick_time());
    result(self, 2, thread->priority | (uint64_t)thread->number << 32);
    return OK;
}

enum status sys_thread_control(struct cpu *cpu, struct thread *self)
{
    struct thread *thread = self;
    uint32_t handle = (uint32_t)argument(self, 0);
    uint64_t a = argument(self, 2), b = argument(self, 3);
    enum status status = handle ? find_thread(self, handle, &thread) : OK;
    if (status != OK)
        return status;
    switch (argument(self, 1)) {
    case THREAD_OP_START:
        return start(cpu, thread);
    case THREAD_OP_SUSPEND:
        wait_end(cpu, thread, E_INTR);
        return OK;
    case THREAD_OP_CANCEL:
        if (waits(thread)) {
            wait_end(cpu, thread, E_INTR);
            sched_ready(cpu, thread);
        }
        return OK;
    case THREAD_OP_PRIORITY:
        return set_priority(cpu, self, thread, a);
    case THREAD_OP_CPU:
        return set_cpu(cpu, thread, a);
    case THREAD_OP_FS_BASE:
        return set_fs_base(cpu, thread, a);
    case THREAD_OP_HANDLER:
        return set_handler(thread, a, b);
    case THREAD_OP_RETURN:
        return handler_return(cpu, self, thread);
    case THREAD_OP_INFO:
        return info(self, thread);
    case THREAD_OP_FAULT:
        return answer_fault(cpu, thread, a);
    case THREAD_OP_DIVERT:
        return divert(cpu, thread, a);
    default:
        return E_INVAL;
    }
}
