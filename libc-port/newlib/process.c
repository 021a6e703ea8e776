/* Processes: waiting, identity, what there is instead of fork and exec, and the calls that run
 * a command. */
#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proto/process.h>

#include "glue.h"

static struct session *process(void)
{
    return session_to(STARTUP_SLOT_PROCESS);
}

/* `process` tells 0 to 255, or 256 + signal; <sys/wait.h> has it the other way round. */
static int wait_status(uint32_t status)
{
    return status < 256 ? (int)status << 8 : (int)(status - 256) & 0x7f;
}

/* pid: a child, or -1 for any. Waiting for a group is not there: ENOTSUP. */
pid_t waitpid(pid_t pid, int *result, int options)
{
    if ((options & ~WNOHANG) || pid == 0 || pid < -1) {
        errno = options & ~(WNOHANG | WUNTRACED | WCONTINUED) ? EINVAL : ENOTSUP;
        return -1;
    }
    uint32_t ended = 0, code = 0;
    enum status status;
    do {
        libc_enter();
        status = process_wait(process(), pid == -1 ? 0 : (uint32_t)pid,
                              options & WNOHANG ? WAIT_FLAG_NOHANG : 0, &ended, &code);
        if ((options & WNOHANG) && status == E_AGAIN) {
            libc_leave(OK);
            return 0;
        }
        if (!libc_leave(status)) {
            if (result) {
                *result = wait_status(code);
            }
            return (pid_t)ended;
        }
    } while (libc_restart());
    return -1;
}

pid_t wait(int *result)
{
    return waitpid(-1, result, 0);
}

pid_t getpid(void)
{
    return (pid_t)startup_block->pid;
}

/* As it was at the start: an orphan is not told of its new parent. */
pid_t getppid(void)
{
    return (pid_t)startup_block->parent;
}

/* The group of any process; 0: the caller. */
pid_t getpgid(pid_t pid)
{
    struct process_info info = {.pid = 0};
    uint32_t wanted = pid ? (uint32_t)pid : startup_block->pid;
    libc_enter();
    enum status status = process_info(process(), wanted, &info);
    if (status == OK && info.pid != wanted) {
        status = E_SRCH;
    }
    return libc_leave(status) ? -1 : (pid_t)info.group;
}

pid_t getpgrp(void)
{
    return getpgid(0);
}

/* There is no fork (posix_spawn starts programs), so nothing to exec into either. */
pid_t fork(void)
{
    errno = ENOSYS;
    return -1;
}

pid_t vfork(void)
{
    return fork();
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    (void)path, (void)argv, (void)envp;
    errno = ENOSYS;
    return -1;
}

/* newlib's execl and its family end here. */
int _execve(const char *path, char *const argv[], char *const envp[]);
int _execve(const char *path, char *const argv[], char *const envp[])
{
    return execve(path, argv, envp);
}

static int shell_spawn(const char *command, const posix_spawn_file_actions_t *actions,
                       pid_t *pid)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
    return posix_spawn(pid, _PATH_BSHELL, actions, NULL, argv, environ);
}

/* system(): newlib calls it by this name. */
int _system(const char *command);
int _system(const char *command)
{
    if (!command) {
        return access(_PATH_BSHELL, X_OK) == 0;
    }
    pid_t pid;
    int status, error = shell_spawn(command, NULL, &pid);
    if (error) {
        errno = error;
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return status;
}

/* The processes behind popen's streams, by descriptor. */
static pid_t popen_child[DESCRIPTORS];

FILE *popen(const char *command, const char *mode)
{
    int ends[2];
    bool reads = mode[0] == 'r';
    if ((!reads && mode[0] != 'w') || mode[1]) {
        errno = EINVAL;
        return NULL;
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return NULL;
    }
    int mine = reads ? ends[0] : ends[1], theirs = reads ? ends[1] : ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    int error = posix_spawn_file_actions_adddup2(&actions, theirs, reads ? 1 : 0);
    FILE *stream = error ? NULL : fdopen(mine, mode);
    if (!error && !stream) {
        error = errno;
    }
    if (!error) {
        error = shell_spawn(command, &actions, &popen_child[mine]);
    }
    posix_spawn_file_actions_destroy(&actions);
    close(theirs);
    if (error) {
        if (stream) {
            fclose(stream);
        } else {
            close(mine);
        }
        errno = error;
        return NULL;
    }
    return stream;
}

int pclose(FILE *stream)
{
    int fd = fileno(stream), status;
    pid_t pid = fd >= 0 && fd < DESCRIPTORS ? popen_child[fd] : 0;
    if (!pid) {
        errno = ECHILD;
        return -1;
    }
    popen_child[fd] = 0;
    fclose(stream);
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return status;
}
