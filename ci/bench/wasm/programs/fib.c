/* Fibonacci numbers by the recursion that defines them: calls and little else. */
#include "work.h"

static uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(int argc, char **argv)
{
    printf("%u\n", (unsigned)fib((uint32_t)work_amount(argc, argv, 39)));
    return 0;
}
