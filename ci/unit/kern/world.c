// Boots the kernel on the host and makes system calls in it.
#include "world.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

uint32_t world_untyped;
uint64_t test_seed;
struct thread *world_init;
const struct boot_info *world_info;
static uint32_t next_handle;
static struct arch_boot boot;
static bool idle[ARCH_CPUS_MAX];

static uint64_t environment_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

uint64_t world_first_seed(void)
{
    return environment_number("PITH_SEED", 1);
}

uint64_t world_seed_count(void)
{
    return environment_number("PITH_SEEDS", 10);
}

enum { MODULE_AT = 0x200000, FREE_AT = 0x400000 };

/// The least ELF that the kernel loads: one page of code.
static void build_init(uint8_t *at)
{
    static const uint8_t header[64] = {0x7f, 'E',       'L',       'F',       2,           1,
                                       1,    [16] = 2,  [18] = 62, [20] = 1,  [24] = 0x10, 0x10,
                                       0x40, [32] = 64, [52] = 64, [54] = 56, [56] = 1};
    static const uint64_t segment[7] = {5ul << 32 | 1, 0, 0x401000, 0x401000, 200, 5000, 4096};
    memcpy(at, header, sizeof(header));
    memcpy(at + 64, segment, sizeof(segment));
}

static void build_machine(void)
{
    mock_memory = aligned_alloc(1 << 21, MOCK_MEMORY);
    memset(mock_memory, 0xa5, MOCK_MEMORY); // free memory is dirty
    build_init(mock_memory + MODULE_AT);
    arch_space_init(arch_space_kernel());
    boot = (struct arch_boot){
        .ranges = {{phys(0), phys(FREE_AT), ARCH_RANGE_DEVICE},
                   {phys(FREE_AT), phys(MOCK_MEMORY), ARCH_RANGE_FREE},
                   {phys(MOCK_MEMORY), phys(1ul << 40), ARCH_RANGE_DEVICE}},
        .range_count = 3,
        .modules = {{phys(MODULE_AT), 4096, "init"}},
        .module_count = 1,
        .memory_bytes = MOCK_MEMORY,
        .cpu_count = 1,
        .apic_ids = {4},
        .irq_count = MOCK_LINES,
        .tsc_hz = 1000000000,
        .build_id = "0123456789",
    };
    for (unsigned i = 0; i < MOCK_LINES; i++)
        mock_masked[i] = true;
    for (unsigned i = 0; i < ARCH_CPUS_MAX; i++)
        kern_cpus[i].arch.number = i;
}

void world_unlock(void)
{
    expect_equal(kern_lock.owner + 1, kern_lock.next);
    arch_unlock(&kern_lock);
}

void world_left(struct arch_resume resume)
{
    idle[mock_cpu] = false;
    expect(resume.frame == arch_cpu()->arch.frame);
    if (resume.words)
        arch_frame_copy_words(resume.frame, resume.words);
    else
        resume.frame->trapped = 0;
    world_unlock();
}

void world_boot(void)
{
    build_machine();
    if (!setjmp(mock_exit))
        kern_main(&boot);
    expect(!*mock_panic);
    const struct boot_info *info = NULL;
    uint64_t best = 0;
    for (uint64_t at = FREE_AT; at < MOCK_MEMORY && !info; at += 4096)
        if (*(uint64_t *)(mock_memory + at) == BOOT_INFO_MAGIC)
            info = (const struct boot_info *)(mock_memory + at);
    expect(info);
    for (uint32_t i = 0; i < info->untyped_count; i++)
        if (!info->untypeds[i].device && info->untypeds[i].bits > best) {
            best = info->untypeds[i].bits;
            world_untyped = info->untypeds[i].slot;
        }
    next_handle = info->free_slot;
    world_info = info;
    world_init = running();
}

uint32_t fresh(void)
{
    if (next_handle % SLOTS_PER_PAGE == 0)
        next_handle++;
    return next_handle++;
}

struct slot *slot_of(uint32_t handle)
{
    return cspace_slot(world_init->cspace, handle);
}

void run(struct thread *thread)
{
    for (unsigned i = 0; i < 1000 && running() != thread; i++)
        expect_ok(k_yield());
    expect(running() == thread);
}

int world_fork(const char *name, void (*body)(void))
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        static const int signals[] = {SIGSEGV, SIGFPE, SIGILL, SIGBUS};
        for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
            signal(signals[i], SIG_DFL); // cmocka's would go on with the next test in here
        alarm(60);
        body();
        if (!setjmp(mock_exit)) {
            invariants_check();
            _Exit(0);
        }
        fprintf(stderr, "%s: afterwards: %s\n", name, mock_panic);
        _Exit(1);
    }
    waitpid(child, &status, 0);
    if (status)
        fprintf(stderr, "%s failed\n", name);
    return status;
}

