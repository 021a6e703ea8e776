/* realpath: `files` knows the absolute path of a directory; the last component of another file
 * is added to that of its directory, after its symbolic links were followed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proto/files.h>

#include "glue.h"

enum { LINKS_MAX = 40 };

/* Absolute path of a directory into `result` (PATH_BYTES). */
static bool directory_path(const char *path, char *result)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    struct descriptor *d = descriptor_get(fd);
    const void *bytes = NULL;
    uint32_t size = 0;
    libc_enter();
    enum status status = files_path_of(descriptor_session(d), d->handle, &bytes, &size);
    if (status == OK && size >= PATH_BYTES) {
        status = E_NAME;
    }
    if (status == OK) {
        memcpy(result, bytes, size);
        result[size] = 0;
    }
    int failed = libc_leave(status);
    int error = errno;
    close(fd);
    errno = error;
    return !failed;
}

/* Replaces a symbolic link in `path` by what it points to. 1: it was none; -1: errno. */
static int follow(char *path)
{
    char target[PATH_BYTES];
    ssize_t size = readlink(path, target, sizeof target - 1);
    if (size < 0) {
        return errno == EINVAL ? 1 : -1;
    }
    target[size] = 0;
    char *slash = strrchr(path, '/');
    size_t kept = target[0] == '/' || !slash ? 0 : (size_t)(slash + 1 - path);
    if (kept + (size_t)size >= PATH_BYTES) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(path + kept, target);
    return 0;
}

/* Splits "DIRECTORY/NAME" in place; the directory may turn out "/" or ".". */
static const char *split(char *path, char *directory)
{
    char *slash = strrchr(path, '/');
    if (!slash) {
        strcpy(directory, ".");
        return path;
    }
    size_t size = slash == path ? 1 : (size_t)(slash - path);
    memcpy(directory, path, size);
    directory[size] = 0;
    return slash + 1;
}

char *realpath(const char *path, char *resolved)
{
    struct stat info;
    char here[PATH_BYTES], directory[PATH_BYTES], result[PATH_BYTES];
    if (path_size(path) < 0 || stat(path, &info) < 0) {
        return NULL;
    }
    strcpy(here, path);
    const char *name = "";
    if (S_ISDIR(info.st_mode)) {
        strcpy(directory, path);
    } else {
        int before = errno, ended = 0;
        for (int links = 0; !ended && links <= LINKS_MAX; links++) {
            ended = follow(here);
        }
        if (ended <= 0) {
            errno = ended < 0 ? errno : ELOOP;
            return NULL;
        }
        errno = before;
        name = split(here, directory);
    }
    if (!directory_path(directory, result)) {
        return NULL;
    }
    if (strlen(result) + strlen(name) + 2 > sizeof result) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    if (name[0]) {
        strcat(strcmp(result, "/") ? strcat(result, "/") : result, name);
    }
    return resolved ? strcpy(resolved, result) : strdup(result);
}
