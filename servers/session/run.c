// One command line for the host: three pipes between the shell and the link.
//
// Everything is driven by signals: the port, the child's end, the pipes. A pipe that has left
// a signal behind (`waiting`) is not asked again before it came.
#include <lib/log.h>
#include <lib/session.h>
#include <lib/start.h>
#include <lib/text.h>
#include <pith/status.h>
#include <proto/files.h>
#include <proto/io.h>
#include <proto/process.h>

#include "session.h"

enum { NOTHING_RAN = 125 };

struct output {
    char kind;       // of its frames
    uint32_t handle; // the pipe's read end
    uint32_t wake;
    uint64_t bit; // the signal behind `wake`
    bool open;
    bool waiting;
};

static struct output outputs[2] = {{.kind = 'O', .bit = WAKE_OUTPUT},
                                   {.kind = 'R', .bit = WAKE_ERROR}};
static struct {
    uint32_t handle; // the pipe's write end
    uint32_t wake;
    bool open;
    bool waiting;
    bool early; // firmware_input may have more
    bool full;  // `frame` holds bytes [written, frame.bytes) for the pipe
    uint32_t written;
} input;
static struct frame frame;

static struct session *files(void)
{
    return session_to(STARTUP_SLOT_FILES);
}

static void close_handle(uint32_t handle)
{
    status_ignore(io_close(files(), handle));
}

// The shell's three pipes; our end of each (0: read, 1: write) is made non-blocking.
static enum status make_pipes(uint32_t pipes[3][2])
{
    static const int ours[3] = {1, 0, 0};
    for (int i = 0; i < 3; i++) {
        uint32_t flags;
        enum status result = files_pipe(files(), &pipes[i][0], &pipes[i][1]);
        if (result != OK) {
            while (i-- > 0) {
                close_handle(pipes[i][0]);
                close_handle(pipes[i][1]);
            }
            return result;
        }
        CHECK(io_set_flags(files(), pipes[i][ours[i]], IO_FLAG_NONBLOCK, IO_FLAG_NONBLOCK,
                           &flags) == OK);
    }
    return OK;
}

static enum status start(const char *line, uint32_t *pid)
{
    static char arguments[32768] = "/bin/sh\0-c";
    const uint32_t prefix = sizeof "/bin/sh\0-c";
    uint32_t pipes[3][2], bytes = (uint32_t)strlen(line) + 1;
    if (bytes > sizeof arguments - prefix)
        return E_2BIG;
    memcpy(arguments + prefix, line, bytes);
    enum status result = make_pipes(pipes);
    if (result != OK)
        return result;
    const uint32_t handles[3] = {pipes[0][0], pipes[1][1], pipes[2][1]};
    result = shell_spawn(arguments, prefix + bytes, SPAWN_FLAG_GROUP | SPAWN_FLAG_FOREGROUND,
                         IO_SERVICE_FILES, handles, pid);
    for (int i = 0; i < 3; i++)
        close_handle(handles[i]);
    input.handle = pipes[0][1];
    input.wake = wake_capability(WAKE_INPUT);
    input.open = input.early = true;
    for (int i = 0; i < 2; i++) {
        outputs[i].handle = pipes[i + 1][0];
        outputs[i].wake = wake_capability(outputs[i].bit);
        outputs[i].open = true;
    }
    return result;
}

static void close_output(struct output *output)
{
    if (output->open)
        close_handle(output->handle);
    output->open = false;
}

// Asks a pipe to signal `wake` when it can go on. False: it can already.
static bool leave_signal(uint32_t handle, uint32_t event, uint32_t wake)
{
    uint32_t ready;
    enum status result = io_watch(files(), handle, event, wake, &ready);
    CHECK(result == OK);
    return !ready;
}

// Moves all there is; leaves a signal behind for more.
static void pump_output(struct output *output)
{
    if (wake_take(output->bit))
        output->waiting = false;
    while (output->open && !output->waiting) {
        const void *bytes;
        uint32_t count;
        enum status result = io_read(files(), output->handle, FRAME_BYTES, -1, &bytes, &count);
        if (result == E_AGAIN) {
            output->waiting = leave_signal(output->handle, IO_EVENT_READABLE, output->wake);
        } else if (result != OK || count == 0) {
            close_output(output);
        } else {
            link_send(output->kind, bytes, count);
        }
    }
}

