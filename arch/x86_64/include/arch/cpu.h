/// The state of the CPU that runs: per-CPU data, address space, FS base, idling, time.
///
/// kern's struct cpu begins with a struct arch_cpu; GS points at it in the kernel. The kernel
/// runs with interrupts off, but inside arch_idle().
#pragma once

#include <arch/address.h>
#include <arch/frame.h>

struct cpu; // kern's

/// CPUs that run at most; more are left out, with a word.
#define ARCH_CPUS_MAX 8

/// The head of kern's struct cpu. Entry and exit use the first four fields by offset.
struct arch_cpu {
    struct cpu *self;
    struct arch_frame *frame; ///< the running thread's, where entry saves; kern sets it
    uint64_t stack;           ///< top of this CPU's kernel stack
    uint64_t scratch;         ///< the user's rsp for a moment at entry
    uint64_t fs_base;         ///< what is loaded
    uint32_t number;          ///< 0 is the boot CPU
    uint32_t apic_id;
};

_Static_assert(offsetof(struct arch_cpu, self) == CPU_SELF, "layout.h");
_Static_assert(offsetof(struct arch_cpu, frame) == CPU_FRAME, "layout.h");
_Static_assert(offsetof(struct arch_cpu, stack) == CPU_STACK, "layout.h");
_Static_assert(offsetof(struct arch_cpu, scratch) == CPU_SCRATCH, "layout.h");

/// The CPU this runs on. Not volatile: the compiler may keep the result, as kernel code never
/// moves between CPUs.
static inline struct cpu *arch_cpu(void)
{
    struct cpu *self;
    __asm__("movq %%gs:0, %0" : "=r"(self));
    return self;
}

/// The time stamp counter, in ticks of arch_boot.tsc_hz.
static inline uint64_t arch_time(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/// Makes `top` (the first page of a VSpace) the address space.
static inline void arch_space_switch(struct phys top)
{
    __asm__ volatile("movq %0, %%cr3" ::"r"(top.at) : "memory");
}

static inline void arch_fs_write(struct arch_cpu *cpu, uint64_t base)
{
    cpu->fs_base = base;
    __asm__ volatile("wrmsr" ::"c"(0xc0000100), "a"((uint32_t)base), "d"(base >> 32));
}

/// Gives the thread of `frame` its FS base. It cannot be skipped just because the number is
/// the same as before: user code can zero its base (MOV FS, 0), unseen. It can when both are
/// zero, since a zero base is the only one that MOV FS makes.
static inline void arch_fs_switch(struct arch_cpu *cpu, const struct arch_frame *frame)
{
    if (__builtin_expect((cpu->fs_base | frame->fs_base) != 0, 0))
        // Read anew: the usual path then keeps nothing for this one.
        arch_fs_write(cpu, __atomic_load_n(&frame->fs_base, __ATOMIC_RELAXED));
}

/// Releases the lock and sleeps until an interrupt, which enters kern anew on an empty stack:
/// one that was sent before cannot be missed, since interrupts are let in only with the sleep.
/// May be called from any depth: nothing returns here.
_Noreturn void arch_idle(void);

/// Interrupts another CPU, which enters by kern_called().
void arch_interrupt(const struct arch_cpu *cpu);

/// Stops all CPUs but this one for good: the machine is lost.
void arch_stop_others(void);

/// One turn of a waiting loop.
static inline void arch_relax(void)
{
    __asm__ volatile("pause");
}

/// Leaves the kernel, as if an entry point of kern had returned `resume`: the lock is held.
_Noreturn void arch_leave(struct arch_resume resume);

/// Stops this CPU for good.
_Noreturn void arch_halt(void);
