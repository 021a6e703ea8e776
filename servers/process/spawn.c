// Birth: a program from an open file of its parent's. Called by requests.c.
//
// The image, the working directory and the descriptors are handles in the parent's sessions;
// `files` and `console` give heirs of them to the child's sessions (and of the image to ours)
// before the child runs. What fails is undone: sessions end, memory comes back.
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/text.h>
#include <pith/status.h>
#include <proto/files.h>
#include <proto/io.h>
#include <proto/memory.h>
#include <proto/timer.h>
#include "process.h"

enum {
    DESCRIPTORS_MAX = 4096 / sizeof(struct spawn_descriptor),
    ARGUMENTS_MAX = 32768 + 64, // with what goes before those of a WebAssembly program
    READ_MAX = 65536,
    OWN_HANDLES = 4, // of images and last words, at most, while a request is served
};

static const char runner[] = "/bin/wasm";
static const char runner_arguments[] = "wasm\0--dir\0/::/"; // and the module, and its arguments

uint32_t own_id;

static const struct startup *own_startup;

static struct session *session_of(uint32_t service)
{
    return session_to(service == IO_SERVICE_CONSOLE ? STARTUP_SLOT_CONSOLE
                                                    : STARTUP_SLOT_FILES);
}

static struct session *files(void)
{
    return session_to(STARTUP_SLOT_FILES);
}

// ---------------------------------------------------------------- the image

/// An open file in our own session with `files`.
struct image {
    uint32_t handle;
    uint64_t size;
};

static enum status read_image(void *context, uint64_t offset, void *to, uint32_t bytes)
{
    const struct image *image = context;
    const void *data;
    uint32_t got;
    for (uint32_t done = 0; done < bytes; done += got) {
        uint32_t want = bytes - done < READ_MAX ? bytes - done : READ_MAX;
        enum status status =
            io_read(files(), image->handle, want, (int64_t)(offset + done), &data, &got);
        if (status != OK)
            return status;
        if (got == 0 || got > want)
            return E_IO; // it has become shorter
        memcpy((uint8_t *)to + done, data, got);
    }
    return OK;
}

/// Only regular files: reading anything else might wait.
static enum status check_image(struct image *image)
{
    struct file_status status;
    enum status result = io_status(files(), image->handle, &status);
    if (result == OK && status.type != FILE_TYPE_REGULAR)
        result = status.type == FILE_TYPE_DIRECTORY ? E_ISDIR : E_ACCESS;
    image->size = status.size;
    return result;
}

/// Its caller has an interpreter for it, or says itself that it cannot be run.
static bool is_script(struct image *image)
{
    char magic[2];
    return image->size >= sizeof magic && read_image(image, 0, magic, sizeof magic) == OK &&
           memcmp(magic, "#!", sizeof magic) == 0;
}

static bool ends_in(const struct data *path, const char *end)
{
    uint32_t length = (uint32_t)strlen(end);
    return path->size >= length &&
           memcmp((const char *)path->bytes + path->size - length, end, length) == 0;
}

/// For a WebAssembly module: the runner instead, *module is set. What is called one but is not
/// an ELF program goes to the runner too, which says what is wrong with it.
static enum status choose_image(const struct data *path, struct image *image, bool *module)
{
    char magic[4] = {0};
    enum status status = check_image(image);
    if (status == OK && image->size >= sizeof magic)
        status = read_image(image, 0, magic, sizeof magic);
    *module = status == OK &&
              (memcmp(magic, "\0asm", sizeof magic) == 0 ||
               (memcmp(magic, "\177ELF", sizeof magic) != 0 && ends_in(path, ".wasm")));
    if (!*module)
        return status;
    *module = true;
    status_ignore(io_close(files(), image->handle));
    uint32_t service;
    status = files_open(files(), 0, OPEN_FLAG_READ, 0, runner, sizeof runner - 1,
                        &image->handle, &service);
    if (status != OK) {
        image->handle = UINT32_MAX; // nothing to close
        return status;
    }
    return check_image(image);
}

// ---------------------------------------------------------------- what it inherits

