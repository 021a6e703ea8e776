// regions DEPTH ID...: DEPTH programs take the records that memory has of regions until there
// are no more; the last one then ends each server and uses all of them. 0: they started again.
// All begin before one takes: each appends a byte to MARKS then, and another when it has taken.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MARKS "/tmp/regions.marks"
#define BEGUN "/tmp/regions.begun" // there when all have begun

extern char **environ;

static void nap(void)
{
    const struct timespec time = {0, 10000000};
    nanosleep(&time, 0);
}

static void mark(int marks)
{
    if (write(marks, "x", 1) != 1)
        exit(5);
}

static off_t marked(int marks)
{
    struct stat status;
    return fstat(marks, &status) ? 0 : status.st_size;
}

// Neighbours of different protection do not become one.
static void take(void)
{
    int protection = PROT_READ;
    while (mmap(0, 4096, protection, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0) != MAP_FAILED)
        protection ^= PROT_WRITE;
}

static int use(const char *id)
{
    int pid = atoi(id), folder = -1;
    const struct timespec time = {0, 20000000};
    bool done = !kill(pid, SIGKILL) && !nanosleep(&time, 0) && !kill(getpid(), 0) &&
                (folder = open("/tmp", O_RDONLY)) >= 0;
    int error = done ? 0 : errno;
    close(folder);
    return error;
}

int main(int count, char **arguments)
{
    int depth = atoi(arguments[1]), status,
        marks = open(MARKS, O_RDWR | O_CREAT | O_APPEND, 0666);
    char next[12];
    pid_t child;
    mark(marks);
    if (depth == 0) {
        close(open("/tmp", O_RDONLY)); // what files shares with it needs a region
        off_t all = marked(marks);
        close(open(BEGUN, O_WRONLY | O_CREAT, 0666));
        while (marked(marks) < 2 * all - 1)
            nap();
        take();
        for (int i = 2; i < count; i++)
            if ((status = use(arguments[i])) != 0)
                return status;
        return 0;
    }
    snprintf(next, sizeof next, "%d", depth - 1);
    arguments[1] = next;
    if (posix_spawn(&child, arguments[0], 0, 0, arguments, environ))
        return 1;
    while (access(BEGUN, F_OK))
        nap();
    take();
    mark(marks);
    return waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : 1;
}
