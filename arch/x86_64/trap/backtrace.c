/// The registers and the call chain for a panic.
///
/// The kernel keeps no frame pointers: they would cost instructions in every system call. So
/// the stack is searched for values that point behind a CALL in the kernel's code. A stale one
/// may slip in; none is missed.

#include "cpu/cpu.h"
#include "trap/symbols.h"
#include <arch/console.h>
#include <arch/kern.h>

enum { LINES_MAX = 12 };

/// What each CPU met: one that panics shows its own, whatever the others do meanwhile.
static const struct trap_state *exceptions[ARCH_CPUS_MAX];

extern const uint8_t text_start[], text_end[]; // boot/kernel.ld

static const struct arch_cpu *this_cpu(void)
{
    return (const struct arch_cpu *)arch_cpu();
}

void backtrace_from(const struct trap_state *state)
{
    exceptions[this_cpu()->number] = state;
}

static void print_state(const struct trap_state *s)
{
    kern_log("rip %016lx  rsp %016lx  rflags %08lx  code %lx\n", s->rip, s->rsp, s->rflags,
             s->code);
    kern_log("rax %016lx  rbx %016lx  rcx %016lx\n", s->rax, s->rbx, s->rcx);
    kern_log("rdx %016lx  rsi %016lx  rdi %016lx\n", s->rdx, s->rsi, s->rdi);
    kern_log("rbp %016lx  r8  %016lx  r9  %016lx\n", s->rbp, s->r8, s->r9);
    kern_log("r10 %016lx  r11 %016lx  r12 %016lx\n", s->r10, s->r11, s->r12);
    kern_log("r13 %016lx  r14 %016lx  r15 %016lx\n", s->r13, s->r14, s->r15);
    kern_log("cr2 %016lx  cr3 %016lx\n", CR_READ(2), CR_READ(3));
}

static bool follows_call(uint64_t address)
{
    if (address < (uint64_t)text_start + 8 || address >= (uint64_t)text_end)
        return false;
    const uint8_t *at = (const uint8_t *)address;
    bool direct = at[-5] == 0xe8;
    bool by_register = at[-2] == 0xff && (at[-1] & 0xf8) == 0xd0;
    bool by_memory = at[-7] == 0xff && (at[-6] & 0x38) == 0x10;
    return direct || by_register || by_memory;
}

/// One line: address, function and offset. `back` is 1 for a return address, which may lie
/// behind the last instruction of the function that called.
static void print_address(uint64_t address, uint32_t back)
{
    uint32_t low = (address & 0x7fffffff) - back, i = 0;
    bool code = address >= (uint64_t)text_start && address < (uint64_t)text_end;
    while (code && i < symbols_count && symbols[i].address <= low)
        i++;
    if (i == 0)
        kern_log("  %016lx\n", address);
    else
        kern_log("  %016lx %s+%x\n", address, symbols_names + symbols[i - 1].name,
                 low + back - symbols[i - 1].address);
}

/// Prints what returns are found from `at` up to `top`.
static void search(uint64_t at, uint64_t top)
{
    int lines = 0;
    for (at = (at + 7) & ~7ul; at + 8 <= top && lines < LINES_MAX; at += 8) {
        uint64_t value = *(const uint64_t *)at;
        if (follows_call(value)) {
            print_address(value, 1);
            lines++;
        }
    }
}

void arch_backtrace(void)
{
    const struct trap_state *exception = exceptions[this_cpu()->number];
    uint64_t top = this_cpu()->stack, bottom = top - STACK_BYTES;
    uint64_t at = (uint64_t)__builtin_frame_address(0);
    if (exception) {
        print_state(exception);
        print_address(exception->rip, 0);
        at = exception->rsp;
    }
    if (bottom - at <= ARCH_PAGE_BYTES)
        at = bottom; // it overflowed into the guard page
    if (at - bottom <= STACK_BYTES)
        search(at, top);
}
