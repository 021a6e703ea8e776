/* The main of every program of the bench: runs the program's own (renamed program_main by
 * build.sh) with the arguments that build.sh fixes, followed by those of the command line, and
 * says on stderr how long it took: "main NANOSECONDS".
 */
#include <stdio.h>
#include <time.h>

enum { MOST_ARGUMENTS = 16 };

int program_main(int argc, char **argv);

static long long nanoseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv)
{
    static char *all[MOST_ARGUMENTS + 1] = {ARGUMENTS};
    int count = 0;
    while (all[count])
        count++;
    for (int i = 1; i < argc && count < MOST_ARGUMENTS; i++)
        all[count++] = argv[i];
    long long start = nanoseconds();
    int status = program_main(count, all);
    fflush(stdout);
    fprintf(stderr, "main %lld\n", nanoseconds() - start);
    return status;
}
