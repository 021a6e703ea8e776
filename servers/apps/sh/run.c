// Commands to processes. Programs are started with posix_spawn, each pipeline in a group of its
// own when a person sits at the terminal; builtins run in the shell, except as part of a
// pipeline, where a second shell runs them (`sh -b NAME ARGUMENT...`). Called by main.c.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sh.h"

#define PROGRAM_OF_SHELL "/bin/sh"
#define SAVED_FROM       10 // descriptors that the shell keeps for itself
#define INTERPRETER_MAX  128

int last_status;
bool interactive;
volatile sig_atomic_t interrupted;

// One command of a pipeline on its way to a process.
struct job {
    struct strings words;       // expanded
    struct strings assignments; // NAME=value, expanded
    int opened[16];             // descriptors of redirections, closed afterwards
    size_t opened_count;
    int input, output; // of the pipe, or -1
    pid_t group;       // 0: lead one
};

// ---------------------------------------------------------------- finding programs

static char *check_program(char *path, const char *name, int *status)
{
    struct stat info;
    const char *why = NULL;
    *status = STATUS_NOT_RUN;
    if (stat(path, &info) < 0) {
        why = strerror(errno);
        *status = errno == ENOENT || errno == ENOTDIR ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
    } else if (S_ISDIR(info.st_mode)) {
        why = "is a directory";
    } else if (!S_ISREG(info.st_mode) || !(info.st_mode & 0111)) {
        why = "not executable";
    }
    if (!why)
        return path;
    complain("%s: %s", name, why);
    free(path);
    return NULL;
}

char *run_find(const char *name, int *status)
{
    const char *search = variable_get("PATH");
    if (strchr(name, '/'))
        return check_program(must_copy(name, strlen(name)), name, status);
    char *found = NULL; // but not executable
    for (const char *at = search ? search : "/bin:."; *name && at;) {
        size_t bytes = strcspn(at, ":");
        char *path = must_alloc(NULL, bytes + strlen(name) + 3);
        sprintf(path, "%.*s/%s", bytes ? (int)bytes : 1, bytes ? at : ".", name);
        struct stat info;
        bool exists = stat(path, &info) == 0 && S_ISREG(info.st_mode);
        if (exists && (info.st_mode & 0111)) {
            free(found);
            return path;
        }
        free(exists ? found : path);
        found = exists ? path : found;
        at = at[bytes] ? at + bytes + 1 : NULL;
    }
    if (found)
        return check_program(found, name, status);
    complain("%s: command not found (help lists commands)", name);
    *status = STATUS_NOT_FOUND;
    return NULL;
}

// ---------------------------------------------------------------- redirections