/// The strings that a program gets: the caller's, or the runner's with module and arguments.
static enum status make_arguments(const struct process_spawn_in *in, bool module, char *text,
                                  uint32_t *bytes)
{
    const struct data *own = &in->arguments;
    if (own->size && own->bytes[own->size - 1])
        return E_INVAL; // the last string is not terminated
    uint32_t skip = 0;
    *bytes = 0;
    if (module) {
        memcpy(text, runner_arguments, sizeof runner_arguments);
        *bytes = sizeof runner_arguments;
        if (*bytes + in->path.size + 1 + own->size > ARGUMENTS_MAX)
            return E_2BIG;
        memcpy(text + *bytes, in->path.bytes, in->path.size);
        *bytes += in->path.size;
        text[(*bytes)++] = 0;
        if (own->size)
            skip = (uint32_t)strlen(own->bytes) + 1; // argument 0: the runner's is the path
    }
    memcpy(text + *bytes, own->bytes + skip, own->size - skip);
    *bytes += own->size - skip;
    return OK;
}

/// Heirs of the descriptors and the working directory in the child's sessions.
static enum status inherit(struct process *parent, struct process *child,
                           const struct process_spawn_in *in,
                           struct startup_descriptor *descriptors, uint32_t *directory)
{
    const uint32_t count = in->descriptors.size / sizeof(struct spawn_descriptor);
    enum status status = OK;
    *directory = 0;
    if (in->directory)
        status = io_inherit(files(), parent->pid, child->pid, in->directory, directory);
    for (uint32_t i = 0; i < count && status == OK; i++) {
        struct spawn_descriptor wanted;
        memcpy(&wanted, in->descriptors.bytes + i * sizeof wanted, sizeof wanted);
        if (wanted.service != IO_SERVICE_FILES && wanted.service != IO_SERVICE_CONSOLE)
            return E_INVAL;
        descriptors[i] = (struct startup_descriptor){
            .descriptor = wanted.descriptor, .service = wanted.service, .flags = wanted.flags};
        status = io_inherit(session_of(wanted.service), parent->pid, child->pid, wanted.handle,
                            &descriptors[i].handle);
        if (wanted.descriptor == 2) {
            child->error_service = wanted.service;
            child->error_handle = descriptors[i].handle;
        }
    }
    return status;
}

static void disinherit(struct process *child)
{
    status_ignore(io_session_end(session_to(STARTUP_SLOT_FILES), child->pid));
    status_ignore(io_session_end(session_to(STARTUP_SLOT_CONSOLE), child->pid));
}

// ---------------------------------------------------------------- the process

/// The sessions of every program.
static struct loader_capability sessions[5];

/// Programs and their threads are dealt out to the CPUs in turn, and stay there.
static uint32_t next_cpu(void)
{
    static uint32_t dealt;
    return dealt++ % own_startup->cpu_count;
}

struct loader_program spawn_program(const struct process *process)
{
    for (uint32_t i = 0; i < 5; i++)
        sessions[i] = (struct loader_capability){STARTUP_SLOT_MEMORY + i, STARTUP_SLOT_MINT + i,
                                                 process->pid, 0};
    return (struct loader_program){
        .name = process->name,
        .session = process->pid,
        .parent = process->parent ? process->parent->pid : 0,
        .stack_bytes = STACK_BYTES,
        .priority = PRIORITY_PROGRAM,
        .cpu = next_cpu(),
        .thread_options = THREAD_OPTION_FPU,
        .tsc_hz = own_startup->tsc_hz,
        .cpu_count = own_startup->cpu_count,
        .capabilities = sessions,
        .capability_count = 5,
        .memory_endpoint = STARTUP_SLOT_MINT,
        .supervisor_endpoint = STARTUP_SLOT_ENDPOINT,
    };
}

static enum status start(struct process *child, const struct process_spawn_in *in,
                         struct image *image, bool module,
                         const struct startup_descriptor *descriptors, uint32_t directory)
{
    static char arguments[ARGUMENTS_MAX];
    struct loader_program program = spawn_program(child);
    enum status status = make_arguments(in, module, arguments, &program.arguments_bytes);
    if (status != OK)
        return status;
    program.file = (struct loader_file){read_image, image, image->size};
    program.arguments = arguments;
    program.environment = in->environment.bytes;
    program.environment_bytes = in->environment.size;
    program.descriptors = descriptors;
    program.descriptor_count = in->descriptors.size / sizeof(struct spawn_descriptor);
    program.directory = directory;
    program.waits = true; // until its parent is told of it
    status = loader_start(&program, &child->image);
    if (status == E_NOEXEC && child->image.error && !is_script(image))
        complain(child->pid, child->error_service, child->error_handle,
                 "%s: not executable: %s, %s\n", child->name, child->image.error,
                 module ? runner : in->path.bytes);
    return status;
}

