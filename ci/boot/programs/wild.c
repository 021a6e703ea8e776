// Does one forbidden thing, named by its argument.
#include <stdint.h>
#include <string.h>

static int recurse(volatile char *above)
{
    volatile char here[4096];
    here[0] = above[0];
    return recurse(here) + here[0];
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    volatile int one = 1, zero = 0; // or the compiler knows a way without dividing
    if (strcmp(how, "null") == 0)
        return *(volatile int *)0;
    if (strcmp(how, "wild") == 0)
        return *(volatile int *)0x123456789000;
    if (strcmp(how, "kernel") == 0)
        return *(volatile int *)0xffffffff80100000;
    if (strcmp(how, "jump") == 0)
        ((void (*)(void))0x666000)();
    if (strcmp(how, "write-text") == 0)
        *(volatile char *)(uintptr_t)main = 0;
    if (strcmp(how, "stack") == 0)
        return recurse(argv[0]);
    if (strcmp(how, "privileged") == 0)
        __asm__ volatile("hlt");
    if (strcmp(how, "port") == 0)
        __asm__ volatile("outb %%al, $0x80" : : "a"(0));
    if (strcmp(how, "divide") == 0)
        return one / zero;
    if (strcmp(how, "opcode") == 0)
        __asm__ volatile("ud2");
    return 99;
}
