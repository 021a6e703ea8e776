/// A world for tests: the kernel, booted on an array of memory with a small ELF as init, and
/// the means to make system calls as whichever thread runs.
///
/// Each TEST runs in a fork of its own, so each starts from the same fresh boot and may break
/// it.
#pragma once

#include <kern/cpu.h>
#include <kern/invariants.h>
#include <kern/ipc.h>
#include <kern/sched.h>
#include <kern/space.h>
#include <kern/untyped.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#define MOCK_LINES 24

enum { MOCK_RETURNED, MOCK_IDLE, MOCK_LEFT, MOCK_PANIC };

extern jmp_buf mock_exit;
extern char mock_panic[512], mock_log[65536];
extern size_t mock_log_room; ///< bytes that the serial line takes at once
/// Lines that are silent; those that fire again before they are acknowledged.
extern bool mock_masked[], mock_fired[], mock_timer_on;
/// CPUs that were interrupted by another.
extern bool mock_called[];
/// Runs in the next arch_relax(), once.
extern void (*mock_relax)(void);
/// The CPU that is interrupted next is at the lock already.
extern bool mock_entering;
extern uint8_t mock_ports[];

#define expect(condition)                                                                      \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition);           \
            _Exit(1);                                                                          \
        }                                                                                      \
    } while (0)

/// Compares numbers and shows both.
#define expect_equal(a, b)                                                                     \
    do {                                                                                       \
        uint64_t is_ = (uint64_t)(a), wanted_ = (uint64_t)(b);                                 \
        if (is_ != wanted_) {                                                                  \
            fprintf(stderr, "%s:%d: %s is %#lx, not %s = %#lx\n", __FILE__, __LINE__, #a, is_, \
                    #b, wanted_);                                                              \
            _Exit(1);                                                                          \
        }                                                                                      \
    } while (0)

#define expect_ok(call) expect_equal(call, OK)

/// Runs a test's body in a fork of the booted world.
int world_fork(const char *name, void (*body)(void));

#define TEST(name)                                                                             \
    static void name##_body(void);                                                             \
    static void name(void **state)                                                             \
    {                                                                                          \
        (void)state;                                                                           \
        assert_int_equal(world_fork(#name, name##_body), 0);                                   \
    }                                                                                          \
    static void name##_body(void)

/// Status of a system call that has not come back yet.
#define BLOCKED 0xb10cul

/// Boots: init's thread runs.
void world_boot(void);
/// What arch does on the way out: the lock is held until then.
void world_left(struct arch_resume resume);
void world_unlock(void);

/// Starts CPUs until there are `count`; they idle. mock_cpu says which one the test plays.
void world_add_cpus(uint32_t count);
/// Lets every CPU that was interrupted by another enter the kernel, until nobody is.
void world_calls(void);
/// The same for this CPU alone; whether it was interrupted.
bool world_call(void);

/// The thread that runs; null: the CPU is idle.
struct thread *running(void);

/// A system call of the running thread with these registers. Its status, or BLOCKED.
uint64_t kernel(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                uint64_t a4, uint64_t a5, uint64_t a6);
/// The same through syscall_general() at once.
uint64_t kernel_general(uint64_t number, uint64_t a0, uint64_t a1, const uint64_t words[6]);
/// With six message words.
uint64_t kernel_message(uint64_t number, uint64_t target, uint64_t tag,
                        const uint64_t words[6]);

/// The CPU's state was replaced: forget whether it idled.
void world_resume(void);

/// Events.
void fault(uint32_t kind, uint64_t address, uint64_t code);
void tick(void);
void interrupt(uint32_t line);

/// Whether `call` panics, with a text that contains `what`.
#define expect_panic(what, call)                                                               \
    do {                                                                                       \
        if (!setjmp(mock_exit)) {                                                              \
            call;                                                                              \
            fprintf(stderr, "%s:%d: no panic\n", __FILE__, __LINE__);                          \
            _Exit(1);                                                                          \
        }                                                                                      \
        expect(strstr(mock_panic, what));                                                      \
    } while (0)

// System calls by name, of the running thread.
uint64_t k_retype(uint32_t untyped, uint32_t kind, uint32_t bits, uint32_t count,
                  uint32_t slot);
uint64_t k_copy(uint32_t to, uint32_t from, uint32_t derive, uint64_t a, uint64_t b);
uint64_t k_move(uint32_t to, uint32_t from);
uint64_t k_delete(uint32_t slot);
uint64_t k_revoke(uint32_t slot);
uint64_t k_map(uint32_t cap, uint32_t vspace, uint64_t address, uint64_t flags);
uint64_t k_control(uint32_t thread, uint32_t op, uint64_t a, uint64_t b);
uint64_t k_call(uint32_t endpoint, uint64_t tag);
uint64_t k_send(uint32_t endpoint, uint64_t tag, bool wait);
uint64_t k_recv(uint32_t endpoint, uint32_t reply, bool wait);
uint64_t k_reply(uint32_t reply, uint64_t tag);
uint64_t k_reply_recv(uint32_t endpoint, uint32_t reply, uint64_t tag);
uint64_t k_signal(uint32_t endpoint);
uint64_t k_yield(void);
/// Repeats while E_MORE.
uint64_t k_delete_all(uint32_t slot);
uint64_t k_revoke_all(uint32_t slot);

/// A fresh handle of init's CSpace.
uint32_t fresh(void);
/// The slot at a handle of init's CSpace.
struct slot *slot_of(uint32_t handle);
/// An untyped of 2^bits to use up; objects from the large one.
uint32_t make(uint32_t kind, uint32_t bits);
uint32_t make_from(uint32_t untyped, uint32_t kind, uint32_t bits);
uint32_t mint(uint32_t endpoint, uint64_t badge, bool grant);
uint32_t mint_signal(uint32_t endpoint, uint64_t bits);

/// A thread that shares init's CSpace and VSpace, with a buffer of its own, started.
struct actor {
    uint32_t handle;
    uint32_t buffer;
    struct thread *thread;
};
struct actor actor_new(uint32_t priority, uint32_t fault, uint32_t supervisor,
                       uint32_t options);
/// One that runs on CPU 1; who runs on a CPU.
struct actor far_actor(uint32_t priority, uint32_t fault, uint32_t options);
struct thread *running_on(uint32_t number);
/// Yields until `thread` runs: it is ready, of the highest priority.
void run(struct thread *thread);

/// Init's handle of the largest untyped.
extern uint32_t world_untyped;
/// For tests that run many times.
extern uint64_t test_seed;

/// Which seeds the random tests take: the environment's PITH_SEED (1) and PITH_SEEDS (10).
uint64_t world_first_seed(void);
uint64_t world_seed_count(void);
extern struct thread *world_init;
extern const struct boot_info *world_info;
