// Interrupt lines, ports, and the Debug capability.
#include "tests.h"

static uint64_t irq(uint32_t cap, uint32_t op, uint32_t line, uint64_t a, uint64_t b)
{
    return kernel(SYSCALL_IRQ_CONTROL, cap, op, line, a, b, 0, 0);
}

TEST(a_line_signals_until_it_is_acknowledged)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), signal = mint_signal(endpoint, 8);
    expect_ok(irq(BOOT_SLOT_IRQ, IRQ_OP_BIND, 4, signal, IRQ_LEVEL));
    expect(!mock_masked[4]);
    interrupt(4);
    expect(mock_masked[4]);
    expect_ok(k_recv(endpoint, 0, true));
    expect_equal(world_init->frame.rdi, 8);
    expect_ok(irq(BOOT_SLOT_IRQ, IRQ_OP_ACK, 4, 0, 0));
    expect(!mock_masked[4]);
    expect_equal(irq(BOOT_SLOT_IRQ, IRQ_OP_BIND, 4, signal, 0), E_BUSY);
    expect_equal(irq(BOOT_SLOT_IRQ, IRQ_OP_UNBIND + 1, 4, 0, 0), E_INVAL);
    // One that fired meanwhile is signalled by the acknowledgement.
    mock_fired[4] = true;
    expect_ok(irq(BOOT_SLOT_IRQ, IRQ_OP_ACK, 4, 0, 0));
    expect_ok(k_recv(endpoint, 0, false));
    expect_equal(world_init->frame.rdi, 8);
    expect_ok(irq(BOOT_SLOT_IRQ, IRQ_OP_UNBIND, 4, 0, 0));
    expect(mock_masked[4]);
    expect_equal(irq(BOOT_SLOT_IRQ, IRQ_OP_ACK, 4, 0, 0), E_INVAL);
    interrupt(4); // nobody's
    expect_equal(k_recv(endpoint, 0, false), E_AGAIN);
}

TEST(lines_refuse)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), signal = mint_signal(endpoint, 8),
             part = fresh();
    expect_ok(k_copy(part, BOOT_SLOT_IRQ, DERIVE_RANGE, 4, 2));
    expect_equal(irq(part, IRQ_OP_BIND, 3, signal, 0), E_INVAL);
    expect_equal(irq(part, IRQ_OP_BIND, 6, signal, 0), E_INVAL);
    expect_equal(irq(part, IRQ_OP_BIND, 5, signal, 4), E_INVAL);
    expect_equal(irq(part, IRQ_OP_BIND, 5, endpoint, 0), E_RIGHTS); // no bits
    expect_equal(irq(part, IRQ_OP_BIND, 5, mint(endpoint, 1, false), 0), E_RIGHTS);
    expect_equal(irq(part, 3, 5, signal, 0), E_INVAL);
    expect_equal(irq(endpoint, IRQ_OP_ACK, 5, 0, 0), E_KIND);
    expect_equal(k_copy(fresh(), BOOT_SLOT_IRQ, DERIVE_RANGE, MOCK_LINES, 1), E_INVAL);
}

TEST(a_binding_ends_with_either_capability)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), signal = mint_signal(endpoint, 8);
    uint32_t part = fresh(), moved = fresh();
    expect_ok(k_copy(part, BOOT_SLOT_IRQ, DERIVE_RANGE, 4, 2));
    expect_ok(irq(part, IRQ_OP_BIND, 4, signal, 0));
    expect_ok(irq(part, IRQ_OP_BIND, 5, signal, 0));
    expect_ok(k_move(moved, part));
    expect_ok(k_delete(moved));
    expect(mock_masked[4] && mock_masked[5]);
    expect_ok(irq(BOOT_SLOT_IRQ, IRQ_OP_BIND, 4, signal, 0));
    expect_ok(k_revoke_all(endpoint));
    expect(mock_masked[4]);
    expect_equal(irq(BOOT_SLOT_IRQ, IRQ_OP_ACK, 4, 0, 0), E_INVAL);
}

static uint64_t port(uint32_t cap, uint32_t flags, uint32_t number, uint32_t value)
{
    return kernel(SYSCALL_IOPORT, cap, flags, number, value, 0, 0, 0);
}

