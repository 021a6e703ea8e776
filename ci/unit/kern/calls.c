// System calls by name, and what tests are furnished with.
#include "world.h"

uint64_t k_retype(uint32_t untyped, uint32_t kind, uint32_t bits, uint32_t count, uint32_t slot)
{
    return kernel(SYSCALL_RETYPE, untyped, kind, bits, count, 0, slot, 0);
}

uint64_t k_copy(uint32_t to, uint32_t from, uint32_t derive, uint64_t a, uint64_t b)
{
    return kernel(SYSCALL_CAP_COPY, 0, to, from, derive, a, b, 0);
}

uint64_t k_move(uint32_t to, uint32_t from)
{
    return kernel(SYSCALL_CAP_MOVE, 0, to, from, 0, 0, 0, 0);
}

uint64_t k_delete(uint32_t slot)
{
    return kernel(SYSCALL_CAP_DELETE, 0, slot, 0, 0, 0, 0, 0);
}

uint64_t k_revoke(uint32_t slot)
{
    return kernel(SYSCALL_CAP_REVOKE, 0, slot, 0, 0, 0, 0, 0);
}

uint64_t k_delete_all(uint32_t slot)
{
    uint64_t status = k_delete(slot);
    while (status == E_MORE) {
        status = k_delete(slot);
        if (status == E_HANDLE) // the tick was faster
            return OK;
    }
    return status;
}

uint64_t k_revoke_all(uint32_t slot)
{
    uint64_t status;
    while ((status = k_revoke(slot)) == E_MORE)
        ;
    return status;
}

uint64_t k_map(uint32_t cap, uint32_t vspace, uint64_t address, uint64_t flags)
{
    return kernel(SYSCALL_MAP, cap, vspace, address, flags, 0, 0, 0);
}

uint64_t k_control(uint32_t thread, uint32_t op, uint64_t a, uint64_t b)
{
    return kernel(SYSCALL_THREAD_CONTROL, thread, op, a, b, 0, 0, 0);
}

uint64_t k_call(uint32_t endpoint, uint64_t tag)
{
    return kernel(SYSCALL_CALL, endpoint, tag, 1, 2, 3, 4, 5);
}

uint64_t k_send(uint32_t endpoint, uint64_t tag, bool wait)
{
    return kernel(SYSCALL_SEND | (wait ? 0 : IPC_NONBLOCK << 8), endpoint, tag, 1, 2, 3, 4, 5);
}

uint64_t k_recv(uint32_t endpoint, uint32_t reply, bool wait)
{
    return kernel(SYSCALL_RECV | (wait ? 0 : IPC_NONBLOCK << 8),
                  endpoint | (uint64_t)reply << 32, 0, 0, 0, 0, 0, 0);
}

uint64_t k_reply(uint32_t reply, uint64_t tag)
{
    return kernel(SYSCALL_REPLY, (uint64_t)reply << 32, tag, 11, 12, 13, 14, 15);
}

uint64_t k_reply_recv(uint32_t endpoint, uint32_t reply, uint64_t tag)
{
    return kernel(SYSCALL_REPLY_RECV, endpoint | (uint64_t)reply << 32, tag, 11, 12, 13, 14,
                  15);
}

uint64_t k_signal(uint32_t endpoint)
{
    return kernel(SYSCALL_SIGNAL, endpoint, 0, 0, 0, 0, 0, 0);
}

uint64_t k_yield(void)
{
    return kernel(SYSCALL_YIELD, 0, 0, 0, 0, 0, 0, 0);
}

uint32_t make_from(uint32_t untyped, uint32_t kind, uint32_t bits)
{
    uint32_t handle = fresh();
    uint64_t status;
    while ((status = k_retype(untyped, kind, bits, 1, handle)) == E_MORE)
        ;
    expect_ok(status);
    return handle;
}

uint32_t make(uint32_t kind, uint32_t bits)
{
    return make_from(world_untyped, kind, bits);
}

uint32_t mint(uint32_t endpoint, uint64_t badge, bool grant)
{
    uint32_t handle = fresh();
    expect_ok(k_copy(handle, endpoint, DERIVE_CALL, badge, grant));
    return handle;
}

uint32_t mint_signal(uint32_t endpoint, uint64_t bits)
{
    uint32_t handle = fresh();
    expect_ok(k_copy(handle, endpoint, DERIVE_SIGNAL, bits, 0));
    return handle;
}

struct actor actor_new(uint32_t priority, uint32_t fault, uint32_t supervisor, uint32_t options)
{
    struct actor actor = {.handle = make(KIND_THREAD, 0),
                          .buffer = make(KIND_FRAME, PAGE_BITS)};
    const uint64_t words[6] = {BOOT_SLOT_VSPACE, actor.buffer, fault, supervisor, options, 0};
    expect_ok(kernel_message(SYSCALL_THREAD_CONFIGURE, actor.handle, BOOT_SLOT_CSPACE, words));
    actor.thread = slot_of(actor.handle)->object;
    actor.thread->frame.rip = 0x401000;
    actor.thread->frame.rbx = 0xb0b0 + actor.handle;
    expect_ok(k_control(actor.handle, THREAD_OP_PRIORITY, priority, 0));
    expect_ok(k_control(actor.handle, THREAD_OP_START, 0, 0));
    return actor;
}

struct actor far_actor(uint32_t priority, uint32_t fault, uint32_t options)
{
    struct actor actor = actor_new(priority, fault, 0, options);
    expect_ok(k_control(actor.handle, THREAD_OP_CPU, 1, 0));
    world_calls();
    return actor;
}

struct thread *running_on(uint32_t number)
{
    uint32_t self = mock_cpu;
    mock_cpu = number;
    struct thread *thread = running();
    mock_cpu = self;
    return thread;
}