static const char *base_name(const char *path)
{
    const char *base = path;
    for (; *path; path++)
        if (*path == '/' && path[1])
            base = path + 1;
    return base;
}

static enum status check(const struct process *parent, const struct process_spawn_in *in,
                         uint32_t *group)
{
    const uint32_t flags = SPAWN_FLAG_GROUP | SPAWN_FLAG_FOREGROUND;
    bool malformed = in->flags & ~flags || in->path.size == 0 ||
                     in->descriptors.size % sizeof(struct spawn_descriptor) ||
                     (in->environment.size && in->environment.bytes[in->environment.size - 1]);
    if (malformed)
        return E_INVAL;
    if (in->flags & SPAWN_FLAG_FOREGROUND && !parent->terminal)
        return E_RIGHTS;
    if (parent->child_count >= CHILDREN_MAX)
        return E_AGAIN;
    *group = in->group ? in->group : parent->group;
    return !in->group || in->group == parent->group || group_exists(in->group) ? OK : E_SRCH;
}

enum status spawn(struct process *parent, const struct process_spawn_in *in, uint32_t *pid)
{
    static struct startup_descriptor descriptors[DESCRIPTORS_MAX];
    struct image image;
    bool module;
    uint32_t group, directory;
    enum status status = check(parent, in, &group);
    if (status == OK)
        status = io_inherit(files(), parent->pid, own_id, in->image, &image.handle);
    if (status != OK)
        return status;
    status = choose_image(&in->path, &image, &module);
    struct process *child =
        status == OK ? process_new(base_name(in->path.bytes), PROCESS_STATE_RUNNING) : 0;
    if (child) {
        child->group = in->flags & SPAWN_FLAG_GROUP ? child->pid : group;
        child->terminal = parent->terminal;
        process_adopt(parent, child);
        status = inherit(parent, child, in, descriptors, &directory);
        if (status == OK)
            status = start(child, in, &image, module, descriptors, directory);
        if (status != OK) {
            disinherit(child);
            process_free(child);
        }
    } else if (status == OK) {
        status = E_NOMEM;
    }
    if (image.handle != UINT32_MAX)
        status_ignore(io_close(files(), image.handle));
    if (status != OK)
        return status;
    if (in->flags & SPAWN_FLAG_FOREGROUND)
        signal_foreground(child->group);
    *pid = child->pid;
    table()->newborn = child->image.thread;
    return OK;
}

void spawn_settle(void)
{
    uint32_t thread = table()->newborn;
    uint64_t none[3];
    if (thread) // again, should this be undone: it runs already then
        status_ignore(
            sys_thread_control(thread, THREAD_OP_START, 0, 0, &none[0], &none[1], &none[2]));
    table()->newborn = 0;
    kept_commit();
}

/// All that other servers and `memory` know of a process that there is not.
static void forget(uint32_t pid)
{
    status_ignore(memory_space_destroy(session_to(STARTUP_SLOT_MEMORY), pid));
    status_ignore(io_session_end(session_to(STARTUP_SLOT_FILES), pid));
    status_ignore(io_session_end(session_to(STARTUP_SLOT_CONSOLE), pid));
    status_ignore(timer_session_end(session_to(STARTUP_SLOT_TIMER), pid));
}

void spawn_resume(void)
{
    uint64_t pid = 0;
    while (memory_space_created(session_to(STARTUP_SLOT_MEMORY), own_id, pid + 1, &pid) == OK) {
        const struct process *process = process_find(pid);
        if (!process || process->state != PROCESS_STATE_RUNNING)
            forget((uint32_t)pid);
    }
    forget(table()->next_pid); // it may not have come as far as a space
    for (uint32_t handle = 1; handle <= OWN_HANDLES; handle++) {
        status_ignore(io_close(session_to(STARTUP_SLOT_FILES), handle));
        status_ignore(io_close(session_to(STARTUP_SLOT_CONSOLE), handle));
    }
}

void spawn_start(const struct startup *startup)
{
    own_startup = startup;
    own_id = startup->pid;
}