// Opens the file of a redirection. -1: a message told why not.
static int open_redirect(const struct redirect *redirect)
{
    static const int flags[] = {
        [REDIRECT_READ] = O_RDONLY,
        [REDIRECT_WRITE] = O_WRONLY | O_CREAT | O_TRUNC,
        [REDIRECT_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
    };
    char *path = expand_single(redirect->word);
    int fd = open(path, flags[redirect->kind] | O_CLOEXEC, 0666);
    if (fd < 0)
        complain("%s: %s", path, strerror(errno));
    free(path);
    return fd;
}

static bool is_open(int fd)
{
    if (fcntl(fd, F_GETFD) >= 0)
        return true;
    complain("%d: %s", fd, strerror(EBADF));
    return false;
}

// Adds a command's redirections to what its process is to do, in their order.
static bool add_redirects(struct job *job, const struct redirect *redirect,
                          posix_spawn_file_actions_t *actions)
{
    for (; redirect; redirect = redirect->next) {
        int from = redirect->from;
        if (redirect->kind != REDIRECT_DUPLICATE) {
            if (job->opened_count == sizeof job->opened / sizeof *job->opened) {
                complain("more than %zu redirections", job->opened_count);
                return false;
            }
            from = open_redirect(redirect);
            if (from < 0)
                return false;
            job->opened[job->opened_count++] = from;
        } else if (from > STDERR_FILENO && !is_open(from)) {
            return false;
        }
        posix_spawn_file_actions_adddup2(actions, from, redirect->fd);
    }
    return true;
}

// Carries redirections out in the shell itself; `saved[fd]` is what was there.
static bool redirect_shell(const struct redirect *redirect, int saved[10])
{
    for (; redirect; redirect = redirect->next) {
        bool file = redirect->kind != REDIRECT_DUPLICATE;
        int from = file ? open_redirect(redirect) : redirect->from;
        if (from < 0 || (!file && !is_open(from)))
            return false;
        if (saved[redirect->fd] == -1) {
            saved[redirect->fd] = fcntl(redirect->fd, F_DUPFD_CLOEXEC, SAVED_FROM);
            if (saved[redirect->fd] < 0)
                saved[redirect->fd] = -2; // it was closed
        }
        dup2(from, redirect->fd);
        if (file)
            close(from);
    }
    return true;
}

static void restore_shell(const int saved[10])
{
    fflush(stdout);
    for (int fd = 0; fd < 10; fd++) {
        if (saved[fd] >= 0) {
            dup2(saved[fd], fd);
            close(saved[fd]);
        } else if (saved[fd] == -2) {
            close(fd);
        }
    }
}

// ---------------------------------------------------------------- starting

static char *expand_assignment(const char *word)
{
    size_t name = variable_name_length(word);
    char *value = expand_single(word + name + 1);
    char *text = must_alloc(NULL, name + strlen(value) + 2);
    sprintf(text, "%.*s=%s", (int)name, word, value);
    free(value);
    return text;
}

static void expand_command(struct job *job, const struct command *command)
{
    for (size_t i = 0; i < command->count; i++)
        if (i < command->assignments)
            strings_add(&job->assignments, expand_assignment(command->words[i]));
        else
            expand_word(command->words[i], &job->words);
}

// The arguments to run a file with that is no program: what its first line names (#!).
static bool use_interpreter(char **path, struct strings *arguments)
{
    char line[INTERPRETER_MAX] = "";
    int fd = open(*path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    if (bytes < 3 || line[0] != '#' || line[1] != '!')
        return false;
    line[strcspn(line, "\r\n")] = 0;
    struct strings all = {0};
    for (char *word = strtok(line + 2, " \t"); word; word = strtok(NULL, " \t"))
        strings_add(&all, must_copy(word, strlen(word)));
    if (!all.count)
        return false;
    strings_add(&all, *path);
    *path = must_copy(all.items[0], strlen(all.items[0]));
    for (size_t i = 1; i < arguments->count; i++)
        strings_add(&all, must_copy(arguments->items[i], strlen(arguments->items[i])));
    strings_free(arguments);
    *arguments = all;
    return true;
}

static void set_attributes(posix_spawnattr_t *attributes, pid_t group)
{
    sigset_t defaults;
    short flags = POSIX_SPAWN_SETSIGDEF;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setsigdefault(attributes, &defaults);
    if (interactive) {
        posix_spawnattr_setpgroup(attributes, group);
        flags |= POSIX_SPAWN_SETPGROUP;
#ifdef POSIX_SPAWN_FOREGROUND_NP
        flags |= POSIX_SPAWN_FOREGROUND_NP;
#endif
    }
    posix_spawnattr_setflags(attributes, flags);
}

static int spawn(struct job *job, char **path, posix_spawn_file_actions_t *actions, pid_t *pid)
{
    posix_spawnattr_t attributes;
    struct strings environment = {0};
    set_attributes(&attributes, job->group);
    variables_environment(&environment, job->assignments.items, job->assignments.count);
    int error;
    do
        error =
            posix_spawn(pid, *path, actions, &attributes, job->words.items, environment.items);
    while (error == ENOEXEC && use_interpreter(path, &job->words));
    strings_free(&environment);
    posix_spawnattr_destroy(&attributes);
    return error;
}

// The program for a command: found, or for a builtin the shell itself.
static char *program_of(struct job *job, int *status)
{
    if (!builtin_find(job->words.items[0]))
        return run_find(job->words.items[0], status);
    struct strings words = {0};
    strings_add(&words, must_copy("sh", 2));
    strings_add(&words, must_copy("-b", 2));
    for (size_t i = 0; i < job->words.count; i++)
        strings_add(&words, must_copy(job->words.items[i], strlen(job->words.items[i])));
    strings_free(&job->words);
    job->words = words;
    return must_copy(PROGRAM_OF_SHELL, strlen(PROGRAM_OF_SHELL));
}

// Starts one command of a pipeline. 0: it runs as `*pid`; else its status.
static int start(struct job *job, const struct command *command, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int status = 0;
    expand_command(job, command);
    posix_spawn_file_actions_init(&actions);
    if (job->input >= 0)
        posix_spawn_file_actions_adddup2(&actions, job->input, STDIN_FILENO);
    if (job->output >= 0)
        posix_spawn_file_actions_adddup2(&actions, job->output, STDOUT_FILENO);
    *pid = 0;
    if (!add_redirects(job, command->redirects, &actions)) {
        status = 1;
    } else if (job->words.count) {
        char *name = must_copy(job->words.items[0], strlen(job->words.items[0]));
        char *path = program_of(job, &status);
        int error = path ? spawn(job, &path, &actions, pid) : 0;
        if (error == ENOEXEC)
            complain("%s: not a program for this machine", name);
        else if (error)
            complain("%s: %s", name, strerror(error));
        if (error)
            status = error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
        free(path);
        free(name);
    }
    posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 0; i < job->opened_count; i++)
        close(job->opened[i]);
    strings_free(&job->words);
    strings_free(&job->assignments);
    return status;
}

// ---------------------------------------------------------------- pipelines

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return STATUS_NOT_RUN;
    return WIFSIGNALED(status) ? STATUS_SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
}

