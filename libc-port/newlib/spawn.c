/* posix_spawn: file actions are carried out on a copy of the descriptor table, then `process`
 * gets the image, the strings and the list of descriptors that the child starts with. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proto/files.h>
#include <proto/process.h>

#include "glue.h"

enum {
    ARGUMENTS_MAX = 32768, /* bytes, as in process.idl */
    ENVIRONMENT_MAX = 20480,
};

enum action_kind { ACTION_OPEN, ACTION_DUP, ACTION_CLOSE, ACTION_CHDIR };

struct __pith_spawn_action {
    enum action_kind kind;
    int fd;
    int target; /* of ACTION_DUP */
    int flags;  /* of ACTION_OPEN */
    mode_t mode;
    char *path;
};

/* The child as it takes shape. */
struct child {
    struct descriptor table[DESCRIPTORS];
    bool own[DESCRIPTORS]; /* opened for the child: to be closed here afterwards */
    uint32_t directory;
    bool own_directory;
    char arguments[ARGUMENTS_MAX];
    char environment[ENVIRONMENT_MAX];
    struct spawn_descriptor list[DESCRIPTORS];
};

static struct session *files(void)
{
    return session_to(STARTUP_SLOT_FILES);
}

/* ---------------------------------------------------------------- file actions */

int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
{
    *actions = (posix_spawn_file_actions_t){0};
    return 0;
}

int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions)
{
    for (int i = 0; i < actions->__count; i++) {
        free(actions->__actions[i].path);
    }
    free(actions->__actions);
    return posix_spawn_file_actions_init(actions);
}

static int add(posix_spawn_file_actions_t *actions, struct __pith_spawn_action action,
               const char *path)
{
    if (action.fd < 0 || action.fd >= DESCRIPTORS || action.target < 0 ||
        action.target >= DESCRIPTORS) {
        return EBADF;
    }
    struct __pith_spawn_action *longer =
        realloc(actions->__actions, (size_t)(actions->__count + 1) * sizeof *longer);
    if (!longer) {
        return ENOMEM;
    }
    actions->__actions = longer;
    if (path && !(action.path = strdup(path))) {
        return ENOMEM;
    }
    longer[actions->__count++] = action;
    return 0;
}

int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions, int fd,
                                     const char *path, int flags, mode_t mode)
{
    return add(actions,
               (struct __pith_spawn_action){
                   .kind = ACTION_OPEN, .fd = fd, .flags = flags, .mode = mode},
               path);
}

int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int target)
{
    return add(actions,
               (struct __pith_spawn_action){.kind = ACTION_DUP, .fd = fd, .target = target},
               NULL);
}

int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd)
{
    return add(actions, (struct __pith_spawn_action){.kind = ACTION_CLOSE, .fd = fd}, NULL);
}

int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path)
{
    return add(actions, (struct __pith_spawn_action){.kind = ACTION_CHDIR}, path);
}

static void child_close(struct child *child, int fd)
{
    if (child->own[fd]) {
        status_ignore(io_close(descriptor_session(&child->table[fd]), child->table[fd].handle));
    }
    child->own[fd] = false;
    child->table[fd].service = 0;
}

static enum status child_open(struct child *child, const struct __pith_spawn_action *action)
{
    int size = path_size(action->path);
    struct descriptor opened;
    if (size < 0) {
        return E_NOENT;
    }
    child_close(child, action->fd);
    mode_t mask = umask(0);
    umask(mask);
    enum status status = path_open(child->directory, action->path, size,
                                   action->flags & ~O_CLOEXEC, action->mode & ~mask, &opened);
    if (status == OK) {
        child->table[action->fd] = opened;
        child->own[action->fd] = true;
    }
    return status;
}

static enum status child_dup(struct child *child, int from, int to)
{
    struct descriptor *d = &child->table[from];
    if (!d->service) {
        return E_BADF;
    }
    if (from == to) { /* POSIX: it is inherited after all */
        d->close_on_exec = false;
        return OK;
    }
    uint32_t handle = 0;
    enum status status = io_duplicate(descriptor_session(d), d->handle, &handle);
    if (status == OK) {
        child_close(child, to);
        child->table[to] = (struct descriptor){d->service, handle, d->access, false};
        child->own[to] = true;
    }
    return status;
}

static enum status child_chdir(struct child *child, const char *path)
{
    int size = path_size(path);
    struct descriptor opened;
    if (size < 0) {
        return E_NOENT;
    }
    enum status status =
        path_open(child->directory, path, size, O_RDONLY | O_DIRECTORY, 0, &opened);
    if (status == OK) {
        if (child->own_directory) {
            status_ignore(io_close(files(), child->directory));
        }
        child->directory = opened.handle;
        child->own_directory = true;
    }
    return status;
}

static enum status child_act(struct child *child, const struct __pith_spawn_action *action)
{
    switch (action->kind) {
    case ACTION_OPEN:
        return child_open(child, action);
    case ACTION_DUP:
        return child_dup(child, action->fd, action->target);
    case ACTION_CLOSE:
        child_close(child, action->fd);
        return OK;
    case ACTION_CHDIR:
        return child_chdir(child, action->path);
    }
    return E_INVAL;
}