TEST(ports)
{
    uint32_t part = fresh();
    struct ipc_buffer *buffer = world_init->buffer;
    expect_ok(k_copy(part, BOOT_SLOT_IOPORT, DERIVE_RANGE, 0x60, 5));
    expect_ok(port(part, IO_OUT | IO_BYTE, 0x64, 0xab));
    expect_equal(mock_ports[0x64], 0xab);
    expect_ok(port(part, IO_BYTE, 0x64, 0));
    expect_equal(world_init->frame.rdi, 0xab);
    expect_ok(port(part, IO_OUT | IO_LONG, 0x61, 0x11223344));
    expect_equal(mock_ports[0x64], 0x11);
    expect_equal(port(part, IO_LONG, 0x62, 0), E_INVAL); // its last byte is outside
    expect_equal(port(part, IO_BYTE, 0x5f, 0), E_INVAL);
    expect_equal(port(part, IO_BYTE, 0x65, 0), E_INVAL);
    expect_equal(port(part, 0, 0x60, 0), E_INVAL);
    expect_equal(port(part, IO_BYTE | IO_WORD, 0x60, 0), E_INVAL);
    expect_equal(port(part, IO_BYTE | 64, 0x60, 0), E_INVAL);
    expect_equal(port(BOOT_SLOT_IRQ, IO_BYTE, 0x60, 0), E_KIND);
    mock_ports[0x60] = 7;
    expect_ok(port(part, IO_BYTE | IO_REPEAT, 0x60, 256));
    expect_equal(buffer->io[255], 7);
    expect_equal(port(part, IO_BYTE | IO_REPEAT, 0x60, 257), E_INVAL);
    expect_equal(port(part, IO_BYTE | IO_REPEAT, 0x60, 0), E_INVAL);
    buffer->io[1] = 9;
    expect_ok(port(part, IO_OUT | IO_BYTE | IO_REPEAT, 0x60, 2));
    expect_equal(mock_ports[0x60], 9);
}

static uint64_t debug(uint32_t op, uint64_t a)
{
    return kernel(SYSCALL_DEBUG, BOOT_SLOT_DEBUG, op, a, 0, 0, 0, 0);
}

TEST(logging)
{
    memcpy(world_init->buffer->words, "hello %s\n", 9);
    expect_ok(debug(DEBUG_OP_LOG, 9));
    expect(strstr(mock_log, "hello %s\n"));
    expect_equal(debug(DEBUG_OP_LOG, 513), E_INVAL);
    mock_log_room = 4;
    memcpy(world_init->buffer->words, "in parts\n", 9);
    expect_equal(debug(DEBUG_OP_LOG, 9), E_MORE);
    expect_equal(world_init->frame.rdi, 4);
    expect_equal(kernel(SYSCALL_DEBUG, BOOT_SLOT_DEBUG, DEBUG_OP_LOG, 9, 4, 0, 0, 0), E_MORE);
    expect_ok(kernel(SYSCALL_DEBUG, BOOT_SLOT_DEBUG, DEBUG_OP_LOG, 9, 8, 0, 0, 0));
    expect_equal(world_init->frame.rdi, 9);
    expect(strstr(mock_log, "in parts\n"));
    mock_log_room = SIZE_MAX;
    expect_equal(kernel(SYSCALL_DEBUG, BOOT_SLOT_DEBUG, DEBUG_OP_LOG, 9, 10, 0, 0, 0), E_INVAL);
    expect_equal(debug(99, 0), E_INVAL);
    expect_ok(debug(DEBUG_OP_CHECK, 0));
    expect(world_init->frame.rdi > 30);
    expect_ok(debug(DEBUG_OP_CPU, 0));
    expect_equal(world_init->frame.rdx, world_init->number);
    expect_equal(debug(DEBUG_OP_CPU, 1), E_INVAL);
    expect_equal(debug(DEBUG_OP_TRACE_READ, 1), E_INVAL);
    expect_ok(debug(DEBUG_OP_SLOTS, 0));
    uint64_t slots = world_init->frame.rdi;
    (void)make(KIND_ENDPOINT, 0);
    expect_ok(debug(DEBUG_OP_SLOTS, 0));
    expect_equal(world_init->frame.rdi, slots + 2); // its node and its capability
    expect_equal(kernel(SYSCALL_DEBUG, BOOT_SLOT_IRQ, DEBUG_OP_LOG, 0, 0, 0, 0, 0), E_KIND);
}

