// See pipe.h. Called by description.c and blocked.c. Memory is taken when the pipe is made, so
// that a write never fails for want of it.
#include "pipe.h"

#include <lib/kept.h>
#include <lib/text.h>

#include <proto/io.h>

#include "objects.h"

#define NUMBER_FIRST ((uint64_t)1 << 32) // apart from those of inodes

static KEPT uint64_t made; // pipes, since the start

static void pipe_free(struct pipe *pipe)
{
    for (uint32_t i = 0; i < PIPE_PAGES && pipe->pages[i]; i++)
        pages_give(pipe->pages[i]);
    object_free(pipe);
}

struct pipe *pipe_new(void)
{
    struct pipe *pipe = object_new(PAGE_SERVER, sizeof *pipe);
    if (!pipe)
        return NULL;
    for (uint32_t i = 0; i < PIPE_PAGES; i++)
        if (!(pipe->pages[i] = pages_take(PAGE_PIPE, false))) {
            pipe_free(pipe);
            return NULL;
        }
    pipe->readers = pipe->writers = 1;
    pipe->number = NUMBER_FIRST + (*KEPT_VIEW(made))++;
    list_start(&pipe->changed);
    list_start(&pipe->waiters);
    list_start(&pipe->watches);
    return pipe;
}

void pipe_close(struct pipe *pipe, bool writer)
{
    if (writer)
        pipe->writers--;
    else
        pipe->readers--;
    pipe_hold(pipe);
    pipe_drop(pipe);
}

void pipe_hold(struct pipe *pipe)
{
    pipe->holds++;
}

void pipe_drop(struct pipe *pipe)
{
    if (--pipe->holds == 0 && pipe->readers == 0 && pipe->writers == 0)
        pipe_free(pipe);
}

// The piece of the ring at `position`, up to `length` bytes long, that lies in one page.
static uint8_t *piece(const struct pipe *pipe, uint32_t position, size_t length, size_t *bytes)
{
    position %= PIPE_BYTES;
    size_t room = 4096u - position % 4096u;
    *bytes = length < room ? length : room;
    return pipe->pages[position / 4096u] + position % 4096u;
}

size_t pipe_peek(const struct pipe *pipe, void *to, size_t length)
{
    if (length > pipe->count)
        length = pipe->count;
    for (size_t done = 0, step; done < length; done += step) {
        const uint8_t *from = piece(pipe, pipe->first + (uint32_t)done, length - done, &step);
        memcpy((uint8_t *)to + done, from, step);
    }
    return length;
}

void pipe_take(struct pipe *pipe, size_t length)
{
    pipe->count -= (uint32_t)length;
    // An empty pipe starts over, so that little data stays in few pages.
    pipe->first = pipe->count ? (pipe->first + (uint32_t)length) % PIPE_BYTES : 0;
}

enum status pipe_write(struct pipe *pipe, const void *from, size_t length, size_t *written)
{
    size_t room = PIPE_BYTES - pipe->count;
    *written = 0;
    if (pipe->readers == 0)
        return E_PIPE;
    if (length > room && (length <= PIPE_ATOMIC || room == 0))
        return E_AGAIN;
    if (length > room)
        length = room;
    for (size_t step; *written < length; *written += step) {
        uint8_t *to = piece(pipe, pipe->first + pipe->count, length - *written, &step);
        kept_copy(to, (const uint8_t *)from + *written, step);
        pipe->count += (uint32_t)step;
    }
    return OK;
}

uint32_t pipe_events(const struct pipe *pipe, bool writer)
{
    uint32_t events = 0;
    if (writer) {
        if (pipe->readers == 0)
            events |= IO_EVENT_HANGUP | IO_EVENT_WRITABLE;
        if (PIPE_BYTES - pipe->count >= PIPE_ATOMIC)
            events |= IO_EVENT_WRITABLE;
    } else {
        if (pipe->count > 0)
            events |= IO_EVENT_READABLE;
        if (pipe->writers == 0)
            events |= IO_EVENT_READABLE | IO_EVENT_HANGUP;
    }
    return events;
}

bool pipe_valid(const struct pipe *pipe)
{
    for (uint32_t i = 0; i < PIPE_PAGES; i++)
        if (!pages_holds(pipe->pages[i], PAGE_BYTES))
            return false;
    return pipe->first < PIPE_BYTES && pipe->count <= PIPE_BYTES;
}
