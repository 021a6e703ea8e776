/* What newlib leaves out and needs no server: BSD's err family, the absent dynamic loader,
 * names of our own error numbers, parts of paths, locks of streams. */
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/lock.h>

#include "glue.h"

/* newlib's strerror asks here for numbers that it does not know. */
char *_user_strerror(int number, int internal, int *error);
char *_user_strerror(int number, int internal, int *error)
{
    (void)internal, (void)error;
    return number == ENOTCAPABLE ? (char *)"Capabilities insufficient" : NULL;
}

/* "program: message[: error]" */
static void complain(int error, const char *format, va_list arguments)
{
    fprintf(stderr, "%s: ", startup_block->name);
    if (format) {
        vfprintf(stderr, format, arguments);
    }
    if (error) {
        fprintf(stderr, "%s%s", format ? ": " : "", strerror(error));
    }
    fputc('\n', stderr);
}

void vwarn(const char *format, va_list arguments)
{
    complain(errno, format, arguments);
}

void vwarnx(const char *format, va_list arguments)
{
    complain(0, format, arguments);
}

void verr(int status, const char *format, va_list arguments)
{
    complain(errno, format, arguments);
    exit(status);
}

void verrx(int status, const char *format, va_list arguments)
{
    complain(0, format, arguments);
    exit(status);
}

void warn(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vwarn(format, list);
    va_end(list);
}

void warnx(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vwarnx(format, list);
    va_end(list);
}

void err(int status, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    verr(status, format, list);
}

void errx(int status, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    verrx(status, format, list);
}

static bool loader_failed;

void *dlopen(const char *file, int mode)
{
    (void)file, (void)mode;
    loader_failed = true;
    return NULL;
}

void *dlsym(void *handle, const char *name)
{
    (void)handle, (void)name;
    loader_failed = true;
    return NULL;
}

int dlclose(void *handle)
{
    (void)handle;
    loader_failed = true;
    return -1;
}

char *dlerror(void)
{
    bool failed = loader_failed;
    loader_failed = false;
    return failed ? (char *)"programs are linked statically: nothing can be loaded" : NULL;
}

/* Cuts trailing slashes off, but not the only one. */
static void cut_slashes(char *path)
{
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') {
        path[--size] = 0;
    }
}

char *basename(char *path)
{
    static char dot[] = ".";
    if (!path || !*path) {
        return dot;
    }
    cut_slashes(path);
    char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

char *dirname(char *path)
{
    static char dot[] = ".";
    if (!path || !*path) {
        return dot;
    }
    cut_slashes(path);
    char *slash = strrchr(path, '/');
    if (!slash) {
        return dot;
    }
    slash[slash == path] = 0;
    cut_slashes(path);
    return path;
}

void flockfile(FILE *stream)
{
    __lock_acquire_recursive(stream->_lock);
}

int ftrylockfile(FILE *stream)
{
    return __lock_try_acquire_recursive(stream->_lock) ? 0 : -1;
}

void funlockfile(FILE *stream)
{
    __lock_release_recursive(stream->_lock);
}

char *secure_getenv(const char *name)
{
    return getenv(name); /* no program runs with more rights than its caller gave */
}