void world_resume(void)
{
    idle[mock_cpu] = false;
}

struct thread *running(void)
{
    return idle[mock_cpu] ? NULL : cpu_thread(arch_cpu());
}

/// Enters the kernel through `enter` and sees what comes out.
static void enter(struct arch_resume (*go)(void *), void *argument)
{
    int how = setjmp(mock_exit);
    if (!how) {
        world_left(go(argument));
        return;
    }
    if (how == MOCK_PANIC) {
        fprintf(stderr, "kernel panic: %s\n", mock_panic);
        _Exit(1);
    }
    expect(how == MOCK_IDLE || how == MOCK_LEFT);
    idle[mock_cpu] = how == MOCK_IDLE;
}

static struct arch_resume go_syscall(void *frame)
{
    struct arch_frame *f = frame;
    return kern_syscall(f->rdi, f->rsi, f);
}

static struct arch_resume go_general(void *frame)
{
    cpu_lock();
    return syscall_general(frame);
}

/// Makes the call whose registers are in the frame. BLOCKED unless its thread runs or is ready.
static uint64_t make_call(struct thread *self, struct arch_resume (*go)(void *))
{
    uint64_t rbx = self->frame.rbx, number = self->frame.rax;
    self->frame.trapped = 0;
    enter(go, &self->frame);
    expect(self->frame.rbx == rbx || number == SYSCALL_THREAD_CONTROL); // RETURN
    enum thread_state state = thread_state(self);
    bool over = state == THREAD_STATE_RUNNING || state == THREAD_STATE_READY;
    return over ? self->frame.rax : BLOCKED;
}

uint64_t kernel(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                uint64_t a4, uint64_t a5, uint64_t a6)
{
    const uint64_t words[6] = {a2, a3, a4, a5, a6, 0};
    return kernel_message(number, a0, a1, words);
}

static struct thread *load(uint64_t number, uint64_t target, uint64_t tag,
                           const uint64_t words[6])
{
    struct thread *self = running();
    expect(self);
    self->frame.rax = number;
    self->frame.rdi = target;
    self->frame.rsi = tag;
    for (unsigned i = 0; i < 6; i++)
        arch_frame_set_word(&self->frame, i, words[i]);
    return self;
}

uint64_t kernel_message(uint64_t number, uint64_t target, uint64_t tag, const uint64_t words[6])
{
    return make_call(load(number, target, tag, words), go_syscall);
}

uint64_t kernel_general(uint64_t number, uint64_t target, uint64_t tag, const uint64_t words[6])
{
    return make_call(load(number, target, tag, words), go_general);
}

static void interrupted(void)
{
    struct thread *self = running();
    if (self)
        self->frame.trapped = 1;
}

static struct arch_resume go_cpu(void *argument)
{
    (void)argument;
    kern_cpu_main();
}

static struct arch_resume go_called(void *argument)
{
    (void)argument;
    interrupted();
    return kern_called();
}

void world_add_cpus(uint32_t count)
{
    for (; cpu_count < count; cpu_count++) {
        mock_cpu = cpu_count;
        enter(go_cpu, NULL);
        expect(idle[mock_cpu]);
    }
    mock_cpu = 0;
}

bool world_call(void)
{
    bool called = mock_called[mock_cpu];
    mock_called[mock_cpu] = false;
    if (called)
        enter(go_called, NULL);
    return called;
}

void world_calls(void)
{
    uint32_t self = mock_cpu;
    bool again;
    do {
        again = false;
        for (mock_cpu = 0; mock_cpu < cpu_count; mock_cpu++) {
            again |= world_call();
        }
    } while (again);
    mock_cpu = self;
}

struct event {
    uint32_t kind;
    uint64_t address, code;
};

static struct arch_resume go_fault(void *argument)
{
    struct event *event = argument;
    struct thread *self = running();
    self->frame.trapped = 1;
    return kern_fault(&self->frame, event->kind, event->address, event->code);
}

void fault(uint32_t kind, uint64_t address, uint64_t code)
{
    struct event event = {kind, address, code};
    enter(go_fault, &event);
}

static struct arch_resume go_tick(void *argument)
{
    (void)argument;
    interrupted();
    return kern_timer();
}

void tick(void)
{
    enter(go_tick, NULL);
}

static struct arch_resume go_interrupt(void *argument)
{
    uint32_t line = *(uint32_t *)argument;
    interrupted();
    return kern_interrupt(line);
}

void interrupt(uint32_t line)
{
    enter(go_interrupt, &line);
}
