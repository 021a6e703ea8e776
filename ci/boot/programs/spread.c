// spread N: starts N programs that compute for ever, shows the CPUs, and ends them.
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

int main(int count, char **arguments)
{
    pid_t children[8], cpus;
    int n = count > 1 ? atoi(arguments[1]) : 0, status;
    char *again[] = {arguments[0], NULL}, *show[] = {"cpus", NULL};
    if (n == 0)
        for (volatile unsigned long i = 0;; i++)
            ;
    for (int i = 0; i < n; i++)
        if (posix_spawnp(&children[i], arguments[0], NULL, NULL, again, environ))
            return 1;
    if (posix_spawnp(&cpus, "cpus", NULL, NULL, show, environ))
        return 2;
    waitpid(cpus, &status, 0);
    for (int i = 0; i < n; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    return WEXITSTATUS(status);
}
