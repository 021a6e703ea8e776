// The requests on open files: those of io.idl, and the few of files.idl that name a handle
// alone. Called by the generated dispatch; every handler gets checked types and lengths.
#include <lib/slots.h>
#include <lib/text.h>
#include <proto/files_server.h>

#include "blocked.h"
#include "locks.h"
#include "pages.h"
#include "requests.h"

// What io.idl calls APPEND and NONBLOCK, files.idl keeps among open_flag.
static uint32_t io_flags(uint32_t open_flags)
{
    return (open_flags & OPEN_FLAG_APPEND ? IO_FLAG_APPEND : 0) |
           (open_flags & OPEN_FLAG_NONBLOCK ? IO_FLAG_NONBLOCK : 0);
}

static uint32_t open_flags(uint32_t io_flags)
{
    return (io_flags & IO_FLAG_APPEND ? OPEN_FLAG_APPEND : 0) |
           (io_flags & IO_FLAG_NONBLOCK ? OPEN_FLAG_NONBLOCK : 0);
}

enum status requests_handle(struct request *r, uint32_t handle,
                            struct description **description)
{
    return handle_find(&files_client(r->client)->handles, handle, description);
}

enum status requests_open(struct request *r, struct description *description, uint32_t *handle)
{
    if (!description)
        return E_NOSPACE;
    enum status status = handle_new(&files_client(r->client)->handles, description, handle);
    if (status != OK)
        blocked_release(description);
    return status;
}

// A handle on a regular file that is open for writing.
static enum status find_writable(struct request *r, uint32_t handle, struct inode **inode)
{
    struct description *description;
    enum status status = requests_handle(r, handle, &description);
    if (status != OK)
        return status;
    *inode = description->inode;
    if (!*inode || (*inode)->type != FILE_TYPE_REGULAR)
        return *inode && (*inode)->type == FILE_TYPE_DIRECTORY ? E_ISDIR : E_INVAL;
    return description->flags & OPEN_FLAG_WRITE ? OK : E_BADF;
}

enum status files_on_read(struct request *r, const struct io_read_in *in,
                          struct io_read_out *out)
{
    struct description *description;
    size_t bytes;
    enum status status = requests_handle(r, in->handle, &description);
    if (status != OK)
        return status;
    uint32_t length = in->length < out->bytes.max ? in->length : out->bytes.max;
    status = description_read(description, in->offset, out->bytes.bytes, length, &bytes);
    if (status == E_AGAIN && !(description->flags & OPEN_FLAG_NONBLOCK))
        return blocked_wait(r, description, length, NULL);
    out->bytes.size = (uint32_t)bytes;
    if (status == OK && description->pipe) {
        description_took(description, bytes);
        blocked_wake(description->pipe);
    }
    return status;
}

enum status files_on_write(struct request *r, const struct io_write_in *in,
                           struct io_write_out *out)
{
    struct description *description;
    size_t written;
    enum status status = requests_handle(r, in->handle, &description);
    if (status != OK)
        return status;
    status =
        description_write(description, in->offset, in->bytes.bytes, in->bytes.size, &written);
    if (status == E_AGAIN && !(description->flags & OPEN_FLAG_NONBLOCK))
        return blocked_wait(r, description, in->bytes.size, in->bytes.bytes);
    out->written = (uint32_t)written;
    if (status == OK && description->pipe)
        blocked_wake(description->pipe);
    return status;
}

enum status files_on_close(struct request *r, const struct io_close_in *in,
                           struct io_close_out *out)
{
    (void)out;
    struct description *description =
        handle_remove(&files_client(r->client)->handles, in->handle);
    if (!description)
        return E_BADF;
    if (description->inode)
        locks_drop(description->inode, r->client->node.key);
    blocked_release(description);
    return OK;
}

enum status files_on_duplicate(struct request *r, const struct io_duplicate_in *in,
                               struct io_duplicate_out *out)
{
    struct description *description;
    enum status status = requests_handle(r, in->handle, &description);
    if (status != OK)
        return status;
    description_hold(description);
    return requests_open(r, description, &out->copy);
}

enum status files_on_status(struct request *r, const struct io_status_in *in,
                            struct io_status_out *out)
{
    struct description *description;
    enum status status = requests_handle(r, in->handle, &description);
    if (status == OK)
        description_status(description, &out->status);
    return status;
}

enum status files_on_set_flags(struct request *r, const struct io_set_flags_in *in,
                               struct io_set_flags_out *out)
{
    struct description *description;
    enum status status = requests_handle(r, in->handle, &description);
    if (status != OK)
        return status;
    uint32_t mask = open_flags(in->mask);
    description->flags = (description->flags & ~mask) | (open_flags(in->value) & mask);
    out->flags = io_flags(description->flags);
    return OK;
}

enum status files_on_watch(struct request *r, const struct io_watch_in *in,
                           struct io_watch_out *out)
{
    struct description *description;
    enum status status = requests_handle(r, in->handle, &description);
    if (status != OK)
        return status;
    out->ready = description_events(description) & (in->events | IO_EVENT_HANGUP);
    if (out->ready == 0 && in->wake && description->pipe)
        return blocked_watch(files_client(r->client), description, in->events, in->wake);
    slot_delete(in->wake);
    return OK;
}

