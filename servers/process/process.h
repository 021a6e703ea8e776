/// Processes, as this server knows them. Reading order: table.c (who there is), spawn.c
/// (birth), death.c (end and wait), signals.c, requests.c (the interface), main.c.
///
///     spawn --> RUNNING --exit, signal, fault--> ZOMBIE --wait--> gone
///                                           \--parent gone------> gone
///
/// A process's id is its session (badge) with every server, and is never used again.
#pragma once

#include <lib/list.h>
#include <lib/loader.h>
#include <lib/map.h>
#include <proto/process_server.h>

enum {
    FIRST_PID = 16,          ///< below are servers
    RESTART_ID = 0x40000000, ///< init gives restarted servers ids from here on
    CHILDREN_MAX =
        256, ///< of one process, those that have ended and were not waited for included
    THREADS_MAX = 64, ///< of one process
    PRIORITY_PROGRAM = 16,
    STACK_BYTES = 8 << 20,
    SIGNALED = 256, ///< status of who ended by a signal: this + its number
};

struct thread {
    struct list link;
    uint32_t slot; ///< its capability
    uint32_t id;   ///< memory's, and the process's own name for it
};

/// A caller of wait.
struct waiter {
    struct list link;
    struct reply *reply;
    uint32_t pid; ///< 0: any child
};

struct process {
    struct map_node node; ///< key: pid
    struct list link;     ///< all, ascending by pid
    uint32_t pid;
    uint32_t group;
    enum process_state state;
    uint32_t status;        ///< of a zombie
    struct process *parent; ///< null: nobody will wait for it
    struct list children;   ///< by `sibling`
    struct list sibling;
    uint32_t child_count;
    struct list waiters;
    uint32_t child_end;          ///< slot of a signal capability, 0: none
    struct loader_process image; ///< slots of VSpace, CSpace and first thread
    struct list threads;
    uint32_t thread_count;
    uint64_t caught, ignored, pending;    ///< bit n: signal n
    uint64_t memory, ticks;               ///< of a zombie: what it had at its end
    uint32_t error_service, error_handle; ///< its standard error at its start; service 0: none
    struct list ends;                     ///< while it is to be ended: of those
    struct reply *last; ///< its own call that asked for its end, never answered
    bool terminal;      ///< may say which group gets the terminal's interrupts
    char name[64];
};

// ---------------------------------------------------------------- table.c

/// What is kept besides the records.
struct table {
    struct list processes;
    struct list ends; ///< processes that are to be ended (death.c)
    struct map by_pid;
    uint32_t next_pid;
    uint32_t foreground; ///< group
    uint32_t retry_wake; ///< slot
    uint32_t newborn;    ///< slot of a thread that is to be started, 0: none
};
struct table *table(void);

/// Null: no such process.
struct process *process_find(uint64_t pid);

/// The first process with an id of at least `pid`, null: none.
struct process *process_from(uint32_t pid);

/// Whoever sends requests: a process, or a server, which gets a record at its first request.
/// Null: no memory.
struct process *process_caller(const struct request *r);

/// A new record with a new id and no parent; null: no memory, or no ids left.
struct process *process_new(const char *name, enum process_state state);

/// A record that nobody waits for goes. Its children have other parents.
void process_free(struct process *process);

void process_adopt(struct process *parent, struct process *child);
void process_orphan(struct process *child);

/// Whether any live process is in this group.
bool group_exists(uint32_t group);

/// The names of servers with fixed ids, from our start-up environment (`name=id`).
void table_start(const struct startup *startup);

/// After a restart: check what is there. Nobody waits any more.
void table_resume(const struct startup *startup);

// ---------------------------------------------------------------- spawn.c

enum status spawn(struct process *parent, const struct process_spawn_in *in, uint32_t *pid);

/// What loader_thread needs to know for further threads.
struct loader_program spawn_program(const struct process *process);

void spawn_start(const struct startup *startup);

/// After a restart: what an unfinished spawn left goes.
void spawn_resume(void);

/// Between requests: starts the thread that was made last; commits (lib/kept.h).
void spawn_settle(void);

/// This server's own id.
extern uint32_t own_id;

// ---------------------------------------------------------------- death.c

/// It is to be ended, by process_settle: threads, memory, sessions with all servers; then its
/// parent may know.
void process_end(struct server *server, struct process *process, uint32_t status);

/// Between requests: ends those; commits (lib/kept.h).
void process_settle(struct server *server);

static inline bool process_ends(const struct process *process)
{
    return process->ends.next != &process->ends;
}

/// Ends it because of a fault, with a line on its standard error.
void process_fault(struct server *server, struct process *process, const struct fault *fault);

/// A child of `parent` that ended, with `pid` (0: any); null: none. *some: there are such
/// children at all.
struct process *zombie_of(const struct process *parent, uint32_t pid, bool *some);

/// `name: what, where` on a handle of the process's, or in the log if that cannot be written at
/// once.
void complain(uint32_t session, uint32_t service, uint32_t handle, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// ---------------------------------------------------------------- signals.c

/// The bits of our endpoint's signals.
#define INTERRUPT_SIGNAL 1ul
#define RETRY_SIGNAL     2ul

/// Sends the signal; 0 only checks. E_RIGHTS: a server's. The process may be gone afterwards.
enum status signal_send(struct server *server, struct process *process, uint32_t signal);

/// To all of a group. E_SRCH: there is nobody in it.
enum status signal_group(struct server *server, uint32_t group, uint32_t signal);

/// Which group gets the terminal's interrupts.
void signal_foreground(uint32_t group);

/// Between requests: diverts threads into handlers; commits (lib/kept.h).
void signals_settle(void);

/// After a restart: threads whose fault an instance before had received ask again.
void signals_resume(void);

void signals_start(uint32_t endpoint);
void signals_arrived(struct server *server, uint64_t bits);
