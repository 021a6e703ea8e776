// The machine under the host-built kernel.
#include "../world.h"
#include <arch/console.h>
#include <arch/irq.h>
#include <arch/port.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *mock_memory;
uint32_t mock_cpu;
uint64_t mock_top[ARCH_CPUS_MAX], mock_fs_base, mock_time;
unsigned mock_flushes[ARCH_CPUS_MAX];
struct arch_fpu mock_fpu[ARCH_CPUS_MAX];
bool mock_fpu_on[ARCH_CPUS_MAX];
bool mock_called[ARCH_CPUS_MAX];
void (*mock_relax)(void);
bool mock_entering;
bool mock_masked[ARCH_LINES_MAX], mock_fired[ARCH_LINES_MAX];
bool mock_timer_on;
uint8_t mock_ports[65536 + 4];
char mock_log[65536];
size_t mock_log_room = SIZE_MAX;
char mock_panic[512];
jmp_buf mock_exit;

struct cpu *arch_cpu(void)
{
    return &kern_cpus[mock_cpu];
}

void arch_relax(void)
{
    void (*others)(void) = mock_relax;
    mock_relax = NULL;
    if (others)
        others();
}

/// The other CPU enters the kernel as far as the lock, at once; world_calls() lets it go on
/// there when this one has left. What it was doing is saved: mock_entering says what that was.
void arch_interrupt(const struct arch_cpu *cpu)
{
    uint32_t self = mock_cpu;
    void (*relax)(void) = mock_relax;
    mock_called[cpu->number] = true;
    if ((!mock_entering || cpu->frame->rip < 2) &&
        cpu->frame != &kern_cpus[cpu->number].idle.frame)
        cpu->frame->trapped = 1;
    mock_cpu = cpu->number;
    mock_relax = NULL;
    cpu_wait();
    mock_relax = relax;
    mock_cpu = self;
}

void arch_stop_others(void) {}

void mock_check_phys(uint64_t at)
{
    if (at >= MOCK_MEMORY) {
        fprintf(stderr, "physical address %lx is none\n", at);
        abort();
    }
}

void arch_space_init(struct phys top)
{
    memset((uint8_t *)arch_pointer(top) + 2048, 0x5a, 2048); // the kernel's half
}

struct phys arch_space_kernel(void)
{
    return phys(0x1000);
}

uint64_t arch_entry_map(struct phys target, unsigned level, uint32_t flags)
{
    return target.at | ENTRY_PRESENT | ENTRY_USER | (level == 1 ? 0 : ENTRY_LARGE) |
           (flags & MAP_WRITE ? ENTRY_WRITE : 0) | (flags & MAP_EXECUTE ? 0 : ENTRY_NX);
}

uint32_t arch_irq_count(void)
{
    return MOCK_LINES;
}

void arch_irq_configure(uint32_t line, bool level, bool low)
{
    (void)line, (void)level, (void)low;
}

void arch_irq_mask(uint32_t line)
{
    mock_masked[line] = true;
}

bool arch_irq_unmask(uint32_t line)
{
    mock_masked[line] = mock_fired[line];
    mock_fired[line] = false;
    return mock_masked[line];
}

bool arch_irq_accept(uint32_t line)
{
    mock_masked[line] = true;
    return true;
}

void arch_timer_start(uint32_t microseconds)
{
    (void)microseconds;
    mock_timer_on = true;
}

void arch_timer_stop(void)
{
    mock_timer_on = false;
}

uint32_t arch_port_read(uint16_t port, unsigned bytes)
{
    uint32_t value = 0;
    memcpy(&value, mock_ports + port, bytes);
    return value;
}

void arch_port_write(uint16_t port, unsigned bytes, uint32_t value)
{
    memcpy(mock_ports + port, &value, bytes);
}

void arch_port_read_many(uint16_t port, unsigned bytes, void *data, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        memcpy((uint8_t *)data + i * bytes, mock_ports + port, bytes);
}

void arch_port_write_many(uint16_t port, unsigned bytes, const void *data, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        memcpy(mock_ports + port, (const uint8_t *)data + i * bytes, bytes);
}

_Noreturn void arch_idle(void)
{
    world_unlock();
    longjmp(mock_exit, MOCK_IDLE);
}

_Noreturn void arch_leave(struct arch_resume resume)
{
    world_left(resume);
    longjmp(mock_exit, MOCK_LEFT);
}

_Noreturn void kern_panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(mock_panic, sizeof(mock_panic), format, arguments);
    va_end(arguments);
    longjmp(mock_exit, MOCK_PANIC);
}

size_t arch_console_offer(const char *text, size_t bytes)
{
    if (bytes > mock_log_room)
        bytes = mock_log_room;
    strncat(mock_log, text, bytes);
    return bytes;
}

void kern_log(const char *format, ...)
{
    size_t used = strlen(mock_log);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(mock_log + used, sizeof(mock_log) - used, format, arguments);
    va_end(arguments);
}