/* ---------------------------------------------------------------- attributes */

/* Groups are the only attribute with an effect. Signals start at their defaults and unblocked
 * in every child, so asking for that is granted and asking for blocked ones is not. */
static enum status attributes(const posix_spawnattr_t *wish, uint32_t *flags, uint32_t *group)
{
    *flags = *group = 0;
    if (!wish) {
        return OK;
    }
    if ((wish->__flags & (POSIX_SPAWN_SETSCHEDPARAM | POSIX_SPAWN_SETSCHEDULER)) ||
        ((wish->__flags & POSIX_SPAWN_SETSIGMASK) && wish->__mask != 0)) {
        return E_NOTSUP;
    }
    if (wish->__flags & POSIX_SPAWN_SETPGROUP) {
        *flags |= wish->__group == 0 ? SPAWN_FLAG_GROUP : 0;
        *group = (uint32_t)wish->__group;
    }
    *flags |= wish->__flags & POSIX_SPAWN_FOREGROUND_NP ? SPAWN_FLAG_FOREGROUND : 0;
    return OK;
}

/* ---------------------------------------------------------------- the call */

/* Strings one after another. False: they do not fit. */
static bool join(char *to, size_t max, char *const *strings, uint32_t *bytes)
{
    size_t at = 0;
    for (; strings && *strings; strings++) {
        size_t size = strlen(*strings) + 1;
        if (size > max - at) {
            return false;
        }
        memcpy(to + at, *strings, size);
        at += size;
    }
    *bytes = (uint32_t)at;
    return true;
}

static uint32_t list_descriptors(struct child *child)
{
    uint32_t count = 0;
    for (uint32_t fd = 0; fd < DESCRIPTORS; fd++) {
        const struct descriptor *d = &child->table[fd];
        if (d->service && !d->close_on_exec) {
            child->list[count++] = (struct spawn_descriptor){
                .descriptor = fd,
                .service = d->service,
                .handle = d->handle,
                .flags = (uint32_t)d->access + 1, /* see descriptors_start */
            };
        }
    }
    return count;
}

static enum status start(struct child *child, const char *path, const posix_spawnattr_t *wish,
                         char *const *argv, char *const *envp, uint32_t *pid)
{
    uint32_t flags, group, argument_bytes, environment_bytes;
    int size = path_size(path);
    if (size < 0) {
        return errno == ENOENT ? E_NOENT : E_NAME;
    }
    enum status status = attributes(wish, &flags, &group);
    if (status != OK) {
        return status;
    }
    if (!join(child->arguments, ARGUMENTS_MAX, argv, &argument_bytes) ||
        !join(child->environment, ENVIRONMENT_MAX, envp, &environment_bytes)) {
        return E_2BIG;
    }
    struct descriptor image;
    status = path_open(child->directory, path, size, O_RDONLY, 0, &image);
    if (status != OK) {
        return status;
    }
    if (image.service == IO_SERVICE_FILES) {
        uint32_t count = list_descriptors(child);
        status = process_spawn(session_to(STARTUP_SLOT_PROCESS), image.handle, child->directory,
                               flags, group, path, (uint32_t)size, child->arguments,
                               argument_bytes, child->environment, environment_bytes,
                               child->list, count * (uint32_t)sizeof child->list[0], pid);
    } else {
        status = E_ACCESS;
    }
    status_ignore(io_close(descriptor_session(&image), image.handle));
    return status;
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *wish, char *const *argv, char *const *envp)
{
    int before = errno;
    struct child *child = calloc(1, sizeof *child);
    if (!child) {
        return ENOMEM;
    }
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        child->table[fd] = *descriptor_slot(fd);
    }
    child->directory = path_current();
    uint32_t started = 0;
    libc_enter();
    enum status status = OK;
    for (int i = 0; actions && status == OK && i < actions->__count; i++) {
        status = child_act(child, &actions->__actions[i]);
    }
    if (status == OK) {
        status = start(child, path, wish, argv, envp, &started);
    }
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        child_close(child, fd);
    }
    if (child->own_directory) {
        status_ignore(io_close(files(), child->directory));
    }
    int error = libc_leave(status) ? errno : 0;
    free(child);
    errno = before;
    if (!error && pid) {
        *pid = (pid_t)started;
    }
    return error;
}

/* A name without a slash is looked for in PATH; an empty element is the working directory. */
int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *wish, char *const *argv, char *const *envp)
{
    const char *search = getenv("PATH");
    if (strchr(file, '/') || !*file) {
        return posix_spawn(pid, file, actions, wish, argv, envp);
    }
    int error = ENOENT;
    for (const char *at = search ? search : "/bin:."; at; at = *at ? at + 1 : NULL) {
        size_t size = strcspn(at, ":");
        char path[PATH_BYTES];
        if (size + strlen(file) + 2 < sizeof path) {
            memcpy(path, at, size);
            strcpy(path + size, size ? "/" : "./");
            strcat(path, file);
            struct stat info;
            if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
                error = access(path, X_OK) == 0
                            ? posix_spawn(pid, path, actions, wish, argv, envp)
                            : EACCES;
                if (error != EACCES && error != ENOENT) {
                    return error;
                }
            }
        }
        at += size;
    }
    return error;
}
