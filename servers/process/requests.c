// The requests of servers/proto/process.idl. Called by the generated dispatch.
#include <lib/heap.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/start.h>
#include <proto/init.h>
#include <proto/memory.h>
#include "process.h"

/// The caller, if it is a process of ours; null: a server, or no memory.
static struct process *own_process(const struct request *r)
{
    struct process *process = process_caller(r);
    return process && process->state == PROCESS_STATE_RUNNING ? process : 0;
}

enum status process_on_spawn(struct request *r, const struct process_spawn_in *in,
                             struct process_spawn_out *out)
{
    struct process *caller = process_caller(r);
    r->server->unsettled = true; // there may be a thread to start
    return caller ? spawn(caller, in, &out->pid) : E_NOMEM;
}

// ---------------------------------------------------------------- wait and exit

static enum status wait_later(struct request *r, struct process *caller, uint32_t pid)
{
    struct waiter *waiter = heap_alloc(sizeof *waiter);
    struct reply *reply = waiter ? reply_take(r) : 0;
    if (!reply) {
        heap_free(waiter);
        return E_NOMEM;
    }
    waiter->reply = reply;
    waiter->pid = pid;
    list_append(&caller->waiters, &waiter->link);
    return LATER;
}

enum status process_on_wait(struct request *r, const struct process_wait_in *in,
                            struct process_wait_out *out)
{
    struct process *caller = process_caller(r);
    bool some;
    if (!caller)
        return E_NOMEM;
    if (in->flags & ~(uint32_t)WAIT_FLAG_NOHANG)
        return E_INVAL;
    struct process *zombie = zombie_of(caller, in->pid, &some);
    if (zombie) {
        out->pid = zombie->pid;
        out->status = zombie->status;
        process_free(zombie);
        return OK;
    }
    if (!some)
        return E_CHILD;
    return in->flags & WAIT_FLAG_NOHANG ? E_AGAIN : wait_later(r, caller, in->pid);
}

/// Who asked for its own end is not answered: its thread goes with its space.
static enum status end_caller(struct request *r, struct process *caller, uint32_t status)
{
    if (process_ends(caller))
        return E_SRCH;
    caller->last = reply_take(r);
    if (!caller->last)
        return E_NOMEM;
    process_end(r->server, caller, status);
    return LATER;
}

enum status process_on_exit(struct request *r, const struct process_exit_in *in,
                            struct process_exit_out *out)
{
    (void)out;
    struct process *caller = own_process(r);
    return caller ? end_caller(r, caller, in->status & 255) : E_RIGHTS;
}

enum status process_on_on_child_end(struct request *r, const struct process_on_child_end_in *in,
                                    struct process_on_child_end_out *out)
{
    (void)out;
    struct process *caller = process_caller(r);
    if (!caller)
        return E_NOMEM;
    slot_delete(caller->child_end);
    caller->child_end = in->wake;
    return OK;
}

// ---------------------------------------------------------------- signals

enum status process_on_kill(struct request *r, const struct process_kill_in *in,
                            struct process_kill_out *out)
{
    (void)out;
    if (in->group > 1 || in->signal >= 32)
        return E_INVAL;
    struct process *target = in->group ? 0 : process_find(in->pid);
    return in->group ? signal_group(r->server, in->pid, in->signal)
           : target  ? signal_send(r->server, target, in->signal)
                     : E_SRCH;
}

enum status process_on_signal_mask(struct request *r, const struct process_signal_mask_in *in,
                                   struct process_signal_mask_out *out)
{
    (void)out;
    struct process *caller = own_process(r);
    if (!caller)
        return E_RIGHTS;
    caller->caught = in->caught;
    caller->ignored = in->ignored;
    caller->pending &= in->caught;
    return OK;
}

enum status process_on_foreground(struct request *r, const struct process_foreground_in *in,
                                  struct process_foreground_out *out)
{
    (void)out;
    const struct process *caller = process_caller(r);
    if (!caller || !caller->terminal)
        return E_RIGHTS;
    if (in->group != caller->group && !group_exists(in->group))
        return E_SRCH;
    signal_foreground(in->group);
    return OK;
}

// ---------------------------------------------------------------- threads

