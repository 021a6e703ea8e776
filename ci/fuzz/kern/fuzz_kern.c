// libFuzzer's target: the kernel on the host, two CPUs, threads and objects of all sorts; the
// input is a sequence of system calls with any arguments, faults, interrupts and ticks.
//
// The kernel is its debug build: it examines what each call names, and everything every 4,096
// calls; everything at the end of each input too. Each input starts from the same state: memory
// is a private mapping of a snapshot, and the kernel's and the mock's variables, which run.sh
// has put into sections of their own, are copied back. Init's Debug capability may not write:
// who may can ask for a panic (seeds/49).
#include "chaos.h"
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CPUS = 2, STEPS = 600, WINDOW = 160 };

extern uint8_t __start_kern_data[], __stop_kern_data[], __start_kern_bss[], __stop_kern_bss[];

static struct chaos chaos;
static uint8_t *saved;
static const uint8_t *input, *input_end;

/// Plain copying: what lies between the variables is the sanitizer's own.
__attribute__((no_sanitize("address"), noinline)) static void
copy(uint8_t *to, const uint8_t *from, size_t bytes)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
}

static void snapshot(void)
{
    size_t data = (size_t)(__stop_kern_data - __start_kern_data);
    size_t bss = (size_t)(__stop_kern_bss - __start_kern_bss);
    int file = memfd_create("memory", 0);
    saved = mmap(NULL, data + bss, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(file >= 0 && saved != MAP_FAILED);
    for (size_t at = 0; at < MOCK_MEMORY;) {
        ssize_t written = write(file, mock_memory + at, MOCK_MEMORY - at);
        expect(written > 0);
        at += (size_t)written;
    }
    expect(mmap(mock_memory, MOCK_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file,
                0) == mock_memory);
    copy(saved, __start_kern_data, data);
    copy(saved + data, __start_kern_bss, bss);
}

static void restore(void)
{
    size_t data = (size_t)(__stop_kern_data - __start_kern_data);
    copy(__start_kern_data, saved, data);
    copy(__start_kern_bss, saved + data, (size_t)(__stop_kern_bss - __start_kern_bss));
    expect(!madvise(mock_memory, MOCK_MEMORY, MADV_DONTNEED)); // back to the file's contents
}

// ---------------------------------------------------------------- from bytes to arguments

static uint8_t byte(void)
{
    return input < input_end ? *input++ : 0;
}

static uint64_t raw(unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | byte();
    return value;
}

/// A handle of the objects that were prepared or of free slots behind them.
static uint64_t handle(uint8_t b)
{
    return world_info->free_slot + b;
}

/// One byte for what calls usually want; anything at all for a few more.
static uint64_t argument(void)
{
    static const uint64_t places[] = {0x401000,
                                      0x40000000,
                                      1ul << 39,
                                      0x7fffffffe000,
                                      0x7ffffffff000,
                                      0x800000000000,
                                      0xffff800000000000,
                                      1ul << 63,
                                      ~0ul,
                                      BOOT_BUFFER_ADDRESS,
                                      RIGHT_ALL,
                                      1ul << 32,
                                      7ul << 7,
                                      64,
                                      65,
                                      MAP_READ | MAP_WRITE};
    uint8_t b = byte();
    if (b < WINDOW)
        return handle(b);
    if (b < 200)
        return b - WINDOW; // 0 to 39: numbers, kinds, init's own handles
    if (b < 216)
        return places[b - 200];
    if (b < 232)
        return handle(byte() % WINDOW) | handle(byte() % WINDOW) << 32; // endpoint and Reply
    return raw(1 + b % 8);
}

static void system_call(uint8_t number)
{
    uint64_t words[6], target = argument(), tag = argument();
    for (unsigned i = 0; i < 6; i++)
        words[i] = argument();
    kernel_message(number == 255 ? raw(3) : number % (SYSCALL_COUNT + 1), target, tag, words);
}

/// What is asked for most, with few bytes.
static void message(void)
{
    uint8_t b = byte();
    uint32_t endpoint = chaos.endpoints[b % 6], reply = chaos.replies[b >> 3 & 3];
    uint8_t how = byte();
    const uint64_t words[6] = {how & 3};
    uint64_t tag = (how & 64 ? 1u << TAG_CAPS_SHIFT : 0) | (how & 128 ? 20 : how >> 4 & 3);
    static const uint8_t numbers[] = {SYSCALL_CALL, SYSCALL_RECV,  SYSCALL_REPLY_RECV,
                                      SYSCALL_SEND, SYSCALL_REPLY, SYSCALL_SIGNAL};
    kernel_message(numbers[how % 6], endpoint | (uint64_t)reply << 32, tag, words);
}

static void buffer(void)
{
    struct ipc_buffer *b = running()->buffer;
    uint8_t which = byte();
    if (!b)
        return;
    if (which < 3)
        b->caps[which] = (uint32_t)argument();
    else if (which < 6)
        b->slots[which - 3] = (uint32_t)argument();
    else
        memcpy((uint8_t *)b->registers + which % 56 * 8, &(uint64_t){argument()}, 8);
}

static void step(void)
{
    uint8_t what = byte();
    mock_cpu = what >> 7 & (CPUS - 1);
    bool taken = cpu_thread(arch_cpu()) == &arch_cpu()->idle;
    what &= 127;
    if ((what < 8 || taken) && mock_called[mock_cpu])
        world_call();
    else if (taken || what < 12)
        tick();
    else if (what < 14)
        interrupt(byte() % MOCK_LINES);
    else if (what < 17)
        fault(1 + byte() % 13, argument(), byte());
    else if (what < 28)
        buffer();
    else if (what < 60)
        message();
    else
        system_call(what == 127 ? 255 : what - 60);
}

static void leave(void)
{
    _exit(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!saved) {
        world_boot();
        world_add_cpus(CPUS);
        chaos_prepare(&chaos, 1);
        for (unsigned i = 1; i < CHAOS_THREADS; i += 2)
            expect_ok(k_control(chaos.actors[i].handle, THREAD_OP_CPU, 1, 0));
        slot_of(BOOT_SLOT_DEBUG)->rights &= (uint8_t)~RIGHT_WRITE;
        snapshot();
        atexit(leave); // libFuzzer's own thread outlives what exit() destroys
    }
    restore();
    input = data;
    input_end = data + size;
    for (unsigned i = 0; i < STEPS && input < input_end; i++)
        step();
    if (setjmp(mock_exit)) {
        fprintf(stderr, "kernel panic: %s\n", mock_panic);
        abort();
    }
    invariants_check();
    return 0;
}

/// Ends a test that failed.
_Noreturn void fuzz_exit(int status);
_Noreturn void fuzz_exit(int status)
{
    (void)status;
    abort();
}
