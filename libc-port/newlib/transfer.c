/* Reading and writing: in pieces of at most TRANSFER_MAX bytes, which is what one request to a
 * server carries. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <proto/files.h>
#include <proto/io.h>

#include "glue.h"

enum { TRANSFER_MAX = 65536 };

/* One request. The position is the descriptor's where `offset` is -1. */
static ssize_t read_piece(const struct descriptor *d, void *buffer, size_t size, off_t offset)
{
    const void *bytes = NULL;
    uint32_t got = 0;
    do {
        libc_enter();
        enum status status =
            io_read(descriptor_session(d), d->handle, (uint32_t)size, offset, &bytes, &got);
        if (status == OK) {
            memcpy(buffer, bytes, got < size ? got : size);
        }
        if (!libc_leave(status)) {
            return (ssize_t)got;
        }
    } while (libc_restart());
    return -1;
}

static ssize_t write_piece(const struct descriptor *d, const void *buffer, size_t size,
                           off_t offset)
{
    uint32_t written = 0;
    enum status status;
    do {
        libc_enter();
        status = io_write(descriptor_session(d), d->handle, offset, buffer, (uint32_t)size,
                          &written);
        if (!libc_leave(status)) {
            return (ssize_t)written;
        }
    } while (libc_restart());
    if (status == E_PIPE) {
        signal_broken_pipe();
        errno = EPIPE;
    }
    return -1;
}

/* Whether a read may go on after a full piece without the danger of waiting. */
static bool is_regular(const struct descriptor *d)
{
    struct file_status file = {.type = 0};
    libc_enter();
    enum status status = io_status(descriptor_session(d), d->handle, &file);
    libc_leave(OK);
    return status == OK && file.type == FILE_TYPE_REGULAR;
}

/* Regular files are read on until `size` is there or the file ends; pipes and terminals give
 * what they have. */
static ssize_t transfer_read(int fd, char *buffer, size_t size, off_t offset)
{
    struct descriptor *d = descriptor_get(fd);
    if (!d) {
        return -1;
    }
    if (d->access == O_WRONLY) {
        errno = EBADF;
        return -1;
    }
    size_t done = 0;
    do {
        size_t piece = size - done < TRANSFER_MAX ? size - done : TRANSFER_MAX;
        ssize_t got =
            read_piece(d, buffer + done, piece, offset < 0 ? -1 : offset + (off_t)done);
        if (got < 0) {
            return done ? (ssize_t)done : -1;
        }
        done += (size_t)got;
        if ((size_t)got < TRANSFER_MAX) {
            break;
        }
    } while (done < size && (done > TRANSFER_MAX || is_regular(d)));
    return (ssize_t)done;
}

static ssize_t transfer_write(int fd, const char *buffer, size_t size, off_t offset)
{
    struct descriptor *d = descriptor_get(fd);
    if (!d) {
        return -1;
    }
    if (d->access == O_RDONLY) {
        errno = EBADF;
        return -1;
    }
    size_t done = 0;
    do {
        size_t piece = size - done < TRANSFER_MAX ? size - done : TRANSFER_MAX;
        ssize_t put =
            write_piece(d, buffer + done, piece, offset < 0 ? -1 : offset + (off_t)done);
        if (put < 0) {
            return done && errno != EPIPE ? (ssize_t)done : -1;
        }
        done += (size_t)put;
        if (put == 0) {
            break;
        }
    } while (done < size);
    return (ssize_t)done;
}

ssize_t read(int fd, void *buffer, size_t size)
{
    return transfer_read(fd, buffer, size, -1);
}

ssize_t write(int fd, const void *buffer, size_t size)
{
    return transfer_write(fd, buffer, size, -1);
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
    if (offset < 0) {
        errno = EINVAL;
        return -1;
    }
    return transfer_read(fd, buffer, size, offset);
}

ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset)
{
    if (offset < 0) {
        errno = EINVAL;
        return -1;
    }
    return transfer_write(fd, buffer, size, offset);
}

