/// The trace ring.
#include <kern/trace.h>

void trace_start(struct cpu *cpu, uint32_t events)
{
    if (events)
        cpu->trace_read = cpu->trace_written;
    cpu->trace = events;
}

void trace_write(struct cpu *cpu, const struct thread *thread, enum trace event, uint64_t a,
                 uint64_t b)
{
    if (!(cpu->trace >> event & 1))
        return;
    cpu->events[cpu->trace_written++ % TRACE_EVENTS] = (struct trace_event){
        .time = arch_time(),
        .thread = thread->number,
        .event = (uint16_t)event,
        .cpu = (uint16_t)cpu->arch.number,
        .a = a,
        .b = b,
    };
}

uint32_t trace_read(struct cpu *cpu, struct trace_event *to, uint32_t max, uint64_t *lost)
{
    uint64_t waiting = cpu->trace_written - cpu->trace_read;
    *lost = waiting > TRACE_EVENTS ? waiting - TRACE_EVENTS : 0;
    cpu->trace_read += *lost;
    uint32_t count = 0;
    while (count < max && cpu->trace_read < cpu->trace_written)
        to[count++] = cpu->events[cpu->trace_read++ % TRACE_EVENTS];
    return count;
}