TEST(tracing)
{
    const struct trace_event *events = (struct trace_event *)world_init->buffer->io;
    expect_ok(debug(DEBUG_OP_TRACE, 1 << TRACE_SYSCALL));
    expect_ok(k_yield());
    expect_ok(debug(DEBUG_OP_TRACE, 0));
    expect_ok(k_yield());
    expect_ok(debug(DEBUG_OP_TRACE_READ, 0));
    expect_equal(world_init->frame.rdi, 2); // yield, and the one that stopped it
    expect_equal(events[0].event, TRACE_SYSCALL);
    expect_equal(events[0].a, SYSCALL_YIELD);
    expect_equal(events[0].thread, world_init->number);
    expect_ok(debug(DEBUG_OP_TRACE_READ, 0));
    expect_equal(world_init->frame.rdi, 0);
}

TEST(the_ring_forgets_the_oldest_and_says_so)
{
    expect_ok(debug(DEBUG_OP_TRACE, 1 << TRACE_SYSCALL));
    for (unsigned i = 0; i < TRACE_EVENTS + 10; i++)
        expect_ok(k_yield());
    expect_ok(debug(DEBUG_OP_TRACE, 0));
    expect_ok(debug(DEBUG_OP_TRACE_READ, 0));
    expect_equal(world_init->frame.rdi, 30);
    expect_equal(world_init->frame.rsi, 11);
    unsigned total = 30;
    do {
        expect_ok(debug(DEBUG_OP_TRACE_READ, 0));
        total += (unsigned)world_init->frame.rdi;
    } while (world_init->frame.rdi);
    expect_equal(total, TRACE_EVENTS);
}

TEST(tracing_shows_a_call)
{
    uint32_t endpoint = make(KIND_ENDPOINT, 0), reply = make(KIND_REPLY, 0);
    struct actor server = actor_new(63, 0, 0, 0);
    run(server.thread);
    expect_equal(k_recv(endpoint, reply, true), BLOCKED);
    expect_ok(debug(DEBUG_OP_TRACE, 1 << TRACE_MESSAGE | 1 << TRACE_REPLY | 1 << TRACE_SWITCH));
    expect_equal(k_call(endpoint, 0), BLOCKED);
    expect_equal(k_reply_recv(endpoint, reply, 7ul << 32), BLOCKED);
    expect_ok(debug(DEBUG_OP_TRACE, 0));
    expect_ok(debug(DEBUG_OP_TRACE_READ, 0));
    const struct trace_event *events = (struct trace_event *)world_init->buffer->io;
    expect_equal(world_init->frame.rdi, 4);
    expect_equal(events[0].event, TRACE_MESSAGE);
    expect_equal(events[1].event, TRACE_SWITCH);
    expect_equal(events[1].a, server.thread->number);
    expect_equal(events[0].thread, world_init->number);
    expect_equal(events[2].event, TRACE_REPLY);
    expect_equal(events[2].thread, world_init->number);
    expect_equal(events[2].a, 7ul << 32);
}

TEST(tools_that_trace_cannot_stop_the_machine)
{
    uint32_t tool = fresh();
    expect_ok(k_copy(tool, BOOT_SLOT_DEBUG, DERIVE_COPY, RIGHT_CONTROL, 0));
    expect_ok(kernel(SYSCALL_DEBUG, tool, DEBUG_OP_CPU, 0, 0, 0, 0, 0));
    expect_equal(kernel(SYSCALL_DEBUG, tool, DEBUG_OP_CHECK, 0, 0, 0, 0, 0), E_RIGHTS);
    expect_equal(kernel(SYSCALL_DEBUG, tool, DEBUG_OP_PANIC, 0, 0, 0, 0, 0), E_RIGHTS);
}

TEST(a_panic_can_be_asked_for)
{
    world_init->frame.rax = SYSCALL_DEBUG;
    world_init->frame.rdi = BOOT_SLOT_DEBUG;
    world_init->frame.rsi = DEBUG_OP_PANIC;
    expect_panic("asked for",
                 kern_syscall(BOOT_SLOT_DEBUG, DEBUG_OP_PANIC, &world_init->frame));
}

const struct CMUnitTest device_tests[] = {
    cmocka_unit_test(a_line_signals_until_it_is_acknowledged),
    cmocka_unit_test(lines_refuse),
    cmocka_unit_test(a_binding_ends_with_either_capability),
    cmocka_unit_test(ports),
    cmocka_unit_test(logging),
    cmocka_unit_test(tracing),
    cmocka_unit_test(the_ring_forgets_the_oldest_and_says_so),
    cmocka_unit_test(tracing_shows_a_call),
    cmocka_unit_test(tools_that_trace_cannot_stop_the_machine),
    cmocka_unit_test(a_panic_can_be_asked_for),
};
const size_t device_count = sizeof(device_tests) / sizeof(device_tests[0]);
