/* The entry of a program over newlib. In a file of its own, so that main is referred to by the
 * start file as everywhere, and the rest can come from a library. */
#include "glue.h"

int main(int argc, char **argv, char **envp);
_Noreturn void libc_start(const struct startup *startup, int (*main)(int, char **, char **))
    GLUE(start);
_Noreturn void _start(const struct startup *startup);

_Noreturn void _start(const struct startup *startup)
{
    libc_start(startup, main);
}
