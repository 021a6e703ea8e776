// The requests to the terminal: io.idl's and console.idl's. Called by the generated dispatch.
#include <lib/heap.h>
#include <lib/kept.h>
#include <lib/slots.h>
#include <proto/console_server.h>

#include "line.h"
#include "requests.h"
#include "screen.h"
#include "terminal.h"
#include "waits.h"

#define DEVICE_TERMINAL 0u
#define TERMINAL_MODE   0620u // permission bits
#define TERMINAL_NUMBER 1u    // inode, on a device of its own
#define DEVICE_NUMBER   2u

static KEPT uint32_t interrupt_wake; // slot of the capability of on_interrupt, 0: none

void requests_interrupt(void)
{
    if (*KEPT_VIEW(interrupt_wake))
        status_ignore(sys_signal(*KEPT_VIEW(interrupt_wake)));
}

static enum status find(struct client *client, uint32_t handle, struct open_terminal **open)
{
    struct console_client *console = console_client(client);
    *open = handle >= 1 && handle <= HANDLES_MAX ? console->handles[handle - 1] : NULL;
    return *open ? OK : E_BADF;
}

static enum status handle_new(struct client *client, struct open_terminal *open,
                              uint32_t *handle)
{
    struct console_client *console = console_client(client);
    for (uint32_t i = 0; i < HANDLES_MAX; i++) {
        if (console->handles[i])
            continue;
        console->handles[i] = open;
        open->references++;
        *handle = i + 1;
        return OK;
    }
    return E_MFILE;
}

static void release(struct open_terminal *open)
{
    if (--open->references == 0)
        heap_free(open);
}

enum status console_on_read(struct request *r, const struct io_read_in *in,
                            struct io_read_out *out)
{
    struct open_terminal *open;
    size_t bytes;
    uint32_t entries;
    enum status status = find(r->client, in->handle, &open);
    if (status == OK && in->offset != -1)
        status = E_SEEK;
    if (status != OK)
        return status;
    uint32_t length = in->length < out->bytes.max ? in->length : out->bytes.max;
    status = line_peek(out->bytes.bytes, length, &bytes, &entries);
    if (status == E_AGAIN && !(open->flags & IO_FLAG_NONBLOCK))
        return waits_add(r, length, NULL);
    if (status == OK) {
        out->bytes.size = (uint32_t)bytes;
        line_take(entries);
    }
    return status;
}

enum status console_on_write(struct request *r, const struct io_write_in *in,
                             struct io_write_out *out)
{
    struct open_terminal *open;
    enum status status = find(r->client, in->handle, &open);
    if (status == OK && in->offset != -1)
        status = E_SEEK;
    if (status != OK)
        return status;
    if (in->bytes.size > 0 && !terminal_writable())
        return open->flags & IO_FLAG_NONBLOCK ? E_AGAIN
                                              : waits_add(r, in->bytes.size, in->bytes.bytes);
    out->written = (uint32_t)terminal_write(in->bytes.bytes, in->bytes.size);
    r->server->unsettled = true; // the serial line's part
    return OK;
}

enum status console_on_close(struct request *r, const struct io_close_in *in,
                             struct io_close_out *out)
{
    (void)out;
    struct open_terminal *open;
    enum status status = find(r->client, in->handle, &open);
    if (status != OK)
        return status;
    console_client(r->client)->handles[in->handle - 1] = NULL;
    release(open);
    return OK;
}

enum status console_on_duplicate(struct request *r, const struct io_duplicate_in *in,
                                 struct io_duplicate_out *out)
{
    struct open_terminal *open;
    enum status status = find(r->client, in->handle, &open);
    return status == OK ? handle_new(r->client, open, &out->copy) : status;
}

enum status console_on_status(struct request *r, const struct io_status_in *in,
                              struct io_status_out *out)
{
    struct open_terminal *open;
    enum status status = find(r->client, in->handle, &open);
    out->status.device = DEVICE_NUMBER;
    out->status.inode = TERMINAL_NUMBER;
    out->status.type = FILE_TYPE_CHARACTER;
    out->status.mode = TERMINAL_MODE;
    out->status.links = 1;
    return status;
}

enum status console_on_set_flags(struct request *r, const struct io_set_flags_in *in,
                                 struct io_set_flags_out *out)
{
    struct open_terminal *open;
    enum status status = find(r->client, in->handle, &open);
    if (status != OK)
        return status;
    uint32_t mask = in->mask & (IO_FLAG_APPEND | IO_FLAG_NONBLOCK);
    open->flags = (open->flags & ~mask) | (in->value & mask);
    out->flags = open->flags;
    return OK;
}

