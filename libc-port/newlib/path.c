/* Calls that name files: open and its family, links, directories, the working directory. Each
 * call without `at` is the one with AT_FDCWD. Paths go to `files` as they are: it resolves
 * them, and enforces O_RESOLVE_BENEATH. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proto/files.h>

#include "glue.h"

#define CALL(request)                                                                          \
    do {                                                                                       \
        libc_enter();                                                                          \
        return libc_leave(request);                                                            \
    } while (0)

static mode_t creation_mask = 022;
static uint32_t working_directory;
static bool working_directory_moved;    /* else startup_block has it */
static uint32_t working_directory_lost; /* files()->lost when it was opened */

static struct session *files(void)
{
    return session_to(STARTUP_SLOT_FILES);
}

int path_size(const char *path)
{
    size_t size = strlen(path);
    if (size == 0 || size >= PATH_BYTES) {
        errno = size == 0 ? ENOENT : ENAMETOOLONG;
        return -1;
    }
    return (int)size;
}

uint32_t path_current(void)
{
    if (working_directory_lost != files()->lost) {
        return UINT32_MAX; /* no handle: its server was restarted since; chdir makes a new one
                            */
    }
    return working_directory_moved ? working_directory : startup_block->directory;
}

bool path_directory(int directory_fd, uint32_t *handle)
{
    if (directory_fd == AT_FDCWD) {
        *handle = path_current();
        return true;
    }
    struct descriptor *d = descriptor_get(directory_fd);
    if (!d) {
        return false;
    }
    if (d->service != IO_SERVICE_FILES) {
        errno = ENOTDIR;
        return false;
    }
    *handle = d->handle;
    return true;
}

static uint32_t open_flags(int flags)
{
    static const struct {
        int posix;
        uint32_t pith;
    } map[] = {
        {O_CREAT, OPEN_FLAG_CREATE},      {O_EXCL, OPEN_FLAG_EXCLUSIVE},
        {O_TRUNC, OPEN_FLAG_TRUNCATE},    {O_APPEND, OPEN_FLAG_APPEND},
        {O_NONBLOCK, OPEN_FLAG_NONBLOCK}, {O_DIRECTORY, OPEN_FLAG_DIRECTORY},
        {O_NOFOLLOW, OPEN_FLAG_NOFOLLOW}, {O_RESOLVE_BENEATH, OPEN_FLAG_BENEATH},
    };
    int access = flags & O_ACCMODE;
    uint32_t result =
        (access != O_WRONLY ? OPEN_FLAG_READ : 0) | (access != O_RDONLY ? OPEN_FLAG_WRITE : 0);
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++) {
        result |= flags & map[i].posix ? map[i].pith : 0;
    }
    return result;
}

enum status path_open(uint32_t directory, const char *path, int size, int flags, mode_t mode,
                      struct descriptor *result)
{
    if ((flags & O_ACCMODE) == O_ACCMODE) {
        return E_INVAL;
    }
    uint32_t handle = 0, service = 0;
    enum status status = files_open(files(), directory, open_flags(flags), mode, path,
                                    (uint32_t)size, &handle, &service);
    *result = (struct descriptor){service, handle, flags & O_ACCMODE, (flags & O_CLOEXEC) != 0};
    return status;
}

static int open_at(int directory_fd, const char *path, int flags, va_list list)
{
    mode_t mode = flags & O_CREAT ? (mode_t)va_arg(list, int) & ~creation_mask & 07777 : 0;
    int size = path_size(path);
    uint32_t directory;
    if (size < 0 || !path_directory(directory_fd, &directory)) {
        return -1;
    }
    int fd = descriptor_free(0);
    if (fd < 0) {
        return -1;
    }
    struct descriptor opened;
    libc_enter();
    enum status status = path_open(directory, path, size, flags, mode, &opened);
    if (status == OK) {
        *descriptor_slot(fd) = opened;
    }
    return libc_leave(status) ? -1 : fd;
}

int open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    int fd = open_at(AT_FDCWD, path, flags, list);
    va_end(list);
    return fd;
}

int openat(int directory_fd, const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    int fd = open_at(directory_fd, path, flags, list);
    va_end(list);
    return fd;
}

mode_t umask(mode_t mask)
{
    mode_t before = creation_mask;
    creation_mask = mask & 0777;
    return before;
}

/* Whether all of `flags` are `allowed`; else EINVAL. */
static bool flags_known(int flags, int allowed)
{
    if (flags & ~allowed) {
        errno = EINVAL;
        return false;
    }
    return true;
}

