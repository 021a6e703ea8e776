// Ends by the signal whose number is its argument: by its own doing where the CPU has a fault
// for it, else by kill.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int number = argc > 1 ? atoi(argv[1]) : 0;
    volatile int one = 1, zero = 0; // a constant 1 would be divided without a division
    switch (number) {
    case SIGILL:
        __builtin_trap();
    case SIGFPE:
        return one / zero;
    case SIGSEGV:
        return *(volatile int *)0;
    case SIGPIPE: {
        int ends[2];
        if (pipe(ends) != 0 || close(ends[0]) != 0)
            return 99;
        return (int)write(ends[1], "x", 1);
    }
    default:
        kill(getpid(), number);
        pause();
    }
    return 98;
}