enum status console_on_watch(struct request *r, const struct io_watch_in *in,
                             struct io_watch_out *out)
{
    struct open_terminal *open;
    enum status status = find(r->client, in->handle, &open);
    if (status != OK)
        return status;
    out->ready = waits_events() & in->events;
    if (out->ready == 0 && in->wake)
        return waits_watch(console_client(r->client), in->events, in->wake);
    slot_delete(in->wake);
    return OK;
}

enum status console_on_ready(struct request *r, const struct io_ready_in *in,
                             struct io_ready_out *out)
{
    struct open_terminal *open;
    out->ready = waits_events() & in->events;
    return find(r->client, in->handle, &open);
}

enum status console_on_seek(struct request *r, const struct io_seek_in *in,
                            struct io_seek_out *out)
{
    (void)out;
    struct open_terminal *open;
    enum status status = find(r->client, in->handle, &open);
    return status == OK ? E_SEEK : status;
}

enum status console_on_inherit(struct request *r, const struct io_inherit_in *in,
                               struct io_inherit_out *out)
{
    struct open_terminal *open;
    struct client *from = server_client(r->server, in->from, false);
    enum status status = from ? find(from, in->handle, &open) : E_BADF;
    if (status != OK)
        return status;
    struct client *to = server_client(r->server, in->to, true);
    return to ? handle_new(to, open, &out->heir) : E_NOMEM;
}

enum status console_on_session_end(struct request *r, const struct io_session_end_in *in,
                                   struct io_session_end_out *out)
{
    (void)out;
    struct client *client = server_client(r->server, in->session, false);
    if (!client || client == r->client)
        return client ? E_INVAL : OK;
    struct console_client *console = console_client(client);
    waits_client_end(console);
    for (uint32_t i = 0; i < HANDLES_MAX; i++)
        if (console->handles[i])
            release(console->handles[i]);
    server_client_end(r->server, client);
    return OK;
}

enum status console_on_grant(struct request *r, const struct io_grant_in *in,
                             struct io_grant_out *out)
{
    if (in->device != DEVICE_TERMINAL)
        return E_NOENT;
    struct client *client = server_client(r->server, in->session, true);
    struct open_terminal *open = client ? heap_alloc(sizeof *open) : NULL;
    if (!open)
        return E_NOMEM;
    open->flags = in->flags & (IO_FLAG_APPEND | IO_FLAG_NONBLOCK);
    enum status status = handle_new(client, open, &out->handle);
    if (status != OK)
        heap_free(open);
    return status;
}

enum status console_on_set_mode(struct request *r, const struct console_set_mode_in *in,
                                struct console_set_mode_out *out)
{
    struct open_terminal *open;
    enum status status = find(r->client, in->handle, &open);
    if (status != OK)
        return status;
    out->before = line_mode();
    line_set_mode(in->mode);
    r->server->unsettled = true; // what was being typed may be readable now
    return OK;
}

enum status console_on_get_mode(struct request *r, const struct console_get_mode_in *in,
                                struct console_get_mode_out *out)
{
    struct open_terminal *open;
    out->mode = line_mode();
    return find(r->client, in->handle, &open);
}

enum status console_on_size(struct request *r, const struct console_size_in *in,
                            struct console_size_out *out)
{
    (void)r, (void)in;
    out->columns = SCREEN_COLUMNS;
    out->rows = SCREEN_ROWS;
    return OK;
}

enum status console_on_flush(struct request *r, const struct console_flush_in *in,
                             struct console_flush_out *out)
{
    (void)out;
    struct open_terminal *open;
    enum status status = find(r->client, in->handle, &open);
    if (status == OK)
        line_flush();
    return status;
}

enum status console_on_on_interrupt(struct request *r, const struct console_on_interrupt_in *in,
                                    struct console_on_interrupt_out *out)
{
    (void)r, (void)out;
    slot_delete(*KEPT_VIEW(interrupt_wake));
    *KEPT_VIEW(interrupt_wake) = in->wake;
    return OK;
}

/// How many handles refer to a description.
static uint32_t references(const struct open_terminal *open)
{
    uint32_t count = 0;
    MAP_EACH(node, &server_loop()->clients)
    {
        const struct console_client *client = (const struct console_client *)(const void *)node;
        for (uint32_t i = 0; i < HANDLES_MAX; i++)
            count += client->handles[i] == open;
    }
    return count;
}

void requests_resume(void)
{
    uint32_t wake = *KEPT_VIEW(interrupt_wake);
    KEPT_CHECK(!wake || slot_taken(wake));
    MAP_EACH(node, &server_loop()->clients)
    {
        const struct console_client *client = (const struct console_client *)(const void *)node;
        for (uint32_t i = 0; i < HANDLES_MAX; i++) {
            const struct open_terminal *open = client->handles[i];
            KEPT_CHECK(!open || (heap_holds(open, sizeof *open) &&
                                 open->references == references(open)));
        }
    }
}
