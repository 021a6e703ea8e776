// guests COUNT SEED: kills COUNT guests (/guest.wasm, compiled and interpreted in turn) with
// signal 9, each at a random moment: while it is loaded and compiled, while it works, while it
// waits for room in a pipe that nobody reads. Meanwhile three more of the same work and check
// what they did: compiled, interpreted, and as a program of Pith's own (/guest). None of them
// may notice, and what the killed ones leave in /tmp can be removed.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP "/tmp/guests.stop"
#define MUST(condition)                                                                        \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            fprintf(stderr, "guests: line %d: %s, errno %d\n", __LINE__, #condition, errno);   \
            exit(1);                                                                           \
        }                                                                                      \
    } while (0)

enum { BEFORE_MS = 100, OTHERS = 3 }; // a guest is killed after at most that long

extern char **environ;

static char compiled[] = "--", interpreted[] = "--interpret";

/// A guest, or with `mode` null the program, that writes to `output`.
static pid_t begin(char *mode, char *name, int output)
{
    char *const guest[] = {"wasm", "--dir", "/::/", mode, "/guest.wasm", name, NULL};
    char *const native[] = {"guest", name, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    MUST(posix_spawn(&pid, mode ? "/bin/wasm" : "/guest", &actions, NULL, mode ? guest : native,
                     environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static void kill_one(int number)
{
    int ends[2], status = 0;
    MUST(pipe(ends) == 0);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    pid_t pid = begin(number % 2 ? compiled : interpreted, "victim", ends[1]);
    // Every eighth has long enough to fill its pipe.
    long ms = number % 8 ? rand() % BEFORE_MS : 5 * BEFORE_MS;
    struct timespec nap = {0, ms * 1000000 + rand() % 1000000};
    while (nanosleep(&nap, &nap) < 0)
        MUST(errno == EINTR);
    MUST(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    MUST(close(ends[0]) == 0 && close(ends[1]) == 0);
    MUST(unlink("/tmp/victim") == 0 || errno == ENOENT);
    MUST(unlink("/tmp/victim.moved") == 0 || errno == ENOENT);
}

int main(int argc, char **argv)
{
    pid_t others[OTHERS];
    int silent = open("/dev/null", O_WRONLY | O_CLOEXEC), count = argc == 3 ? atoi(argv[1]) : 0;
    if (count <= 0)
        return 2;
    srand((unsigned)atoi(argv[2]));
    MUST(silent >= 0);
    others[0] = begin(compiled, "compiled", silent);
    others[1] = begin(interpreted, "interpreted", silent);
    others[2] = begin(NULL, "native", silent);
    for (int i = 0; i < count; i++)
        kill_one(i);
    MUST(close(open(STOP, O_WRONLY | O_CREAT, 0644)) == 0);
    for (int i = 0; i < OTHERS; i++) {
        int status = -1;
        MUST(waitpid(others[i], &status, 0) == others[i] && status == 0);
    }
    MUST(unlink(STOP) == 0);
    printf("%d killed\n", count);
    return 0;
}
