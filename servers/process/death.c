// The end of processes, and who is told. Called by requests.c and signals.c.
//
// Order: what it wants to say; its space (threads stop, memory comes back); its sessions with
// files, console and timer; its children, which nobody waits for any more; then its parent.
#include <lib/heap.h>
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <pith/names.h>
#include <proto/io.h>
#include <proto/memory.h>
#include <proto/timer.h>
#include "process.h"

// ---------------------------------------------------------------- last words

/// Writes where that does not wait. The handle is the process's; ours is an heir for a moment.
static bool say(uint32_t session, uint32_t service, uint32_t handle, const char *text,
                uint32_t bytes)
{
    struct session *server =
        session_to(service == IO_SERVICE_CONSOLE ? STARTUP_SLOT_CONSOLE : STARTUP_SLOT_FILES);
    uint32_t heir, ready = 0, written = 0;
    if (service == 0 || io_inherit(server, session, own_id, handle, &heir) != OK)
        return false;
    if (io_ready(server, heir, IO_EVENT_WRITABLE, &ready) == OK && ready & IO_EVENT_WRITABLE &&
        io_write(server, heir, -1, text, bytes, &written) != OK)
        written = 0;
    status_ignore(io_close(server, heir));
    return written == bytes;
}

void complain(uint32_t session, uint32_t service, uint32_t handle, const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    size_t bytes = text_format_list(text, sizeof text, format, list);
    va_end(list);
    if (!say(session, service, handle, text, (uint32_t)bytes) && bytes > 0)
        log_line("%.*s", (int)bytes - 1, text);
}

static enum signal signal_of(const struct fault *fault)
{
    switch (fault->kind) {
    case FAULT_DIVIDE:
    case FAULT_OVERFLOW:
    case FAULT_FPU:
    case FAULT_SIMD:
        return SIGNAL_FPE;
    case FAULT_OPCODE:
    case FAULT_NO_FPU:
        return SIGNAL_ILL;
    case FAULT_DEBUG:
    case FAULT_BREAKPOINT:
        return SIGNAL_TRAP;
    default:
        return SIGNAL_SEGV;
    }
}

static void complain_page_fault(const struct process *process, const struct fault *fault)
{
    enum { CODE_WRITE = 2, CODE_FETCH = 16, NEAR = 1 << 20 }; // Intel SDM volume 3, 4.7
    const uint64_t stack = LOADER_STACK_TOP - STACK_BYTES;
    const char *what = "segmentation fault";
    if (fault->address < stack && fault->address >= stack - NEAR)
        what = "stack overflow";
    else if (fault->address >= stack && fault->address < LOADER_STACK_TOP)
        what = "no memory for the stack";
    complain(process->pid, process->error_service, process->error_handle,
             "%s: %s, %s 0x%lx at ip 0x%lx\n", process->name, what,
             fault->code & CODE_FETCH   ? "jump to"
             : fault->code & CODE_WRITE ? "write to"
                                        : "read of",
             fault->address, fault->ip);
}

static void complain_fault(const struct process *process, const struct fault *fault)
{
    const char *kind = fault_kind_name(fault->kind);
    if (fault->kind == FAULT_PAGE)
        complain_page_fault(process, fault);
    else
        complain(process->pid, process->error_service, process->error_handle,
                 "%s: %s fault at ip 0x%lx\n", process->name, kind ? kind : "unknown",
                 fault->ip);
}

// ---------------------------------------------------------------- the end

static uint64_t cpu_ticks(const struct process *process)
{
    uint64_t state, ticks, priority, sum = 0;
    if (process->image.thread && sys_thread_control(process->image.thread, THREAD_OP_INFO, 0, 0,
                                                    &state, &ticks, &priority) == OK)
        sum = ticks;
    return sum;
}

