// All tests of the kernel on the host, in one program.
#include "tests.h"

int main(void)
{
    int failed = 0;
    world_boot();
#define RUN(subject)                                                                           \
    failed += _cmocka_run_group_tests(#subject, subject##_tests, subject##_count, NULL, NULL)
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
    fflush(NULL);
    _Exit(failed
              ? 1
              : 0); // the leak checker does not go with forks, and the kernel allocates nothing
}
