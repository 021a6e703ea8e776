/* Children: what they get, how they end, what their parent is told. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static volatile sig_atomic_t terminated;

static void on_term(int signal)
{
    (void)signal;
    terminated = 1;
}

int child_main(int argc, char **argv)
{
    const char *what = argc > 0 ? argv[0] : "";
    char path[256];
    if (strcmp(what, "exit") == 0) {
        return atoi(argv[1]);
    } else if (strcmp(what, "echo") == 0) {
        for (int i = 1; i < argc; i++) {
            printf("[%s]", argv[i]);
        }
        printf("%s %s\n", getenv("CHILD"), getcwd(path, sizeof path));
    } else if (strcmp(what, "cat") == 0) {
        for (int c; (c = getchar()) != EOF;) {
            putchar(c);
        }
    } else if (strcmp(what, "open") == 0) {
        return fcntl(atoi(argv[1]), F_GETFD) < 0 ? errno : 0;
    } else if (strcmp(what, "lock") == 0) {
        struct flock lock = {
            .l_type = (short)atoi(argv[2]), .l_start = atol(argv[3]), .l_len = atol(argv[4])};
        return fcntl(open(argv[1], O_RDWR), F_SETLK, &lock) < 0 ? errno : 0;
    } else if (strcmp(what, "abort") == 0) {
        abort();
    } else if (strcmp(what, "fault") == 0) {
        volatile int *volatile nowhere = NULL;
        *nowhere = 1;
    } else if (strcmp(what, "pipe") == 0) {
        while (write(1, "flood", 5) > 0) {
        }
        return 1;
    } else if (strcmp(what, "wait") == 0) {
        signal(SIGTERM, on_term);
        write(1, "ready", 5);
        while (!terminated) {
            pause();
        }
        return 77;
    } else if (strcmp(what, "sleep") == 0) {
        sleep(1000);
    }
    return 0;
}

/* Starts this program as a child. 0: errno says why not. */
static pid_t start(const posix_spawn_file_actions_t *actions, char *const arguments[])
{
    char *argv[8] = {(char *)self, (char *)"--child"};
    char *envp[] = {(char *)"CHILD=of mine", NULL};
    for (int i = 0; i < 5 && arguments[i]; i++) {
        argv[i + 2] = arguments[i];
    }
    pid_t pid = 0;
    errno = posix_spawnp(&pid, self, actions, NULL, argv, envp);
    return errno ? 0 : pid;
}

#define ARGUMENTS(...)                                                                         \
    (char *const[])                                                                            \
    {                                                                                          \
        __VA_ARGS__, NULL                                                                      \
    }

/* The child's status, or -1. */
static int outcome(char *const arguments[])
{
    int status = -1;
    pid_t pid = start(NULL, arguments);
    return pid && waitpid(pid, &status, 0) == pid ? status : -1;
}

int lock_in_child(const char *path, int type, long start, long length)
{
    char text[3][24];
    snprintf(text[0], sizeof text[0], "%d", type);
    snprintf(text[1], sizeof text[1], "%ld", start);
    snprintf(text[2], sizeof text[2], "%ld", length);
    return WEXITSTATUS(outcome(ARGUMENTS("lock", (char *)path, text[0], text[1], text[2])));
}

/* What the child writes to its standard output. */
static size_t output(posix_spawn_file_actions_t *actions, char *const arguments[], char *text,
                     size_t max)
{
    int ends[2], status;
    size_t size = 0;
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    CHECK(posix_spawn_file_actions_adddup2(actions, ends[1], 1) == 0);
    pid_t pid = start(actions, arguments);
    close(ends[1]);
    for (ssize_t got; pid && (got = read(ends[0], text + size, max - 1 - size)) > 0;) {
        size += (size_t)got;
    }
    text[size] = 0;
    close(ends[0]);
    CHECK(pid && waitpid(pid, &status, 0) == pid && status == 0);
    return size;
}

