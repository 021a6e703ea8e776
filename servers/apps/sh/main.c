// sh: the shell. Without arguments it reads commands from standard input, with a prompt if that
// is a terminal; `sh -c LINE [NAME [ARGUMENT...]]` and `sh FILE [ARGUMENT...]` run those.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

#define PATH_BYTES 4096

extern char **environ;

char **positional;
int positional_count;

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fputs("sh: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void *must_alloc(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);
    if (memory)
        return memory;
    fputs("sh: out of memory\n", stderr);
    exit(STATUS_NOT_RUN);
}

char *must_copy(const char *text, size_t bytes)
{
    char *copy = must_alloc(NULL, bytes + 1);
    memcpy(copy, text, bytes);
    copy[bytes] = 0;
    return copy;
}

// All that can be read from a descriptor, to be freed; null: errno says why not.
static char *read_all(int fd)
{
    char *text = must_alloc(NULL, 1);
    size_t bytes = 0, room = 1;
    for (;;) {
        if (room - bytes < 4096)
            text = must_alloc(text, room = 2 * room + 8192);
        ssize_t count = read(fd, text + bytes, room - bytes - 1);
        if (count < 0) {
            free(text);
            return NULL; // of a directory, for one
        }
        if (count == 0)
            break;
        bytes += (size_t)count;
    }
    text[bytes] = 0;
    return text;
}

static int run_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : read_all(fd);
    if (!text) {
        complain("%s: %s", path, strerror(errno));
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
    }
    close(fd);
    int status = run_text(text, path);
    free(text);
    return status;
}

// A line from standard input, byte by byte: what is behind it may be meant for a command.
static char *read_line(void)
{
    char *text = NULL;
    size_t bytes = 0, room = 0;
    char byte;
    while (read(STDIN_FILENO, &byte, 1) == 1) {
        if (bytes + 2 > room)
            text = must_alloc(text, room = 2 * room + 128);
        text[bytes++] = byte;
        text[bytes] = 0;
        if (byte == '\n' && (bytes < 2 || text[bytes - 2] != '\\'))
            break;
    }
    return text;
}

static int run_input(void)
{
    char *text;
    while ((text = read_line())) {
        run_text(text, NULL);
        free(text);
    }
    return last_status;
}

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static int run_interactive(void)
{
    char directory[PATH_BYTES], prompt[PATH_BYTES + 32];
    interactive = true;
    signal(SIGINT, on_interrupt);
    signal(SIGTTOU, SIG_IGN);
    for (;;) {
        bool given_up = false;
        if (!getcwd(directory, sizeof directory))
            strcpy(directory, "?");
        snprintf(prompt, sizeof prompt, "\033[1;32m%s\033[0m $ ", directory);
        char *text = edit_line(prompt, strlen(directory) + 3, &given_up);
        if (!text)
            break;
        if (given_up)
            last_status = STATUS_INTERRUPT;
        interrupted = 0;
        run_text(text, NULL);
        free(text);
    }
    return last_status;
}

int main(int argc, char **argv)
{
    variables_import(environ);
    positional = argv;
    positional_count = 1;
    if (argc == 1)
        return isatty(STDIN_FILENO) ? run_interactive() : run_input();
    if (strcmp(argv[1], "-c") == 0 && argc > 2) {
        if (argc > 3) {
            positional = argv + 3;
            positional_count = argc - 3;
        }
        return run_text(argv[2], NULL);
    }
    if (strcmp(argv[1], "-b") == 0 && argc > 2 && builtin_find(argv[2])) // see run.c
        return builtin_find(argv[2])(argc - 2, argv + 2);
    if (argv[1][0] == '-') {
        fputs("usage: sh [-c LINE [NAME [ARGUMENT...]] | FILE [ARGUMENT...]]\n", stderr);
        return STATUS_USAGE;
    }
    positional = argv + 1;
    positional_count = argc - 1;
    return run_file(argv[1]);
}
