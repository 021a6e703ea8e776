// See description.h. Called by requests.c, sessions.c and blocked.c.
#include "description.h"

#include <lib/text.h>

#include "objects.h"

#define AT_POSITION (-1)

void (*description_random)(void *to, size_t bytes);

struct description *description_new(struct inode *inode, struct pipe *pipe, uint32_t flags)
{
    struct description *description = object_new(PAGE_SERVER, sizeof *description);
    if (!description)
        return NULL;
    description->references = 1;
    description->flags =
        flags & (OPEN_FLAG_READ | OPEN_FLAG_WRITE | OPEN_FLAG_APPEND | OPEN_FLAG_NONBLOCK);
    description->inode = inode;
    description->pipe = pipe;
    return description;
}

void description_hold(struct description *description)
{
    description->references++;
}

bool description_is_writer(const struct description *description)
{
    return description->flags & OPEN_FLAG_WRITE;
}

void description_release(struct description *description)
{
    if (--description->references > 0)
        return;
    if (description->pipe)
        pipe_close(description->pipe, description_is_writer(description));
    else if (description->inode)
        inode_release(description->inode);
    object_free(description);
}

static enum status read_device(enum device device, void *to, size_t length, size_t *bytes)
{
    *bytes = length;
    if (device == DEVICE_ZERO)
        memset(to, 0, length);
    else if (device == DEVICE_RANDOM)
        description_random(to, length);
    else
        *bytes = 0; // /dev/null
    return OK;
}

static enum status read_file(struct description *description, int64_t offset, void *to,
                             size_t length, size_t *bytes)
{
    struct inode *inode = description->inode;
    uint64_t at = offset == AT_POSITION ? description->position : (uint64_t)offset;
    *bytes = contents_read(inode, at, to, length);
    if (offset == AT_POSITION)
        description->position += *bytes;
    inode->accessed = inode_clock();
    return OK;
}

enum status description_read(struct description *description, int64_t offset, void *to,
                             size_t length, size_t *bytes)
{
    struct pipe *pipe = description->pipe;
    *bytes = 0;
    if (!(description->flags & OPEN_FLAG_READ))
        return E_BADF;
    if (pipe) {
        if (offset != AT_POSITION)
            return E_SEEK;
        *bytes = pipe_peek(pipe, to, length);
        return *bytes || length == 0 || pipe->writers == 0 ? OK : E_AGAIN;
    }
    if (offset < AT_POSITION)
        return E_INVAL;
    if (description->inode->type == FILE_TYPE_DIRECTORY)
        return E_ISDIR;
    if (description->inode->type == FILE_TYPE_CHARACTER)
        return read_device(description->inode->device, to, length, bytes);
    return read_file(description, offset, to, length, bytes);
}

void description_took(struct description *description, size_t bytes)
{
    if (description->pipe)
        pipe_take(description->pipe, bytes);
}

enum status description_write(struct description *description, int64_t offset, const void *from,
                              size_t length, size_t *written)
{
    struct inode *inode = description->inode;
    *written = 0;
    if (!(description->flags & OPEN_FLAG_WRITE))
        return E_BADF;
    if (description->pipe)
        return offset != AT_POSITION ? E_SEEK
                                     : pipe_write(description->pipe, from, length, written);
    if (offset < AT_POSITION)
        return E_INVAL;
    if (inode->type == FILE_TYPE_CHARACTER) {
        *written = length;
        return OK;
    }
    uint64_t at = (uint64_t)offset;
    if (offset == AT_POSITION)
        at = description->flags & OPEN_FLAG_APPEND ? inode->size : description->position;
    enum status status = contents_write(inode, at, from, length, written);
    if (status == OK && offset == AT_POSITION)
        description->position = at + *written;
    return status;
}

enum status description_seek(struct description *description, int64_t offset, uint32_t whence,
                             uint64_t *position)
{
    if (description->pipe)
        return E_SEEK;
    const struct inode *inode = description->inode;
    uint64_t size = inode->type == FILE_TYPE_REGULAR ? inode->size : 0;
    uint64_t bases[] = {0, description->position, size};
    int64_t target;
    if (whence > 2 || inode->type == FILE_TYPE_DIRECTORY)
        return E_INVAL;
    if (__builtin_add_overflow((int64_t)bases[whence], offset, &target))
        return E_OVERFLOW;
    if (target < 0)
        return E_INVAL;
    if (inode->type == FILE_TYPE_REGULAR)
        description->position = (uint64_t)target;
    *position = description->position;
    return OK;
}

void description_status(const struct description *description, struct file_status *status)
{
    const struct pipe *pipe = description->pipe;
    if (!pipe) {
        inode_status(description->inode, status);
        return;
    }
    memset(status, 0, sizeof *status);
    status->device = 1;
    status->inode = pipe->number;
    status->size = pipe->count;
    status->type = FILE_TYPE_PIPE;
    status->mode = 0600;
    status->links = 1;
}

uint32_t description_events(const struct description *description)
{
    if (description->pipe)
        return pipe_events(description->pipe, description_is_writer(description));
    return IO_EVENT_READABLE | IO_EVENT_WRITABLE;
}
