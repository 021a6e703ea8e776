/* Directory streams: a buffer of entries as `files` hands them out, and the cookie where the
 * next request goes on. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proto/files.h>

#include "glue.h"

enum { BUFFER_BYTES = 4096 };

struct __pith_dir {
    int fd;
    uint64_t cookie; /* of the entry after those in the buffer */
    uint32_t at;
    uint32_t size;
    uint64_t position; /* what telldir tells: the cookie of the next entry */
    struct dirent entry;
    char buffer[BUFFER_BYTES];
};

DIR *fdopendir(int fd)
{
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return NULL;
    }
    if (!S_ISDIR(info.st_mode)) {
        errno = ENOTDIR;
        return NULL;
    }
    DIR *stream = calloc(1, sizeof *stream);
    if (stream) {
        stream->fd = fd;
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    return stream;
}

DIR *opendir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    DIR *stream = fdopendir(fd);
    if (!stream) {
        close(fd);
    }
    return stream;
}

int closedir(DIR *stream)
{
    int fd = stream->fd;
    free(stream);
    return close(fd);
}

int dirfd(DIR *stream)
{
    return stream->fd;
}

/* Fills the buffer with as many whole entries as fit. False: the end, or errno. */
static bool refill(DIR *stream)
{
    struct descriptor *d = descriptor_get(stream->fd);
    if (!d) {
        return false;
    }
    const char *entries = NULL;
    uint32_t bytes = 0;
    stream->at = stream->size = 0;
    libc_enter();
    enum status status = files_read_directory(descriptor_session(d), d->handle, stream->cookie,
                                              (const void **)&entries, &bytes);
    while (status == OK && stream->size + sizeof(struct directory_entry) <= bytes) {
        struct directory_entry header;
        memcpy(&header, entries + stream->size, sizeof header);
        if (header.bytes < sizeof header || header.bytes > bytes - stream->size ||
            stream->size + header.bytes > BUFFER_BYTES) {
            break;
        }
        memcpy(stream->buffer + stream->size, entries + stream->size, header.bytes);
        stream->size += header.bytes;
        stream->cookie = header.cookie;
    }
    return !libc_leave(status) && stream->size != 0;
}

struct dirent *readdir(DIR *stream)
{
    static const unsigned char types[] = {DT_UNKNOWN, DT_REG, DT_DIR, DT_LNK, DT_FIFO, DT_CHR};
    if (stream->at == stream->size && !refill(stream)) {
        return NULL;
    }
    struct directory_entry header;
    memcpy(&header, stream->buffer + stream->at, sizeof header);
    struct dirent *entry = &stream->entry;
    size_t size = header.name_bytes < sizeof entry->d_name - 1 ? header.name_bytes
                                                               : sizeof entry->d_name - 1;
    memcpy(entry->d_name, stream->buffer + stream->at + sizeof header, size);
    entry->d_name[size] = 0;
    entry->d_ino = (ino_t)header.inode;
    entry->d_type = header.type < sizeof types ? types[header.type] : DT_UNKNOWN;
    stream->at += header.bytes;
    stream->position = header.cookie;
    return entry;
}

int readdir_r(DIR *stream, struct dirent *entry, struct dirent **result)
{
    int before = errno;
    errno = 0;
    struct dirent *next = readdir(stream);
    int error = errno;
    errno = before;
    *result = NULL;
    if (next) {
        *entry = *next;
        *result = entry;
        return 0;
    }
    return error;
}

long telldir(DIR *stream)
{
    return (long)stream->position;
}

void seekdir(DIR *stream, long position)
{
    stream->cookie = stream->position = (uint64_t)position;
    stream->at = stream->size = 0;
}

void rewinddir(DIR *stream)
{
    seekdir(stream, 0);
}

int alphasort(const struct dirent **a, const struct dirent **b)
{
    return strcoll((*a)->d_name, (*b)->d_name);
}

static void free_list(struct dirent **list, int count)
{
    while (count > 0) {
        free(list[--count]);
    }
    free(list);
}

/* Appends a copy of the entry. False: no memory. */
static bool append(struct dirent ***list, int *count, const struct dirent *entry)
{
    if (*count % 16 == 0) {
        struct dirent **longer = realloc(*list, ((size_t)*count + 16) * sizeof *longer);
        if (!longer) {
            return false;
        }
        *list = longer;
    }
    (*list)[*count] = malloc(sizeof *entry);
    if (!(*list)[*count]) {
        return false;
    }
    *(*list)[(*count)++] = *entry;
    return true;
}

int scandir(const char *path, struct dirent ***result, int (*select)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **))
{
    DIR *stream = opendir(path);
    if (!stream) {
        return -1;
    }
    struct dirent **list = NULL, *entry;
    int count = 0;
    bool memory = true;
    errno = 0;
    while (memory && (entry = readdir(stream)) != NULL) {
        if (!select || select(entry)) {
            memory = append(&list, &count, entry);
        }
    }
    int error = memory ? errno : ENOMEM;
    closedir(stream);
    if (error) {
        free_list(list, count);
        errno = error;
        return -1;
    }
    if (compare && count) {
        qsort(list, (size_t)count, sizeof *list, (int (*)(const void *, const void *))compare);
    }
    *result = list;
    return count;
}