static void give_terminal(pid_t group)
{
    if (interactive)
        tcsetpgrp(STDIN_FILENO, group);
}

// Makes the pipe behind a command; false: a message told why not.
static bool make_pipe(int ends[2])
{
    if (pipe(ends) < 0) {
        complain("pipe: %s", strerror(errno));
        return false;
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return true;
}

// Starts all commands, then waits for all; the status is the last one's.
static int run_pipeline(const struct command *command)
{
    size_t count = 0;
    for (const struct command *c = command; c; c = c->next)
        count++;
    pid_t *pids = must_alloc(NULL, count * sizeof *pids);
    pid_t group = 0;
    int status = 0, input = -1;
    size_t started = 0;
    for (; command; command = command->next) {
        int ends[2] = {-1, -1};
        pid_t pid = 0;
        if (command->next && !make_pipe(ends)) {
            status = STATUS_NOT_RUN;
            break;
        }
        struct job job = {.input = input, .output = ends[1], .group = group};
        status = start(&job, command, &pid);
        if (input >= 0)
            close(input);
        if (ends[1] >= 0)
            close(ends[1]);
        input = ends[0];
        if (pid && !group) {
            group = pid;
#ifndef POSIX_SPAWN_FOREGROUND_NP
            give_terminal(group);
#endif
        }
        pids[started++] = pid;
    }
    if (input >= 0)
        close(input);
    if (interrupted && group)
        kill(-group, SIGINT);
    for (size_t i = 0; i < started; i++) {
        int own = pids[i] ? wait_for(pids[i]) : 0;
        if (i + 1 == started && pids[i])
            status = own;
    }
    if (group)
        give_terminal(getpgrp());
    free(pids);
    return status;
}

// ---------------------------------------------------------------- the shell's own

static void assign(const struct strings *assignments)
{
    for (size_t i = 0; i < assignments->count; i++) {
        char *text = assignments->items[i];
        size_t name = variable_name_length(text);
        text[name] = 0;
        variable_set(text, text + name + 1);
    }
}

// A command that runs in the shell: a builtin, or assignments alone. False: it is none.
static bool run_here(const struct command *command, int *status)
{
    struct job job = {0};
    int saved[10] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    if (command->next)
        return false;
    if (command->count > command->assignments) {
        // Builtins have plain names: others are expanded once, by start().
        if (!builtin_find(command->words[command->assignments]))
            return false;
    }
    expand_command(&job, command);
    if (!redirect_shell(command->redirects, saved)) {
        *status = 1;
    } else if (job.words.count) {
        assign(&job.assignments);
        *status = builtin_find(job.words.items[0])((int)job.words.count, job.words.items);
    } else {
        assign(&job.assignments);
        *status = 0;
    }
    restore_shell(saved);
    strings_free(&job.words);
    strings_free(&job.assignments);
    return true;
}

void run_list(const struct pipeline *list)
{
    for (; list; list = list->next) {
        if ((list->connector == CONNECT_AND && last_status != 0) ||
            (list->connector == CONNECT_OR && last_status == 0))
            continue;
        int status;
        if (!run_here(list->commands, &status))
            status = run_pipeline(list->commands);
        last_status = status;
        if (interrupted)
            last_status = STATUS_INTERRUPT;
        if (interactive && last_status == STATUS_INTERRUPT)
            return; // Ctrl-C ends the line
    }
}

int run_text(const char *text, const char *name)
{
    struct source source = {.text = text, .name = name, .line = 1};
    struct pipeline *list;
    enum parsed parsed;
    while ((parsed = parse_line(&source, &list)) != PARSED_END && parsed != PARSED_WRONG) {
        if (parsed == PARSED)
            run_list(list);
        parse_free();
    }
    if (parsed == PARSED_WRONG) {
        parse_free();
        last_status = STATUS_USAGE;
    }
    return last_status;
}
