// The first program: runs the shell at the console, for ever, or one command line for the host
// (docs/startup.md, "The first program"). Started last by init.
#include <lib/log.h>
#include <lib/session.h>
#include <lib/slots.h>
#include <lib/start.h>
#include <lib/text.h>
#include <pith/status.h>
#include <proto/files.h>
#include <proto/init.h>
#include <proto/io.h>
#include <proto/process.h>

#include "session.h"

static const char environment[] = "PATH=/bin:.\0HOME=/\0TERM=linux";

uint32_t wake_capability(uint64_t bit)
{
    uint32_t slot = slot_alloc();
    CHECK(slot &&
          sys_cap_copy(HANDLE_NULL, slot, STARTUP_SLOT_ENDPOINT, DERIVE_SIGNAL, bit, 0) == OK);
    return slot;
}

static uint64_t woken; // signals that came and were not taken

void wake_wait(uint64_t bits)
{
    while (!(woken & bits)) {
        struct message m = {0};
        if (sys_recv(STARTUP_SLOT_ENDPOINT, HANDLE_NULL, &m, 0) == OK)
            woken |= m.badge;
    }
}

bool wake_take(uint64_t bit)
{
    bool taken = woken & bit;
    woken &= ~bit;
    return taken;
}

enum status shell_spawn(const char *arguments, uint32_t bytes, uint32_t flags, uint32_t service,
                        const uint32_t handles[3], uint32_t *pid)
{
    static const char path[] = "/bin/sh";
    struct session *files = session_to(STARTUP_SLOT_FILES);
    struct spawn_descriptor descriptors[3];
    uint32_t image, root, from;
    for (uint32_t i = 0; i < 3; i++)
        descriptors[i] = (struct spawn_descriptor){
            .descriptor = i, .service = service, .handle = handles[i]};
    enum status result =
        files_open(files, 0, OPEN_FLAG_READ, 0, path, sizeof path - 1, &image, &from);
    if (result != OK)
        return result;
    result =
        files_open(files, 0, OPEN_FLAG_READ | OPEN_FLAG_DIRECTORY, 0, "/", 1, &root, &from);
    if (result == OK) {
        result = process_spawn(session_to(STARTUP_SLOT_PROCESS), image, root, flags, 0, path,
                               sizeof path - 1, arguments, bytes, environment,
                               sizeof environment, descriptors, sizeof descriptors, pid);
        status_ignore(io_close(files, root));
    }
    status_ignore(io_close(files, image));
    return result;
}

bool child_ended(uint32_t pid, uint32_t *status)
{
    uint32_t ended, how;
    enum status result =
        process_wait(session_to(STARTUP_SLOT_PROCESS), pid, WAIT_FLAG_NOHANG, &ended, &how);
    if (result == E_AGAIN)
        return false;
    if (result != OK)
        *status = 125;
    else
        *status = how < 256 ? how : 128 + (how - 256);
    return true;
}

static void greet(uint32_t console_handle)
{
    struct session *files = session_to(STARTUP_SLOT_FILES);
    uint32_t handle, service, bytes, written;
    const void *text;
    if (files_open(files, 0, OPEN_FLAG_READ, 0, "/etc/motd", 9, &handle, &service) != OK)
        return;
    // The text lies in the window of files; the console has a window of its own.
    if (io_read(files, handle, 4096, -1, &text, &bytes) == OK)
        status_ignore(io_write(session_to(STARTUP_SLOT_CONSOLE), console_handle, -1, text,
                               bytes, &written));
    status_ignore(io_close(files, handle));
}

static uint32_t open_console(void)
{
    uint32_t handle, service;
    enum status result =
        files_open(session_to(STARTUP_SLOT_FILES), 0, OPEN_FLAG_READ | OPEN_FLAG_WRITE, 0,
                   "/dev/console", 12, &handle, &service);
    if (result != OK || service != IO_SERVICE_CONSOLE)
        log_line("cannot open /dev/console: %s", status_message(result));
    CHECK(result == OK && service == IO_SERVICE_CONSOLE);
    return handle;
}

static _Noreturn void console_shells(void)
{
    static const char arguments[] = "/bin/sh";
    uint32_t console = open_console(), pid, status;
    const uint32_t handles[3] = {console, console, console};
    greet(console);
    for (;;) {
        enum status result =
            shell_spawn(arguments, sizeof arguments, SPAWN_FLAG_GROUP | SPAWN_FLAG_FOREGROUND,
                        IO_SERVICE_CONSOLE, handles, &pid);
        if (result != OK)
            log_line("cannot start the shell: %s, /bin/sh", status_message(result));
        CHECK(result == OK);
        while (!child_ended(pid, &status)) {
            wake_wait(WAKE_CHILD);
            wake_take(WAKE_CHILD);
        }
    }
}

void server_main(const struct startup *startup)
{
    static struct plan plan;
    (void)startup;
    firmware_plan(&plan);
    CHECK(process_on_child_end(session_to(STARTUP_SLOT_PROCESS), wake_capability(WAKE_CHILD)) ==
          OK);
    CHECK(init_ready(session_to(STARTUP_SLOT_INIT)) == OK);
    if (plan.run)
        run_line(&plan);
    console_shells();
}
