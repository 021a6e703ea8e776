// All tests of the kernel on the host, in one program. With an argument it ends at the first
// group that has a failure; a second one names the only group to run.
#include "tests.h"

int main(int count, char **arguments)
{
    int failed = 0;
    world_boot();
#define RUN(subject)                                                                           \
    do {                                                                                       \
        if ((!failed || count == 1) && (count < 3 || !strcmp(arguments[2], #subject)))         \
            failed += _cmocka_run_group_tests(#subject, subject##_tests, subject##_count,      \
                                              NULL, NULL);                                     \
    } while (0)
    RUN(caps);
    RUN(map);
    RUN(ipc);
    RUN(thread);
    RUN(fault);
    RUN(device);
    RUN(start);
    RUN(invariants);
    RUN(random);
    RUN(fast);
    RUN(cpus);
    RUN(elsewhere);
    RUN(lock);
    fflush(NULL);
    // The leak checker does not go with forks, and the kernel allocates nothing.
    _Exit(failed ? 1 : 0);
}
