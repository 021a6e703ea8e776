/* The table of open descriptors: numbers to handles of the `files` and `console` servers.
 * Positions and status flags live in the servers, with the open file description; the number,
 * its close-on-exec flag and the access mode live here. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proto/console.h>
#include <proto/files.h>
#include <proto/io.h>

#include "glue.h"

static struct descriptor table[DESCRIPTORS];

struct descriptor *descriptor_slot(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS ? &table[fd] : NULL;
}

struct descriptor *descriptor_get(int fd)
{
    struct descriptor *d = descriptor_slot(fd);
    if (d && d->service) {
        return d;
    }
    errno = EBADF;
    return NULL;
}

int descriptor_free(int from)
{
    for (int fd = from; fd < DESCRIPTORS; fd++) {
        if (!table[fd].service) {
            return fd;
        }
    }
    errno = EMFILE;
    return -1;
}

struct session *descriptor_session(const struct descriptor *d)
{
    return session_to(d->service == IO_SERVICE_CONSOLE ? STARTUP_SLOT_CONSOLE
                                                       : STARTUP_SLOT_FILES);
}

/* `flags` of an inherited descriptor: the access mode + 1; 0: the parent did not say. */
void descriptors_start(const struct startup *startup)
{
    const struct startup_descriptor *given =
        (const struct startup_descriptor *)startup->descriptors;
    for (uint32_t i = 0; i < startup->descriptor_count; i++) {
        struct descriptor *d = descriptor_slot((int)given[i].descriptor);
        if (d) {
            *d = (struct descriptor){
                .service = given[i].service,
                .handle = given[i].handle,
                .access = given[i].flags ? (int)given[i].flags - 1 : O_RDWR,
            };
        }
    }
}

int close(int fd)
{
    struct descriptor *d = descriptor_get(fd);
    if (!d) {
        return -1;
    }
    struct descriptor old = *d;
    d->service = 0;
    libc_enter();
    enum status status = io_close(descriptor_session(&old), old.handle);
    /* A server that was restarted knows the handle no more: then it is closed. */
    return libc_leave(status == E_STALE || status == E_DEAD ? OK : status);
}

/* A copy of `d` at number `fd`, whose slot is free. */
static int duplicate(const struct descriptor *d, int fd, bool close_on_exec)
{
    uint32_t handle = 0;
    libc_enter();
    enum status status = io_duplicate(descriptor_session(d), d->handle, &handle);
    if (status == OK) {
        table[fd] = (struct descriptor){d->service, handle, d->access, close_on_exec};
    }
    return libc_leave(status) ? -1 : fd;
}

int dup(int fd)
{
    struct descriptor *d = descriptor_get(fd);
    int copy = d ? descriptor_free(0) : -1;
    return copy < 0 ? -1 : duplicate(d, copy, false);
}

int dup3(int fd, int target, int flags)
{
    struct descriptor *d = descriptor_get(fd);
    if (!d) {
        return -1;
    }
    if (!descriptor_slot(target)) {
        errno = EBADF;
        return -1;
    }
    if (fd == target || (flags & ~O_CLOEXEC)) {
        errno = EINVAL;
        return -1;
    }
    /* What cannot be duplicated must not cost the old descriptor. */
    struct descriptor old = table[target];
    if (duplicate(d, target, (flags & O_CLOEXEC) != 0) < 0) {
        return -1;
    }
    if (old.service) {
        libc_enter();
        status_ignore(io_close(descriptor_session(&old), old.handle)); /* POSIX: silently */
        libc_leave(OK);
    }
    return target;
}

int dup2(int fd, int target)
{
    if (fd == target) {
        return descriptor_get(fd) ? target : -1;
    }
    return dup3(fd, target, 0);
}

