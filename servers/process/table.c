// Who there is. Called by all other files of this server.
#include <lib/heap.h>
#include <lib/kept.h>
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/text.h>
#include "process.h"

static KEPT struct table kept_table;

struct table *table(void)
{
    return KEPT_VIEW(kept_table);
}

static const struct startup *own_startup;

struct process *process_find(uint64_t pid)
{
    struct map_node *node = map_find(&table()->by_pid, pid);
    return (struct process *)(void *)node;
}

struct process *process_from(uint32_t pid)
{
    LIST_EACH(link, &table()->processes)
    {
        struct process *process = LIST_OBJECT(link, struct process, link);
        if (process->pid >= pid)
            return process;
    }
    return 0;
}

static struct process *record_new(const char *name, uint32_t pid, enum process_state state)
{
    struct process *process = heap_alloc(sizeof *process);
    if (!process)
        return 0;
    process->pid = process->group = pid;
    process->state = state;
    process->terminal = state == PROCESS_STATE_SERVER;
    list_start(&process->children);
    list_start(&process->sibling);
    list_start(&process->waiters);
    list_start(&process->threads);
    list_start(&process->ends);
    text_copy(process->name, sizeof process->name, name);
    if (!map_add(&table()->by_pid, &process->node, pid)) {
        heap_free(process);
        return 0;
    }
    struct process *next = process_from(pid);
    list_append(next ? &next->link : &table()->processes, &process->link);
    return process;
}

struct process *process_new(const char *name, enum process_state state)
{
    if (table()->next_pid >= RESTART_ID)
        return 0;
    struct process *process = record_new(name, table()->next_pid, state);
    table()->next_pid += process != 0;
    return process;
}

void process_free(struct process *process)
{
    process_orphan(process);
    slot_delete(process->child_end);
    list_remove(&process->link);
    list_remove(&process->ends);
    map_remove(&table()->by_pid, &process->node);
    heap_free(process);
}

void process_adopt(struct process *parent, struct process *child)
{
    child->parent = parent;
    list_append(&parent->children, &child->sibling);
    parent->child_count++;
}

void process_orphan(struct process *child)
{
    if (child->parent)
        child->parent->child_count--;
    child->parent = 0;
    list_remove(&child->sibling);
}

bool group_exists(uint32_t group)
{
    LIST_EACH(link, &table()->processes)
    {
        const struct process *process = LIST_OBJECT(link, struct process, link);
        // A zombie keeps its group, so that the rest of a pipeline can join it.
        if (process->group == group && process->state != PROCESS_STATE_SERVER)
            return true;
    }
    return false;
}

// ---------------------------------------------------------------- servers

static uint32_t parse_id(const char *digits)
{
    uint32_t id = 0;
    for (; *digits >= '0' && *digits <= '9' && id < 100000000; digits++)
        id = id * 10 + (uint32_t)(*digits - '0');
    return id;
}

/// The name that our environment gives to this id; `text` holds it.
static const char *server_name(uint32_t id, char *text, size_t max)
{
    const char *entry = (const char *)own_startup->environment;
    for (uint32_t i = 0; i < own_startup->environment_count; i++, entry += strlen(entry) + 1) {
        size_t name = 0;
        while (entry[name] && entry[name] != '=')
            name++;
        if (entry[name] && name < max && parse_id(entry + name + 1) == id) {
            text_copy(text, name + 1, entry);
            return text;
        }
    }
    return "server";
}

struct process *process_caller(const struct request *r)
{
    uint32_t pid = (uint32_t)r->badge;
    char name[64];
    struct process *process = process_find(pid);
    if (process || (pid >= FIRST_PID && pid < RESTART_ID))
        return process;
    return record_new(server_name(pid, name, sizeof name), pid, PROCESS_STATE_SERVER);
}

void table_start(const struct startup *startup)
{
    own_startup = startup;
    list_start(&table()->processes);
    list_start(&table()->ends);
    table()->next_pid = FIRST_PID;
    if (startup->pid >= RESTART_ID) // ids of our predecessor's processes stay theirs
        table()->next_pid = (startup->pid - RESTART_ID + 1) << 20;
    const char *entry = (const char *)startup->environment;
    for (uint32_t i = 0; i < startup->environment_count; i++, entry += strlen(entry) + 1) {
        size_t name = 0;
        char text[64];
        while (entry[name] && entry[name] != '=')
            name++;
        uint32_t id = entry[name] ? parse_id(entry + name + 1) : 0;
        if (id && !process_find(id))
            (void)record_new(server_name(id, text, sizeof text), id, PROCESS_STATE_SERVER);
    }
}

// ---------------------------------------------------------------- after a restart

static bool is_process(const struct process *process)
{
    return heap_holds(process, sizeof *process) && process_find(process->pid) == process;
}

static void check(struct process *process)
{
    uint32_t children = 0, threads = 0;
    const struct loader_process *image = &process->image;
    KEPT_CHECK(is_process(process) && process->state >= PROCESS_STATE_RUNNING &&
               process->state <= PROCESS_STATE_SERVER);
    KEPT_CHECK(!process->parent || is_process(process->parent));
    KEPT_CHECK(
        process->state != PROCESS_STATE_RUNNING || process_ends(process) ||
        (slot_taken(image->thread) && slot_taken(image->vspace) && slot_taken(image->cspace)));
    KEPT_CHECK(!process->child_end || slot_taken(process->child_end));
    KEPT_CHECK(server_list_valid(&process->children, offsetof(struct process, sibling),
                                 sizeof *process));
    KEPT_CHECK(server_list_valid(&process->threads, offsetof(struct thread, link),
                                 sizeof(struct thread)));
    KEPT_CHECK(server_list_valid(&process->waiters, offsetof(struct waiter, link),
                                 sizeof(struct waiter)));
    LIST_EACH(child, &process->children)
    {
        children += LIST_OBJECT(child, struct process, sibling)->parent == process;
    }
    LIST_EACH(thread, &process->threads)
    {
        threads += slot_taken(LIST_OBJECT(thread, struct thread, link)->slot);
    }
    KEPT_CHECK(children == process->child_count && threads == process->thread_count);
}

void table_resume(const struct startup *startup)
{
    own_startup = startup;
    struct list *all = &table()->processes;
    uint32_t count = 0, last = 0;
    KEPT_CHECK(server_map_valid(&table()->by_pid, sizeof(struct process)));
    KEPT_CHECK(server_list_valid(all, offsetof(struct process, link), sizeof(struct process)));
    KEPT_CHECK(server_list_valid(&table()->ends, offsetof(struct process, ends),
                                 sizeof(struct process)));
    LIST_EACH(link, all)
    {
        struct process *process = LIST_OBJECT(link, struct process, link);
        check(process);
        KEPT_CHECK(process->pid > last);
        last = process->pid;
        count++;
        process->last = 0;
        if (process->child_end) // our former may have ended before it could
            status_ignore(sys_signal(process->child_end));
        LIST_EACH(waiting, &process->waiters)
        {
            list_remove(waiting); // its caller knows, and comes again
            heap_free(LIST_OBJECT(waiting, struct waiter, link));
        }
        kept_commit();
    }
    KEPT_CHECK(count == table()->by_pid.count);
}