static void free_space(struct process *process)
{
    process->ticks = cpu_ticks(process);
    enum status status = memory_space_destroy(session_to(STARTUP_SLOT_MEMORY), process->pid);
    if (status != OK && status != E_NOENT) // an instance before this one may have done it
        log_line("cannot take the memory of process %u back: status %u", process->pid, status);
    LIST_EACH(link, &process->threads)
    {
        struct thread *thread = LIST_OBJECT(link, struct thread, link);
        list_remove(link);
        slot_delete(thread->slot);
        heap_free(thread);
    }
    slot_delete(process->image.thread);
    slot_delete(process->image.vspace);
    slot_delete(process->image.cspace);
    process->image = (struct loader_process){0};
}

static void end_sessions(struct server *server, const struct process *process)
{
    status_ignore(io_session_end(session_to(STARTUP_SLOT_FILES), process->pid));
    status_ignore(io_session_end(session_to(STARTUP_SLOT_CONSOLE), process->pid));
    status_ignore(timer_session_end(session_to(STARTUP_SLOT_TIMER), process->pid));
    struct client *client = server_client(server, process->pid, false);
    if (client)
        server_client_end(server, client);
}

static void end_family(struct process *process)
{
    LIST_EACH(link, &process->waiters)
    {
        struct waiter *waiter = LIST_OBJECT(link, struct waiter, link);
        list_remove(link);
        reply_drop(waiter->reply, E_INTR);
        heap_free(waiter);
    }
    LIST_EACH(link, &process->children)
    {
        struct process *child = LIST_OBJECT(link, struct process, sibling);
        process_orphan(child);
        if (child->state == PROCESS_STATE_ZOMBIE)
            process_free(child);
    }
}

/// Answers a caller of wait with the zombie, and is done with both in the same instant. False:
/// nobody was there, and the zombie stays.
static bool answer(struct waiter *waiter, struct process *zombie)
{
    struct process_wait_out out = {.pid = zombie->pid, .status = zombie->status};
    struct reply *reply = waiter->reply;
    kept_commit();
    list_remove(&waiter->link);
    heap_free(waiter);
    process_free(zombie);
    bool told = process_wait_reply(reply, OK, &out) == OK;
    if (!told) { // it is undone
        list_remove(&waiter->link);
        heap_free(waiter);
    }
    kept_commit();
    return told;
}

static void tell_parent(struct process *zombie)
{
    const struct process *parent = zombie->parent;
    uint32_t pid = zombie->pid, wake = parent ? parent->child_end : 0;
    bool told = false;
    if (!parent)
        process_free(zombie);
    for (struct list *link = parent ? parent->waiters.next : 0, *next;
         parent && !told && link != &parent->waiters; link = next) {
        struct waiter *waiter = LIST_OBJECT(link, struct waiter, link);
        next = link->next;
        if (waiter->pid == 0 || waiter->pid == pid)
            told = answer(waiter, zombie);
    }
    if (wake)
        status_ignore(sys_signal(wake));
}

/// What is done here before the commit can be done twice.
static void finish(struct server *server, struct process *process)
{
    kept_commit();
    free_space(process);
    end_sessions(server, process);
    end_family(process);
    if (process->last)
        reply_drop(process->last, E_DEAD);
    process->last = 0;
    list_remove(&process->ends);
    process->state = PROCESS_STATE_ZOMBIE;
    process->pending = 0;
    kept_commit();
    tell_parent(process);
    kept_commit();
}

void process_end(struct server *server, struct process *process, uint32_t status)
{
    server->unsettled = true;
    if (process_ends(process))
        return;
    process->status = status;
    list_append(&table()->ends, &process->ends);
}

void process_settle(struct server *server)
{
    while (!list_empty(&table()->ends))
        finish(server, LIST_OBJECT(table()->ends.next, struct process, ends));
}

void process_fault(struct server *server, struct process *process, const struct fault *fault)
{
    if (process_ends(process))
        return;
    complain_fault(process, fault);
    process_end(server, process, SIGNALED + signal_of(fault));
}

struct process *zombie_of(const struct process *parent, uint32_t pid, bool *some)
{
    *some = false;
    LIST_EACH(link, &parent->children)
    {
        struct process *child = LIST_OBJECT(link, struct process, sibling);
        if (pid && child->pid != pid)
            continue;
        *some = true;
        if (child->state == PROCESS_STATE_ZOMBIE)
            return child;
    }
    return 0;
}