static void close_input(void)
{
    if (input.open)
        close_handle(input.handle);
    input.open = input.full = false;
}

// True: the frame is dealt with and the next one may come.
static bool write_input(void)
{
    if (wake_take(WAKE_INPUT))
        input.waiting = false;
    while (input.full && !input.waiting) {
        uint32_t count;
        enum status result = io_write(files(), input.handle, -1, frame.payload + input.written,
                                      frame.bytes - input.written, &count);
        if (result == E_AGAIN) {
            input.waiting = leave_signal(input.handle, IO_EVENT_WRITABLE, input.wake);
        } else if (result != OK) {
            close_input(); // nobody reads: later input frames are dropped
        } else {
            input.written += count;
            input.full = input.written < frame.bytes;
        }
    }
    return !input.full;
}

// The next frame: first what was there before the machine started, then what the link brings.
static bool next_frame(const struct plan *plan)
{
    if (input.early) {
        frame.bytes = firmware_input(frame.payload, FRAME_BYTES);
        frame.kind = frame.bytes > 0 ? 'I' : 'E';
        input.early = frame.bytes > 0;
        if (frame.bytes > 0 || plan->input_ended)
            return true;
    }
    return link_receive(&frame);
}

static void take_frames(const struct plan *plan)
{
    while (write_input() && next_frame(plan)) {
        if (frame.kind == 'I' && input.open) {
            input.full = frame.bytes > 0;
            input.written = 0;
        } else if (frame.kind == 'E') {
            close_input();
        } else if (frame.kind == 'C' && frame.bytes == 1) {
            close_output(&outputs[frame.payload[0] == 1 ? 0 : 1]);
        }
    }
}

static void send_file(const char *path)
{
    uint32_t handle, service, count;
    const void *bytes;
    enum status result = files_open(files(), 0, OPEN_FLAG_READ, 0, path, (uint32_t)strlen(path),
                                    &handle, &service);
    if (result == OK && service != IO_SERVICE_FILES)
        result = E_INVAL;
    if (result == OK) {
        while ((result = io_read(files(), handle, FRAME_BYTES, -1, &bytes, &count)) == OK &&
               count > 0)
            link_send('G', bytes, count);
        close_handle(handle);
    }
    const char *message = result == OK ? "" : status_message(result);
    link_send('D', message, (uint32_t)strlen(message));
}

_Noreturn void run_line(const struct plan *plan)
{
    uint32_t pid = 0, status = NOTHING_RAN;
    link_start();
    link_send('H', 0, 0);
    const char *failed = plan->add_failed;
    link_send('R', failed, (uint32_t)strlen(failed));
    enum status result = *failed ? OK : start(plan->run, &pid);
    if (result != OK) {
        char text[160];
        link_send('R', text,
                  (uint32_t)text_format(
                      text, sizeof text, "session: cannot start the shell: %s, /bin/sh%s\n",
                      status_message(result),
                      // E_NOENT: then the initrd did not fit
                      result == E_NOENT || result == E_NOMEM || result == E_NOSPACE
                          ? "; too little memory: give the machine at least 16 MB"
                          : ""));
    }
    bool ended = *failed || result != OK;
    for (;;) {
        // The order matters: what a child wrote before it ended is read after its end was seen.
        ended = ended || child_ended(pid, &status);
        pump_output(&outputs[0]);
        pump_output(&outputs[1]);
        if (ended)
            break;
        take_frames(plan);
        wake_wait(UINT64_MAX);
        wake_take(WAKE_LINK | WAKE_CHILD);
    }
    const char *at = plan->pairs, *path;
    while ((path = plan_next(plan, "get", &at)))
        send_file(path);
    uint8_t bytes[4] = {(uint8_t)status};
    link_send('X', bytes, sizeof bytes);
    for (;;) {
        wake_wait(UINT64_MAX);
        wake_take(UINT64_MAX);
    }
}