int unlinkat(int directory_fd, const char *path, int flags)
{
    int size = path_size(path);
    uint32_t directory;
    if (size < 0 || !path_directory(directory_fd, &directory) ||
        !flags_known(flags, AT_REMOVEDIR)) {
        return -1;
    }
    uint32_t at = flags & AT_REMOVEDIR ? AT_FLAG_DIRECTORY : 0;
    CALL(files_remove(files(), directory, at, path, (uint32_t)size));
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/* ISO C: removes a file or an empty directory. */
int remove(const char *path)
{
    int before = errno;
    if (unlink(path) == 0) {
        return 0;
    }
    if (errno != EISDIR && errno != EPERM) {
        return -1;
    }
    errno = before;
    return rmdir(path);
}

/* newlib's own name for it. */
int _remove_r(struct _reent *reent, const char *path)
{
    (void)reent;
    return remove(path);
}

int mkdirat(int directory_fd, const char *path, mode_t mode)
{
    int size = path_size(path);
    uint32_t directory;
    if (size < 0 || !path_directory(directory_fd, &directory)) {
        return -1;
    }
    CALL(files_make_directory(files(), directory, 0, mode & 07777 & ~creation_mask, path,
                              (uint32_t)size));
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

/* Two paths and their directories: link and rename. */
struct path_pair {
    uint32_t from_directory, to_directory;
    int from_size, to_size;
};

static bool path_pair(int from_fd, const char *from, int to_fd, const char *to,
                      struct path_pair *pair)
{
    pair->from_size = path_size(from);
    pair->to_size = pair->from_size < 0 ? -1 : path_size(to);
    return pair->to_size >= 0 && path_directory(from_fd, &pair->from_directory) &&
           path_directory(to_fd, &pair->to_directory);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    struct path_pair p;
    if (!path_pair(from_fd, from, to_fd, to, &p)) {
        return -1;
    }
    CALL(files_rename(files(), p.from_directory, p.to_directory, 0, from, (uint32_t)p.from_size,
                      to, (uint32_t)p.to_size));
}

int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* POSIX leaves open whether a symbolic link is followed without the flag; like Linux: no. */
int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    struct path_pair p;
    if (!path_pair(from_fd, from, to_fd, to, &p) || !flags_known(flags, AT_SYMLINK_FOLLOW)) {
        return -1;
    }
    uint32_t at = flags & AT_SYMLINK_FOLLOW ? 0 : AT_FLAG_NOFOLLOW;
    CALL(files_link(files(), p.from_directory, p.to_directory, at, from, (uint32_t)p.from_size,
                    to, (uint32_t)p.to_size));
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int symlinkat(const char *target, int directory_fd, const char *path)
{
    int target_size = path_size(target), size = target_size < 0 ? -1 : path_size(path);
    uint32_t directory;
    if (size < 0 || !path_directory(directory_fd, &directory)) {
        return -1;
    }
    CALL(files_make_symlink(files(), directory, 0, target, (uint32_t)target_size, path,
                            (uint32_t)size));
}

int symlink(const char *target, const char *path)
{
    return symlinkat(target, AT_FDCWD, path);
}

ssize_t readlinkat(int directory_fd, const char *path, char *buffer, size_t max)
{
    int size = path_size(path);
    uint32_t directory;
    if (size < 0 || !path_directory(directory_fd, &directory)) {
        return -1;
    }
    const void *target = NULL;
    uint32_t got = 0;
    libc_enter();
    enum status status =
        files_read_symlink(files(), directory, 0, path, (uint32_t)size, &target, &got);
    size_t copied = got < max ? got : max;
    if (status == OK) {
        memcpy(buffer, target, copied);
    }
    return libc_leave(status) ? -1 : (ssize_t)copied;
}

ssize_t readlink(const char *path, char *buffer, size_t max)
{
    return readlinkat(AT_FDCWD, path, buffer, max);
}

/* Makes `handle` of this process's files session the working directory; takes it over. */
static void move_to(uint32_t handle)
{
    uint32_t old = path_current();
    working_directory = handle;
    working_directory_moved = true;
    working_directory_lost = files()->lost;
    if (old != 0 && old != UINT32_MAX) {
        status_ignore(io_close(files(), old));
    }
}

int chdir(const char *path)
{
    int size = path_size(path);
    if (size < 0) {
        return -1;
    }
    struct descriptor opened;
    libc_enter();
    enum status status =
        path_open(path_current(), path, size, O_RDONLY | O_DIRECTORY, 0, &opened);
    if (status == OK) {
        move_to(opened.handle);
    }
    return libc_leave(status);
}

int fchdir(int fd)
{
    struct stat info;
    struct descriptor *d = descriptor_get(fd);
    if (!d || fstat(fd, &info) < 0) {
        return -1;
    }
    if (!S_ISDIR(info.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    uint32_t handle = 0;
    libc_enter();
    enum status status = io_duplicate(files(), d->handle, &handle);
    if (status == OK) {
        move_to(handle);
    }
    return libc_leave(status);
}

/* With a null buffer, memory from malloc. */
char *getcwd(char *buffer, size_t max)
{
    if (buffer && max == 0) {
        errno = EINVAL;
        return NULL;
    }
    char path[PATH_BYTES + 1];
    const void *bytes = NULL;
    uint32_t size = 0;
    libc_enter();
    enum status status = files_path_of(files(), path_current(), &bytes, &size);
    if (status == OK && size <= PATH_BYTES) {
        memcpy(path, bytes, size);
        path[size] = 0;
    }
    if (libc_leave(status)) {
        return NULL;
    }
    if (!buffer) {
        return strdup(path);
    }
    if (size >= max) {
        errno = ERANGE;
        return NULL;
    }
    return memcpy(buffer, path, size + 1);
}
