/// Makes a new process from an ELF program: space, image, start-up block, stack, first thread.
/// For `init` (servers) and `process` (everything else). docs/startup.md is the contract.
///
///     0x00400000  image: segments at their addresses
///     0x3f77f000  stack, 8 MiB for a program, grows down
///     0x3ff7f000  guard page
///     0x3ff80000  start-up block, read-only; its last page, the first thread's, writable
///     0x3ffff000  IPC buffer of the first thread
///     0x100000000 and up: what memory.reserve hands out
///
/// All of it fits two page tables.
#pragma once

#include <lib/session.h>
#include <proto/startup.h>

enum {
    LOADER_STACK_TOP = 0x3ff7f000,
};

/// Where the ELF file comes from. `read` fills all of `bytes` or fails.
struct loader_file {
    enum status (*read)(void *context, uint64_t offset, void *to, uint32_t bytes);
    void *context;
    uint64_t size;
};

/// A capability that the new process finds in one of its slots.
struct loader_capability {
    uint32_t slot;   ///< in the new CSpace
    uint32_t source; ///< handle of ours
    uint64_t
        badge; ///< 0: a copy; else the source is an endpoint from which a session is minted
    uint32_t rights; ///< of a copy
};

struct loader_program {
    struct loader_file file;
    const char *name;
    uint32_t session; ///< its id everywhere
    uint32_t parent;
    uint64_t limit; ///< of its account, 0: none
    uint64_t stack_bytes;
    uint32_t priority;
    uint32_t cpu; ///< where its thread runs
    uint32_t thread_options;
    uint64_t tsc_hz;
    uint32_t cpu_count;
    const struct loader_capability *capabilities;
    uint32_t capability_count;
    uint32_t memory_endpoint;            ///< to mint its fault endpoint from
    uint32_t supervisor_endpoint;        ///< the same for its supervisor; badge: `session`
    const char *arguments, *environment; ///< NUL-terminated strings, one after another
    uint32_t arguments_bytes, environment_bytes;
    const struct startup_descriptor *descriptors;
    uint32_t descriptor_count;
    uint32_t directory;
    const struct startup_grant *grants;
    uint32_t grant_count;
    bool waits;                        ///< its thread is left for the caller to start
    uint64_t former_ip, former_status; ///< not 0: the next instance in the space of `process`,
    uint32_t slots;                    ///< which memory.space_renew has prepared; its slots
};

/// What a started process is to its parent. Slots in our CSpace.
struct loader_process {
    uint32_t vspace, cspace, thread;
    uint32_t thread_id;
    const char *error; ///< of a failure: what is wrong with the file, or null
};

/// Makes and starts it. On failure nothing is left of it (of a next instance: what there is,
/// space_renew takes back). E_NOEXEC: `error` says why.
/// E_2BIG: arguments and environment do not fit.
PITH_CHECKED enum status loader_start(const struct loader_program *program,
                                      struct loader_process *process);

/// A further thread of a process whose CSpace and VSpace we hold: at `entry` with `argument` in
/// rdi and `buffer` in rsi. `buffer`: where its IPC buffer is to be, 0: anywhere; set to where
/// it is.
PITH_CHECKED enum status loader_thread(const struct loader_program *program,
                                       const struct loader_process *process, uint64_t entry,
                                       uint64_t stack, uint64_t argument, uint64_t fs_base,
                                       uint64_t *buffer, uint32_t *thread, uint32_t *thread_id);
