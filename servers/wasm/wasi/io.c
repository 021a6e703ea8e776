/* Reading and writing through lists of buffers (iovecs). Called by guests through the table in
 * wasi.c.
 *
 * The buffers are handed to the system where they lie, in guest memory. A call may move less
 * than was asked: that is the guest's to handle, as POSIX has it. What was moved before an
 * error counts; the error comes back at the next call.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
    GATHER_BYTES = 4096, /* writes up to here leave in one piece, however many buffers */
    NONBLOCK_WRITE = 512 /* POSIX: what a pipe that polls writable takes at least */
};

/* One transfer on its way. */
struct transfer {
    struct wasi_fd *entry;
    bool writes;
    bool positioned; /* pread, pwrite */
    uint64_t offset; /* of the next byte, if positioned */
    uint64_t total;  /* moved so far */
};

/* The list at `address` of `count` buffers, if the list and all buffers lie in memory and their
 * lengths add up to 32 bits. Stores the sum. */
static enum wasi_errno check_buffers(const struct wasi *wasi, uint32_t address, uint32_t count,
                                     uint64_t *sum)
{
    const uint8_t *list = wasi_at(wasi, address, (uint64_t)count * sizeof(struct wasi_iovec));
    if (!list) {
        return WASI_FAULT;
    }
    *sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct wasi_iovec buffer;
        memcpy(&buffer, list + (size_t)i * sizeof buffer, sizeof buffer);
        if (!wasi_at(wasi, buffer.address, buffer.length)) {
            return WASI_FAULT;
        }
        *sum += buffer.length;
    }
    return *sum > UINT32_MAX ? WASI_INVAL : WASI_SUCCESS;
}

static struct wasi_iovec buffer_at(const struct wasi *wasi, uint32_t list, uint32_t index)
{
    struct wasi_iovec buffer;
    wasi_load(wasi, list + index * (uint32_t)sizeof buffer, &buffer, sizeof buffer);
    return buffer;
}

/* Waits until a stream can be read or written. False: it cannot now, and must not wait. */
static bool stream_ready(const struct transfer *transfer, int timeout)
{
    struct pollfd wanted = {.fd = transfer->entry->host,
                            .events = transfer->writes ? POLLOUT : POLLIN};
    return poll(&wanted, 1, timeout) > 0;
}

static ssize_t move_once(const struct transfer *transfer, void *bytes, size_t size)
{
    int host = transfer->entry->host;
    if (transfer->positioned) {
        off_t offset = (off_t)transfer->offset;
        return transfer->writes ? pwrite(host, bytes, size, offset)
                                : pread(host, bytes, size, offset);
    }
    return transfer->writes ? write(host, bytes, size) : read(host, bytes, size);
}

/* Moves up to `size` bytes. Returns how many, or -1 with errno. */
static ssize_t move(struct transfer *transfer, void *bytes, size_t size)
{
    bool waits = !(transfer->entry->flags & WASI_FD_NONBLOCK);
    bool stream = transfer->entry->type != WASI_TYPE_REGULAR_FILE;
    if (!waits && stream) {
        if (!stream_ready(transfer, 0)) {
            errno = EAGAIN;
            return -1;
        }
        size = transfer->writes && size > NONBLOCK_WRITE ? NONBLOCK_WRITE : size;
    }
    for (;;) {
        ssize_t moved = move_once(transfer, bytes, size);
        if (moved >= 0) {
            transfer->offset += (uint64_t)moved;
            transfer->total += (uint64_t)moved;
            return moved;
        }
        if (errno == EAGAIN && waits) {
            stream_ready(transfer, -1); /* the host's descriptor does not wait by itself */
        } else if (errno != EINTR) {
            return -1;
        }
    }
}

/* Writes buffers that are small together as one piece: a line made of several buffers is not
 * torn by other writers, and costs one call. */
static enum wasi_errno gather(const struct wasi *wasi, struct transfer *transfer, uint32_t list,
                              uint32_t count)
{
    uint8_t bytes[GATHER_BYTES];
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct wasi_iovec buffer = buffer_at(wasi, list, i);
        memcpy(bytes + used, wasi_at(wasi, buffer.address, buffer.length), buffer.length);
        used += buffer.length;
    }
    return move(transfer, bytes, used) < 0 ? wasi_errno_of(errno) : WASI_SUCCESS;
}

/* Moves one buffer after the other until one is not done in full. */
static enum wasi_errno scatter(const struct wasi *wasi, struct transfer *transfer,
                               uint32_t list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct wasi_iovec buffer = buffer_at(wasi, list, i);
        if (buffer.length == 0) {
            continue;
        }
        if (transfer->total && !transfer->writes &&
            transfer->entry->type != WASI_TYPE_REGULAR_FILE) {
            break; /* the next read could wait although there is something to return */
        }
        /* Looked up again: a buffer before this one may have lain over the list itself. */
        void *bytes = wasi_at(wasi, buffer.address, buffer.length);
        if (!bytes) {
            return transfer->total ? WASI_SUCCESS : WASI_FAULT;
        }
        ssize_t moved = move(transfer, bytes, buffer.length);
        if (moved < 0) {
            return transfer->total ? WASI_SUCCESS : wasi_errno_of(errno);
        }
        if ((size_t)moved < buffer.length) {
            break;
        }
    }
    return WASI_SUCCESS;
}

/* All four calls: args are descriptor, list, count, (offset,) address of the result. */
static enum wasi_errno run(struct wasi *wasi, const uint64_t *args, bool writes,
                           bool positioned)
{
    struct transfer transfer = {.writes = writes, .positioned = positioned};
    uint64_t rights = (writes ? WASI_RIGHT_FD_WRITE : WASI_RIGHT_FD_READ) |
                      (positioned ? WASI_RIGHT_FD_SEEK : 0);
    enum wasi_errno error = wasi_fd_find(wasi, (uint32_t)args[0], rights, &transfer.entry);
    if (error) {
        return error;
    }
    uint32_t list = (uint32_t)args[1], count = (uint32_t)args[2];
    uint32_t result = (uint32_t)args[positioned ? 4 : 3];
    uint64_t sum = 0;
    error = check_buffers(wasi, list, count, &sum);
    if (!error && !wasi_at(wasi, result, sizeof(uint32_t))) {
        error = WASI_FAULT; /* before anything moved */
    }
    if (positioned) {
        transfer.offset = args[3];
        if (!error && transfer.offset > (uint64_t)INT64_MAX - sum) {
            error = WASI_INVAL;
        }
    }
    if (error) {
        return error;
    }
    if (writes && (count > 1 || sum == 0) && sum <= GATHER_BYTES) {
        error = gather(wasi, &transfer, list, count);
    } else {
        error = scatter(wasi, &transfer, list, count);
    }
    return error ? error : wasi_store_u32(wasi, result, (uint32_t)transfer.total);
}

enum wasi_errno wasi_fd_read(struct wasi *wasi, const uint64_t *args)
{
    return run(wasi, args, false, false);
}

enum wasi_errno wasi_fd_pread(struct wasi *wasi, const uint64_t *args)
{
    return run(wasi, args, false, true);
}

enum wasi_errno wasi_fd_write(struct wasi *wasi, const uint64_t *args)
{
    return run(wasi, args, true, false);
}

enum wasi_errno wasi_fd_pwrite(struct wasi *wasi, const uint64_t *args)
{
    return run(wasi, args, true, true);
}
