/// A runtime for test programs that the kernel starts in place of init: no server, no libc.
///
/// It takes memory from the largest untyped and never gives any back; a program ends by
/// printing its last line, and the host stops the emulator.
#pragma once

#include <pith/abi.h>
#include <pith/syscall.h>
#include <stdbool.h>
#include <stddef.h>

/// Code that is copied into other address spaces, at the same addresses. It calls nothing and
/// refers to nothing outside itself.
#define FAR __attribute__((section(".far"), noinline))

enum { PAGE = 4096, FAR_STACK_BYTES = PAGE };

/// Seconds that something may take before it counts as lost: the machine may be a slow one.
enum { PATIENCE_SECONDS = 30 };

static inline const struct boot_info *boot(void)
{
    return (const struct boot_info *)BOOT_INFO_ADDRESS;
}

/// The IPC buffer of the first thread.
static inline struct ipc_buffer *buffer(void)
{
    return (struct ipc_buffer *)BOOT_BUFFER_ADDRESS;
}

static inline uint64_t clock(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/// Each program's own.
void guest_main(void);

/// To the kernel's log. %s %u %x, each with optional l.
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// Prints what, where, and stops. A program cannot go on without what it set up.
_Noreturn void die(const char *what, const char *file, unsigned line);
#define MUST(condition) ((condition) ? (void)0 : die(#condition, __FILE__, __LINE__))

/// The first of `count` free, consecutive slots.
uint32_t slots_take(uint32_t count);

/// The untyped that objects are made of now.
uint32_t memory_slot(void);

/// A new object.
uint32_t make(enum kind kind, uint32_t bits);

/// Maps `frame`, supplying the page tables that are missing.
enum status map_at(uint32_t frame, uint32_t vspace, uint64_t address, uint32_t flags);

/// A page that is nowhere mapped, in the program's own space: for stacks and buffers.
uint64_t address_take(uint64_t bytes);

/// A new address space with the FAR code.
uint32_t space_make(void);

/// What thread_make() needs; 0 for what is not wanted.
struct thread_plan {
    uint32_t vspace; ///< 0: the program's own
    uint32_t cspace; ///< 0: the program's own
    void (*entry)(uint64_t, uint64_t, uint64_t);
    uint64_t arguments[3];
    uint32_t fault; ///< endpoint capability for its faults
    uint32_t priority;
    bool fpu;
    uint64_t fs_base;
};

struct guest_thread {
    uint32_t thread, buffer_frame;
    struct ipc_buffer *buffer; ///< as it sees it; in the program's own space as we do
    uint64_t stack;            ///< its stack pointer at the start
};

/// A thread with stack and IPC buffer, not started.
struct guest_thread thread_make(const struct thread_plan *plan);
void thread_start(const struct guest_thread *thread);
enum status thread_do(uint32_t thread, enum thread_op op, uint64_t a, uint64_t b);

/// A capability of `endpoint` to call and send through, with `badge`.
uint32_t caller_make(uint32_t endpoint, uint64_t badge);
