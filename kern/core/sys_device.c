/// System calls on devices and for tools: irq_control, ioport, debug.
#include <arch/console.h>
#include <arch/port.h>
#include <kern/invariants.h>
#include <kern/ipc.h>
#include <kern/lines.h>
#include <kern/syscall.h>
#include <kern/trace.h>

enum status sys_irq_control(struct cpu *cpu, struct thread *self)
{
    struct slot *irq, *signal = NULL;
    uint32_t op = (uint32_t)argument(self, 1);
    (void)cpu;
    enum status status =
        cspace_find(self->cspace, (uint32_t)argument(self, 0), KIND_IRQ, RIGHT_CONTROL, &irq);
    if (status == OK && op == IRQ_OP_BIND)
        status = cspace_find(self->cspace, (uint32_t)argument(self, 3), KIND_ENDPOINT,
                             RIGHT_SIGNAL, &signal);
    if (status != OK)
        return status;
    return line_control(irq, (uint32_t)argument(self, 2), op, signal, argument(self, 4));
}

/// A repeated transfer through the IPC buffer.
static enum status ports(struct thread *self, uint16_t port, unsigned bytes, bool out,
                         uint32_t count)
{
    CHECK(io_count, count >= 1 && count <= IOPORT_WORDS, E_INVAL);
    if (out)
        arch_port_write_many(port, bytes, self->buffer->io, count);
    else
        arch_port_read_many(port, bytes, self->buffer->io, count);
    return OK;
}

enum status sys_ioport(struct cpu *cpu, struct thread *self)
{
    struct slot *slot;
    uint32_t flags = (uint32_t)argument(self, 1), number = (uint32_t)argument(self, 2);
    uint32_t value = (uint32_t)argument(self, 3);
    uint32_t size = flags & (IO_BYTE | IO_WORD | IO_LONG);
    (void)cpu;
    enum status status = cspace_find(self->cspace, (uint32_t)argument(self, 0), KIND_IOPORT,
                                     RIGHT_CONTROL, &slot);
    if (status != OK)
        return status;
    CHECK(io_flags, !(flags & ~(uint32_t)(IO_OUT | IO_REPEAT | size)), E_INVAL);
    CHECK(io_size, size == IO_BYTE || size == IO_WORD || size == IO_LONG, E_INVAL);
    unsigned bytes = size / IO_BYTE;
    CHECK(io_first, number >= slot->address && number - slot->address < slot->count, E_INVAL);
    CHECK(io_last, bytes <= slot->count - (number - slot->address), E_INVAL);
    if (flags & IO_REPEAT)
        return ports(self, (uint16_t)number, bytes, flags & IO_OUT, value);
    if (flags & IO_OUT)
        arch_port_write((uint16_t)number, bytes, value);
    else
        result(self, 0, arch_port_read((uint16_t)number, bytes));
    return OK;
}
_Static_assert(IO_BYTE == 2 && IO_WORD / IO_BYTE == 2 && IO_LONG / IO_BYTE == 4, "bytes");

/// Longest text that one LOG writes, and events that one TRACE_READ copies.
#define LOG_BYTES   512
#define READ_EVENTS 30

static enum status debug_log(struct thread *self, uint64_t end, uint64_t start)
{
    const char *text = (const char *)self->buffer->words;
    CHECK(log_bytes, end <= LOG_BYTES, E_INVAL);
    CHECK(log_start, start <= end, E_INVAL);
    start += arch_console_offer(text + start, end - start);
    result(self, 0, start);
    return start < end ? E_MORE : OK;
}

static void trace_copy(struct cpu *cpu, struct thread *self)
{
    uint64_t lost;
    uint32_t count =
        trace_read(cpu, (struct trace_event *)self->buffer->io, READ_EVENTS, &lost);
    result(self, 0, count);
    result(self, 1, lost);
}

static void cpu_show(struct thread *self, const struct cpu *cpu)
{
    const struct thread *thread = cpu_thread(cpu);
    bool idle = thread == &cpu->idle;
    result(self, 0, cpu->arch.apic_id);
    result(self, 1, cpu->idle_time + (idle ? arch_time() - cpu->idle_since : 0));
    result(self, 2, idle ? 0 : thread->number);
}

enum status sys_debug(struct cpu *cpu, struct thread *self)
{
    (void)cpu;
    struct slot *slot;
    uint64_t op = argument(self, 1), a = argument(self, 2);
    enum status status = cspace_find(self->cspace, (uint32_t)argument(self, 0), KIND_DEBUG,
                                     RIGHT_CONTROL, &slot);
    if (status != OK)
        return status;
    CHECK(debug_write,
          (op != DEBUG_OP_CHECK && op != DEBUG_OP_PANIC) || slot->rights & RIGHT_WRITE,
          E_RIGHTS);
    switch (op) {
    case DEBUG_OP_LOG:
        return debug_log(self, a, argument(self, 3));
    case DEBUG_OP_TRACE:
        for (uint32_t i = 0; i < cpu_count; i++)
            trace_start(&kern_cpus[i], (uint32_t)a);
        return OK;
    case DEBUG_OP_TRACE_READ:
        CHECK(trace_cpu, a < cpu_count, E_INVAL);
        trace_copy(&kern_cpus[a], self);
        return OK;
    case DEBUG_OP_CHECK:
        result(self, 0, invariants_check());
        return OK;
    case DEBUG_OP_PANIC:
        kern_panic("asked for by debug PANIC");
    case DEBUG_OP_CPU:
        CHECK(show_cpu, a < cpu_count, E_INVAL);
        cpu_show(self, &kern_cpus[a]);
        return OK;
    case DEBUG_OP_SLOTS:
        result(self, 0, slot_count);
        return OK;
    default:
        return E_INVAL;
    }
}