/* Runs `one` over the vector, from `offset` on (-1: at the position), until it falls short. */
static ssize_t each(int fd, const struct iovec *vector, int count, off_t offset,
                    ssize_t (*one)(int, char *, size_t, off_t))
{
    if (count < 0 || count > 1024) {
        errno = EINVAL;
        return -1;
    }
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        if (vector[i].iov_len == 0) {
            continue;
        }
        ssize_t moved =
            one(fd, vector[i].iov_base, vector[i].iov_len, offset < 0 ? -1 : offset + total);
        if (moved < 0) {
            return total ? total : -1;
        }
        total += moved;
        if ((size_t)moved < vector[i].iov_len) {
            break;
        }
    }
    return total;
}

static ssize_t write_one(int fd, char *buffer, size_t size, off_t offset)
{
    return transfer_write(fd, buffer, size, offset);
}

ssize_t readv(int fd, const struct iovec *vector, int count)
{
    return each(fd, vector, count, -1, transfer_read);
}

ssize_t writev(int fd, const struct iovec *vector, int count)
{
    return each(fd, vector, count, -1, write_one);
}

ssize_t preadv(int fd, const struct iovec *vector, int count, off_t offset)
{
    if (offset < 0) {
        errno = EINVAL;
        return -1;
    }
    return each(fd, vector, count, offset, transfer_read);
}

ssize_t pwritev(int fd, const struct iovec *vector, int count, off_t offset)
{
    if (offset < 0) {
        errno = EINVAL;
        return -1;
    }
    return each(fd, vector, count, offset, write_one);
}

off_t lseek(int fd, off_t offset, int whence)
{
    struct descriptor *d = descriptor_get(fd);
    if (!d) {
        return -1;
    }
    uint64_t position = 0;
    libc_enter();
    enum status status =
        whence < SEEK_SET || whence > SEEK_END
            ? E_INVAL
            : io_seek(descriptor_session(d), d->handle, offset, (uint32_t)whence, &position);
    return libc_leave(status) ? -1 : (off_t)position;
}

/* What needs a handle of `files`: EINVAL for others, as POSIX has it for ftruncate. */
static struct descriptor *file_descriptor(int fd)
{
    struct descriptor *d = descriptor_get(fd);
    if (d && d->service != IO_SERVICE_FILES) {
        errno = EINVAL;
        return NULL;
    }
    return d;
}

int ftruncate(int fd, off_t length)
{
    struct descriptor *d = file_descriptor(fd);
    if (!d) {
        return -1;
    }
    libc_enter();
    return libc_leave(length < 0
                          ? E_INVAL
                          : files_truncate(descriptor_session(d), d->handle, (uint64_t)length));
}

int truncate(const char *path, off_t length)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int result = ftruncate(fd, length), error = errno;
    close(fd);
    errno = error;
    return result;
}

/* Returns the error; does not set errno (POSIX). */
int posix_fallocate(int fd, off_t offset, off_t length)
{
    int before = errno;
    struct descriptor *d = file_descriptor(fd);
    int result = 0;
    if (!d) {
        result = errno == EINVAL ? ESPIPE : errno;
    } else if (offset < 0 || length <= 0) {
        result = EINVAL;
    } else {
        libc_enter();
        if (libc_leave(files_allocate(descriptor_session(d), d->handle, (uint64_t)offset,
                                      (uint64_t)length))) {
            result = errno;
        }
    }
    errno = before;
    return result;
}

/* Advice may be ignored; wrong arguments may not. */
int posix_fadvise(int fd, off_t offset, off_t length, int advice)
{
    (void)offset;
    struct descriptor *d = descriptor_slot(fd);
    if (!d || !d->service) {
        return EBADF;
    }
    return length < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE ? EINVAL : 0;
}

/* The file system is in memory: what was written is where it will ever be. */
int fsync(int fd)
{
    return descriptor_get(fd) ? 0 : -1;
}

int fdatasync(int fd)
{
    return descriptor_get(fd) ? 0 : -1;
}

void sync(void) {}