enum status files_on_ready(struct request *r, const struct io_ready_in *in,
                           struct io_ready_out *out)
{
    struct description *description;
    enum status status = requests_handle(r, in->handle, &description);
    if (status == OK)
        out->ready = description_events(description) & (in->events | IO_EVENT_HANGUP);
    return status;
}

enum status files_on_seek(struct request *r, const struct io_seek_in *in,
                          struct io_seek_out *out)
{
    struct description *description;
    enum status status = requests_handle(r, in->handle, &description);
    if (status != OK)
        return status;
    return description_seek(description, in->offset, in->whence, &out->position);
}

enum status files_on_inherit(struct request *r, const struct io_inherit_in *in,
                             struct io_inherit_out *out)
{
    struct description *description;
    struct client *from = server_client(r->server, in->from, false);
    if (!from)
        return E_BADF;
    enum status status = handle_find(&files_client(from)->handles, in->handle, &description);
    if (status != OK)
        return status;
    struct client *to = server_client(r->server, in->to, true);
    if (!to)
        return E_NOMEM;
    status = handle_new(&files_client(to)->handles, description, &out->heir);
    if (status == OK)
        description_hold(description);
    return status;
}

static void drop_all_locks(struct files_client *files)
{
    struct description *description;
    for (uint32_t handle = 1; handle <= HANDLES_MAX; handle++) {
        if (handle_find(&files->handles, handle, &description) == OK && description->inode)
            locks_drop(description->inode, files->client.node.key);
    }
}

enum status files_on_session_end(struct request *r, const struct io_session_end_in *in,
                                 struct io_session_end_out *out)
{
    (void)out;
    struct client *client = server_client(r->server, in->session, false);
    if (!client || client == r->client)
        return client ? E_INVAL : OK;
    struct files_client *files = files_client(client);
    blocked_client_end(files);
    drop_all_locks(files);
    handles_end(&files->handles, blocked_release);
    server_client_end(r->server, client);
    return OK;
}

enum status files_on_grant(struct request *r, const struct io_grant_in *in,
                           struct io_grant_out *out)
{
    (void)r, (void)in, (void)out;
    return E_NOTSUP; // this server's devices have names
}

enum status files_on_truncate(struct request *r, const struct files_truncate_in *in,
                              struct files_truncate_out *out)
{
    (void)out;
    struct inode *inode;
    enum status status = find_writable(r, in->handle, &inode);
    if (status == OK && in->length < inode->size)
        contents_shrink(inode, in->length);
    return status == OK ? contents_truncate(inode, in->length) : status;
}

enum status files_on_allocate(struct request *r, const struct files_allocate_in *in,
                              struct files_allocate_out *out)
{
    (void)out;
    struct inode *inode;
    enum status status = find_writable(r, in->handle, &inode);
    return status == OK ? contents_allocate(inode, in->offset, in->length) : status;
}

enum status files_on_set_mode(struct request *r, const struct files_set_mode_in *in,
                              struct files_set_mode_out *out)
{
    (void)out;
    struct description *description;
    enum status status = requests_handle(r, in->handle, &description);
    if (status != OK)
        return status;
    if (!description->inode)
        return E_NOTSUP;
    inode_set_mode(description->inode, in->mode);
    return OK;
}

enum status files_on_set_times(struct request *r, const struct files_set_times_in *in,
                               struct files_set_times_out *out)
{
    (void)out;
    struct description *description;
    enum status status = requests_handle(r, in->handle, &description);
    if (status != OK)
        return status;
    if (!description->inode)
        return E_NOTSUP;
    inode_set_times(description->inode, in->set, in->accessed, in->modified);
    return OK;
}

enum status files_on_pipe(struct request *r, const struct files_pipe_in *in,
                          struct files_pipe_out *out)
{
    (void)in;
    struct pipe *pipe = pipe_new();
    struct description *reader = pipe ? description_new(NULL, pipe, OPEN_FLAG_READ) : NULL;
    struct description *writer = reader ? description_new(NULL, pipe, OPEN_FLAG_WRITE) : NULL;
    if (!writer) {
        if (pipe)
            pipe_close(pipe, true);
        if (reader)
            description_release(reader);
        else if (pipe)
            pipe_close(pipe, false);
        return E_NOSPACE;
    }
    enum status status = requests_open(r, reader, &out->read_handle);
    if (status != OK) {
        description_release(writer);
        return status;
    }
    status = requests_open(r, writer, &out->write_handle);
    if (status != OK)
        blocked_release(handle_remove(&files_client(r->client)->handles, out->read_handle));
    return status;
}

enum status files_on_file_system(struct request *r, const struct files_file_system_in *in,
                                 struct files_file_system_out *out)
{
    (void)r, (void)in;
    out->status.bytes_total = pages_total() * PAGE_BYTES;
    out->status.bytes_free = pages_free(PAGE_CONTENTS) * PAGE_BYTES;
    out->status.files = inode_count();
    out->status.name_max = NAME_BYTES;
    out->status.block_bytes = PAGE_BYTES;
    return OK;
}
