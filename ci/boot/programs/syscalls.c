// Issues system calls with random registers: syscalls SEED COUNT. Numbers that would end or
// stop the caller for ever are made rare by retrying in a child; whatever happens, only this
// program may suffer.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

// Mostly small numbers (handles, sizes), some pages, some noise.
static uint64_t argument(void)
{
    uint64_t value = next();
    switch (value & 7) {
    case 0:
        return value;
    case 1:
        return value & 0x7ffffffff000;
    case 2:
        return -(value >> 56);
    default:
        return (value >> 8) & 63;
    }
}

int main(int argc, char **argv)
{
    state = (argc > 1 ? strtoull(argv[1], NULL, 0) : 1) * 0x9e3779b97f4a7c15u;
    long count = argc > 2 ? strtol(argv[2], NULL, 0) : 1000;
    for (long i = 0; i < count; i++) {
        // Receiving waits for ever: never without NONBLOCK (bit 8).
        uint64_t rax = next() % 24 | 0x100;
        uint64_t rdi = argument(), rsi = argument(), rdx = argument();
        register uint64_t r8 __asm__("r8") = argument();
        register uint64_t r9 __asm__("r9") = argument();
        register uint64_t r10 __asm__("r10") = argument();
        register uint64_t r12 __asm__("r12") = argument();
        register uint64_t r13 __asm__("r13") = argument();
        __asm__ volatile("syscall"
                         : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9),
                           "+r"(r10), "+r"(r12), "+r"(r13)
                         :
                         : "rcx", "r11", "memory");
    }
    return 0;
}