enum status process_on_thread_create(struct request *r,
                                     const struct process_thread_create_in *in,
                                     struct process_thread_create_out *out)
{
    struct process *caller = own_process(r);
    if (!caller)
        return E_RIGHTS;
    if (caller->thread_count >= THREADS_MAX)
        return E_AGAIN;
    struct thread *thread = heap_alloc(sizeof *thread);
    if (!thread)
        return E_NOMEM;
    struct loader_program program = spawn_program(caller);
    program.waits = true;
    out->buffer = 0;
    enum status status =
        loader_thread(&program, &caller->image, in->entry, in->stack, in->argument, in->fs_base,
                      &out->buffer, &thread->slot, &thread->id);
    if (status != OK) {
        heap_free(thread);
        return status;
    }
    list_append(&caller->threads, &thread->link);
    caller->thread_count++;
    out->thread_id = thread->id;
    table()->newborn = thread->slot;
    r->server->unsettled = true;
    return OK;
}

/// Ends a further thread. The first one, number 0, ends with the process.
enum status process_on_thread_exit(struct request *r, const struct process_thread_exit_in *in,
                                   struct process_thread_exit_out *out)
{
    (void)out;
    struct process *caller = own_process(r);
    LIST_EACH(link, caller ? &caller->threads : &table()->processes)
    {
        struct thread *thread = LIST_OBJECT(link, struct thread, link);
        if (!caller || thread->id != in->thread_id)
            continue;
        list_remove(link);
        caller->thread_count--;
        slot_delete(thread->slot);
        status_ignore(memory_space_object_destroy(session_to(STARTUP_SLOT_MEMORY), caller->pid,
                                                  thread->id));
        heap_free(thread);
        return OK; // if it was the caller, nobody is there to hear it
    }
    return caller ? E_SRCH : E_RIGHTS;
}

// ---------------------------------------------------------------- the rest

/// Ends a process after all that it started.
static void end_tree(struct server *server, struct process *process)
{
    while (!list_empty(&process->children)) {
        struct process *child = LIST_OBJECT(process->children.next, struct process, sibling);
        process_orphan(child);
        if (child->state == PROCESS_STATE_ZOMBIE)
            process_free(child);
        else
            end_tree(server, child);
    }
    if (process->state == PROCESS_STATE_RUNNING)
        process_end(server, process, SIGNALED + SIGNAL_HUP);
}

enum status process_on_session_end(struct request *r, const struct process_session_end_in *in,
                                   struct process_session_end_out *out)
{
    (void)out;
    struct process *process = process_find(in->session);
    if (!process || process->state != PROCESS_STATE_SERVER)
        return OK;
    while (!list_empty(&process->waiters)) {
        struct waiter *waiter = LIST_OBJECT(process->waiters.next, struct waiter, link);
        list_remove(&waiter->link);
        reply_drop(waiter->reply, E_DEAD);
        heap_free(waiter);
    }
    end_tree(r->server, process);
    process_free(process);
    struct client *client = server_client(r->server, in->session, false);
    if (client && client != r->client)
        server_client_end(r->server, client);
    return OK;
}

enum status process_on_info(struct request *r, const struct process_info_in *in,
                            struct process_info_out *out)
{
    (void)r;
    const struct process *process = process_from(in->from);
    if (!process)
        return E_SRCH;
    struct process_info *info = &out->info;
    *info = (struct process_info){.pid = process->pid,
                                  .parent = process->parent ? process->parent->pid : 0,
                                  .group = process->group,
                                  .state = process->state,
                                  .cpu_ticks = process->ticks};
    __builtin_memcpy(info->name, process->name, sizeof info->name);
    uint64_t limit, objects, state, ticks, priority;
    if (memory_space_info(session_to(STARTUP_SLOT_MEMORY), process->pid, &info->memory, &limit,
                          &objects) != OK)
        info->memory = 0;
    if (process->image.thread && sys_thread_control(process->image.thread, THREAD_OP_INFO, 0, 0,
                                                    &state, &ticks, &priority) == OK) {
        info->cpu_ticks = ticks;
        info->thread = (uint32_t)(priority >> 32);
    }
    return OK;
}

enum status process_on_service(struct request *r, const struct process_service_in *in,
                               struct process_service_out *out)
{
    const struct startup_grant *grant = startup_grant(in->name.bytes);
    if (!grant)
        return E_NOENT;
    out->service = grant->slot;
    r->keep_caps = true;
    return OK;
}

enum status process_on_power(struct request *r, const struct process_power_in *in,
                             struct process_power_out *out)
{
    (void)r, (void)out;
    return init_power(session_to(STARTUP_SLOT_INIT), in->how);
}

enum status process_on_end_server(struct request *r, const struct process_end_server_in *in,
                                  struct process_end_server_out *out)
{
    (void)r, (void)out;
    return init_end_server(session_to(STARTUP_SLOT_INIT), in->id, in->after, in->how);
}
