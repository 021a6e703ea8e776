// Short commands: true false echo pwd env sleep date kill clear.
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools.h"

extern char **environ;

int tool_true(int argc, char **argv)
{
    (void)argc, (void)argv;
    return 0;
}

int tool_false(int argc, char **argv)
{
    (void)argc, (void)argv;
    return 1;
}

int tool_echo(int argc, char **argv)
{
    int first = argc > 1 && strcmp(argv[1], "-n") == 0 ? 2 : 1;
    for (int i = first; i < argc; i++)
        printf("%s%s", i > first ? " " : "", argv[i]);
    if (first == 1)
        putchar('\n');
    return 0;
}

int tool_pwd(int argc, char **argv)
{
    char path[4096];
    (void)argv;
    if (argc > 1)
        return usage("");
    if (!getcwd(path, sizeof path))
        return fail(".");
    puts(path);
    return 0;
}

int tool_clear(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return usage("");
    fputs("\033[H\033[2J\033[3J", stdout);
    return 0;
}

// ---------------------------------------------------------------- env

int tool_env(int argc, char **argv)
{
    int first = 1, status;
    pid_t pid;
    for (; first < argc && strchr(argv[first], '='); first++)
        if (argv[first][0] == '=' || putenv(argv[first]) != 0)
            return usage("[NAME=VALUE...] [PROGRAM [ARGUMENT...]]");
    if (first < argc && argv[first][0] == '-')
        return usage("[NAME=VALUE...] [PROGRAM [ARGUMENT...]]");
    if (first == argc) {
        for (char **variable = environ; *variable; variable++)
            puts(*variable);
        return 0;
    }
    errno = posix_spawnp(&pid, argv[first], NULL, NULL, argv + first, environ);
    if (errno) {
        status = errno == ENOENT ? 127 : 126;
        fail(argv[first]);
        return status;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fail(argv[first]);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// ---------------------------------------------------------------- sleep, date

int tool_sleep(int argc, char **argv)
{
    char *end = NULL;
    double seconds = argc == 2 ? strtod(argv[1], &end) : -1;
    if (seconds < 0 || seconds > 1e9 || seconds != seconds || end == argv[1] || *end)
        return usage("SECONDS");
    struct timespec left = {.tv_sec = (time_t)seconds};
    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) < 0)
        if (errno != EINTR)
            return fail(argv[1]);
    return 0;
}

int tool_date(int argc, char **argv)
{
    char text[512];
    time_t now = time(NULL);
    if (argc > 2 || (argc == 2 && argv[1][0] != '+'))
        return usage("[+FORMAT]");
    const char *format = argc == 2 ? argv[1] + 1 : "%a %b %e %H:%M:%S UTC %Y";
    text[0] = 0;
    if (!strftime(text, sizeof text, format, gmtime(&now)) && *format)
        return usage("[+FORMAT] (the result is too long)");
    puts(text);
    return 0;
}

// ---------------------------------------------------------------- kill

static const struct {
    const char *name;
    int number;
} signals[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"ILL", SIGILL},
    {"ABRT", SIGABRT}, {"FPE", SIGFPE},   {"KILL", SIGKILL}, {"SEGV", SIGSEGV},
    {"PIPE", SIGPIPE}, {"ALRM", SIGALRM}, {"TERM", SIGTERM},
};

static int parse_signal(const char *text)
{
    unsigned long long number;
    if (parse_number(text, &number) && number < 32)
        return (int)number;
    if (strncmp(text, "SIG", 3) == 0)
        text += 3;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (strcmp(signals[i].name, text) == 0)
            return signals[i].number;
    return -1;
}

int tool_kill(int argc, char **argv)
{
    static const char how[] = "[-SIGNAL] PID... (TERM, KILL, INT, ... or a number)";
    int first = 1, number = SIGTERM, status = 0;
    if (argc > 2 && argv[1][0] == '-') {
        number = parse_signal(argv[1] + 1);
        first = 2;
    }
    if (first == argc || number < 0)
        return usage(how);
    for (int i = first; i < argc; i++) {
        unsigned long long pid;
        if (!parse_number(argv[i], &pid) || pid == 0 || pid > 0x7fffffff)
            return usage(how);
        if (kill((pid_t)pid, number) < 0)
            status = fail(argv[i]);
    }
    return status;
}