int pipe2(int ends[2], int flags)
{
    if (flags & ~(O_CLOEXEC | O_NONBLOCK)) {
        errno = EINVAL;
        return -1;
    }
    int reading = descriptor_free(0), writing = reading < 0 ? -1 : descriptor_free(reading + 1);
    if (writing < 0) {
        return -1;
    }
    bool close_on_exec = (flags & O_CLOEXEC) != 0;
    uint32_t read_handle = 0, write_handle = 0;
    libc_enter();
    if (libc_leave(files_pipe(session_to(STARTUP_SLOT_FILES), &read_handle, &write_handle))) {
        return -1;
    }
    table[reading] =
        (struct descriptor){IO_SERVICE_FILES, read_handle, O_RDONLY, close_on_exec};
    table[writing] =
        (struct descriptor){IO_SERVICE_FILES, write_handle, O_WRONLY, close_on_exec};
    ends[0] = reading;
    ends[1] = writing;
    if ((flags & O_NONBLOCK) &&
        (fcntl(reading, F_SETFL, O_NONBLOCK) < 0 || fcntl(writing, F_SETFL, O_NONBLOCK) < 0)) {
        close(reading);
        close(writing);
        return -1;
    }
    return 0;
}

int pipe(int ends[2])
{
    return pipe2(ends, 0);
}

/* Reads (mask 0) or changes the status flags that the server keeps. */
static int status_flags(const struct descriptor *d, uint32_t mask, int wanted)
{
    uint32_t value =
        (wanted & O_APPEND ? IO_FLAG_APPEND : 0) | (wanted & O_NONBLOCK ? IO_FLAG_NONBLOCK : 0);
    uint32_t flags = 0;
    libc_enter();
    if (libc_leave(io_set_flags(descriptor_session(d), d->handle, mask, value, &flags))) {
        return -1;
    }
    return d->access | (flags & IO_FLAG_APPEND ? O_APPEND : 0) |
           (flags & IO_FLAG_NONBLOCK ? O_NONBLOCK : 0);
}

int fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *pointer = va_arg(list, void *); /* an int comes in the same register */
    va_end(list);
    int argument = (int)(intptr_t)pointer;
    struct descriptor *d = descriptor_get(fd);
    if (!d) {
        return -1;
    }
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: {
        if (argument < 0 || argument >= DESCRIPTORS) {
            errno = EINVAL;
            return -1;
        }
        int copy = descriptor_free(argument);
        return copy < 0 ? -1 : duplicate(d, copy, command == F_DUPFD_CLOEXEC);
    }
    case F_GETFD:
        return d->close_on_exec ? FD_CLOEXEC : 0;
    case F_SETFD:
        d->close_on_exec = (argument & FD_CLOEXEC) != 0;
        return 0;
    case F_GETFL:
        return status_flags(d, 0, 0);
    case F_SETFL:
        return status_flags(d, IO_FLAG_APPEND | IO_FLAG_NONBLOCK, argument) < 0 ? -1 : 0;
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
        return record_lock(fd, command, pointer);
    default:
        errno = EINVAL;
        return -1;
    }
}

/* Of a file that can be sought in; nobody tells for streams. */
static int bytes_left(int fd, int *result)
{
    struct stat info;
    off_t position = lseek(fd, 0, SEEK_CUR);
    if (position < 0 || fstat(fd, &info) < 0) {
        errno = errno == ESPIPE ? ENOTTY : errno;
        return -1;
    }
    off_t left = info.st_size > position ? info.st_size - position : 0;
    *result = left > INT_MAX ? INT_MAX : (int)left;
    return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    struct descriptor *d = descriptor_get(fd);
    if (!d) {
        return -1;
    }
    if (request == FIONBIO) {
        return status_flags(d, IO_FLAG_NONBLOCK, *(int *)argument ? O_NONBLOCK : 0) < 0 ? -1
                                                                                        : 0;
    }
    if (request == FIONREAD) {
        return bytes_left(fd, argument);
    }
    if (request != TIOCGWINSZ || d->service != IO_SERVICE_CONSOLE) {
        errno = ENOTTY;
        return -1;
    }
    uint32_t columns = 0, rows = 0;
    libc_enter();
    if (libc_leave(console_size(descriptor_session(d), &columns, &rows))) {
        return -1;
    }
    *(struct winsize *)argument =
        (struct winsize){.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    return 0;
}
