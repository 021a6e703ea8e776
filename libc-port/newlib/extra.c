/* What newlib leaves out and needs no server: BSD's err family, the absent dynamic loader,
 * names of our own error numbers. */
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
