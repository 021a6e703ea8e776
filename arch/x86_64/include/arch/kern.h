/// The other direction: what kern provides to arch.
///
/// All run on the CPU's kernel stack with interrupts off and GS at the CPU's struct cpu. Each
/// takes the lock itself; it is released where the last register has been loaded on the way
/// out, or by arch_idle().
#pragma once

#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/lock.h>

/// Everything in kern is behind this one lock.
extern struct arch_lock kern_lock;

/// The head of the struct cpu of CPU `number`, zeroed at boot; arch fills it.
struct arch_cpu *kern_cpu(uint32_t number);

/// Builds the first process and enters user mode by arch_leave(). The boot CPU.
_Noreturn void kern_main(const struct arch_boot *boot);

/// Every other CPU, before kern_main(): sleeps until there is something to do. Once
/// kern_cpu()->frame is set, it can be given work.
_Noreturn void kern_cpu_main(void);

/// A system call of the running thread: its registers are in `frame` (= arch_cpu.frame), rdi
/// and rsi at hand too. What it returns has `words`: for a thread that must leave by IRET it
/// calls arch_leave() instead. Need not preserve any register but rsp.
struct arch_resume kern_syscall(uint64_t rdi, uint64_t rsi, struct arch_frame *frame);

/// The running thread faulted in user mode: numbers as in enum fault and struct fault. This and
/// the next three return any arch_resume.
struct arch_resume kern_fault(struct arch_frame *frame, uint32_t kind, uint64_t address,
                              uint64_t code);

/// Line `line` fired, while the running thread was in user mode or the CPU in arch_idle().
struct arch_resume kern_interrupt(uint32_t line);

/// The tick of arch_timer_start().
struct arch_resume kern_timer(void);

/// Another CPU's arch_interrupt(), or an interrupt that is nobody's.
struct arch_resume kern_called(void);

/// A kernel bug: prints reason, values, backtrace and build id, stops. Formats: %s %c %d %u %x
/// with optional l, zero flag and width.
__attribute__((format(printf, 1, 2))) _Noreturn void kern_panic(const char *format, ...);

/// Prints to the kernel's log (serial; the screen too once a panic took it).
__attribute__((format(printf, 1, 2))) void kern_log(const char *format, ...);
