/// Interrupt lines.
///
/// Always: a line is heard only between BIND or ACK and the next interrupt; its signal slot
/// holds a capability exactly while it is bound, and `owner` is the Irq capability it was bound
/// through.
#include <arch/irq.h>
#include <kern/create.h>
#include <kern/delete.h>
#include <kern/ipc.h>
#include <kern/lines.h>
#include <kern/trace.h>

static struct line {
    struct slot signal;
    struct slot *owner;
} lines[ARCH_LINES_MAX];

static enum status bind(struct slot *irq, uint32_t line, struct slot *signal, uint64_t flags)
{
    struct slot *slot = &lines[line].signal;
    CHECK(line_flags, !(flags & ~(uint64_t)(IRQ_LEVEL | IRQ_LOW)), E_INVAL);
    CHECK(line_bound, slot->kind == KIND_NONE, E_BUSY);
    CHECK(line_signal, (signal->rights & RIGHT_SIGNAL) && signal->badge, E_RIGHTS);
    enum status status = derive_copy(slot, signal, RIGHT_SIGNAL);
    if (status != OK)
        return status;
    slot->flags |= SLOT_LINE;
    lines[line].owner = irq;
    arch_irq_configure(line, flags & IRQ_LEVEL, flags & IRQ_LOW);
    (void)arch_irq_unmask(line);
    return OK;
}

enum status line_control(struct slot *irq, uint32_t line, uint64_t op, struct slot *signal,
                         uint64_t flags)
{
    CHECK(line_range, line >= irq->address && line - irq->address < irq->count, E_INVAL);
    CHECK(line_op, op <= IRQ_OP_UNBIND, E_INVAL);
    if (op == IRQ_OP_BIND)
        return bind(irq, line, signal, flags);
    CHECK(line_unbound, lines[line].signal.kind != KIND_NONE, E_INVAL);
    if (op == IRQ_OP_ACK) {
        if (arch_irq_unmask(line))
            line_fired(arch_cpu(), line);
    } else {
        delete_slot(&lines[line].signal);
    }
    return OK;
}

void line_fired(struct cpu *cpu, uint32_t line)
{
    const struct slot *signal = &lines[line].signal;
    trace(cpu, TRACE_INTERRUPT, line, 0);
    if (signal->kind == KIND_ENDPOINT)
        endpoint_signal(cpu, signal->object, signal->badge);
}

void line_owner_moved(struct slot *irq, struct slot *to)
{
    for (uint64_t i = to->address; i < to->address + to->count; i++)
        if (lines[i].owner == irq)
            lines[i].owner = to;
}

struct slot *line_bound_through(const struct slot *irq)
{
    for (uint64_t i = irq->address; i < irq->address + irq->count; i++)
        if (lines[i].owner == irq)
            return &lines[i].signal;
    return NULL;
}

void line_signal_lost(struct slot *signal)
{
    struct line *line = container_of(signal, struct line, signal);
    arch_irq_mask((uint32_t)(line - lines));
    line->owner = NULL;
}