static void test_ends(void)
{
    int status = outcome(ARGUMENTS("exit", "5"));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
    CHECK(WEXITSTATUS(outcome(ARGUMENTS("exit", "300"))) == 44);
    status = outcome(ARGUMENTS("abort"));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    status = outcome(ARGUMENTS("fault"));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    pid_t pid = start(NULL, ARGUMENTS("sleep"));
    CHECK(pid && waitpid(pid, &status, WNOHANG) == 0 && kill(pid, SIGKILL) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
    CHECK_ERROR(waitpid(pid, &status, 0), ECHILD);
    CHECK_ERROR(wait(&status), ECHILD);
    CHECK_ERROR(waitpid(-1, &status, 0x4000), EINVAL);
}

static void test_inherited(void)
{
    char text[512], here[256];
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    output(&actions, ARGUMENTS("echo", "a b", "", "\"c\""), text, sizeof text);
    char expected[512];
    snprintf(expected, sizeof expected, "[a b][][\"c\"]of mine %s\n",
             getcwd(here, sizeof here));
    CHECK(strcmp(text, expected) == 0);
    posix_spawn_file_actions_destroy(&actions);

    FILE *file = fopen("i", "w");
    CHECK(file && fputs("from a file", file) >= 0 && fclose(file) == 0);
    posix_spawn_file_actions_init(&actions);
    CHECK(posix_spawn_file_actions_addopen(&actions, 0, "i", O_RDONLY, 0) == 0);
    output(&actions, ARGUMENTS("cat"), text, sizeof text);
    CHECK(strcmp(text, "from a file") == 0 && unlink("i") == 0);
    posix_spawn_file_actions_destroy(&actions);

    int kept = open("/dev/null", O_RDONLY), closed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char number[8];
    snprintf(number, sizeof number, "%d", kept);
    CHECK(WEXITSTATUS(outcome(ARGUMENTS("open", number))) == 0);
    snprintf(number, sizeof number, "%d", closed);
    CHECK(WEXITSTATUS(outcome(ARGUMENTS("open", number))) == EBADF);
    CHECK(close(kept) == 0 && close(closed) == 0);
}

static void test_signalled(void)
{
    int ends[2], status;
    char text[8];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    pid_t pid = start(&actions, ARGUMENTS("wait"));
    CHECK(pid && read(ends[0], text, sizeof text) == 5 && kill(pid, SIGTERM) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 77);
    pid = start(&actions, ARGUMENTS("pipe")); /* nobody will read */
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    CHECK(pid && waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGPIPE);
    posix_spawn_file_actions_destroy(&actions);
}

static void test_refused(void)
{
    pid_t pid;
    char *argv[] = {(char *)"x", NULL};
    CHECK(posix_spawn(&pid, "/none", NULL, NULL, argv, environ) == ENOENT);
    FILE *file = fopen("n", "w");
    CHECK(file && fputs("neither ELF nor WebAssembly", file) >= 0 && fclose(file) == 0);
    CHECK(chmod("n", 0755) == 0);
    CHECK(posix_spawn(&pid, "n", NULL, NULL, argv, environ) == ENOEXEC && unlink("n") == 0);
    char *huge = calloc(1, 40000);
    memset(huge, 'a', 39999);
    char *many[] = {(char *)"x", huge, NULL};
    CHECK(posix_spawnp(&pid, self, NULL, NULL, many, environ) == E2BIG);
    free(huge);
    CHECK(posix_spawnp(&pid, "no-such-program", NULL, NULL, argv, environ) == ENOENT);
    CHECK_ERROR(fork(), ENOSYS);
    CHECK_ERROR(execve(self, argv, environ), ENOSYS);
    CHECK(getpid() > 0 && getpgrp() > 0);
}

static void test_shell(void)
{
    char line[32] = "";
    FILE *stream = popen("echo piped; exit 3", "r");
    CHECK(stream && fgets(line, sizeof line, stream) && strcmp(line, "piped\n") == 0);
    CHECK(stream && WEXITSTATUS(pclose(stream)) == 3);
    CHECK(WEXITSTATUS(system("exit 4")) == 4 && system(NULL) != 0);
}

void test_processes(void)
{
    test_ends();
    test_inherited();
    test_signalled();
    test_refused();
    test_shell();
}
