/// CPUs among each other: the lock, and what one asks of another.
///
/// Always: only the holder of the lock asks, and it keeps the lock until everyone asked has
/// done the work. So a CPU that has the lock has an empty mailbox, and what the work changes is
/// read by nobody meanwhile. Everyone asked gets there: in user mode and asleep it is
/// interrupted, and in the kernel it either waits for the lock or is a few instructions away
/// from user mode.
#include <kern/cpu.h>

struct cpu kern_cpus[ARCH_CPUS_MAX];
struct arch_lock kern_lock;
uint32_t cpu_count;

struct arch_cpu *kern_cpu(uint32_t number)
{
    return &kern_cpus[number].arch;
}

void cpu_wait(void)
{
    struct cpu *cpu = arch_cpu();
    cpu_work *work = __atomic_load_n(&cpu->work, __ATOMIC_ACQUIRE);
    if (work) {
        work(cpu, cpu->work_a, cpu->work_b);
        __atomic_store_n(&cpu->work, NULL, __ATOMIC_RELEASE);
    }
    arch_relax();
}

void cpu_lock(void)
{
    arch_lock(&kern_lock, cpu_wait);
}

void cpu_ask(uint32_t cpus, cpu_work *work, uint64_t a, uint64_t b)
{
    for (uint32_t left = cpus; left; left &= left - 1) {
        struct cpu *cpu = &kern_cpus[__builtin_ctz(left)];
        cpu->work_a = a;
        cpu->work_b = b;
        __atomic_store_n(&cpu->work, work, __ATOMIC_RELEASE);
        arch_interrupt(&cpu->arch);
    }
    for (uint32_t left = cpus; left; left &= left - 1)
        while (__atomic_load_n(&kern_cpus[__builtin_ctz(left)].work, __ATOMIC_ACQUIRE))
            arch_relax();
}
