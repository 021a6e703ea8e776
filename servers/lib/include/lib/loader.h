/// Starting a process: from an ELF image to a thread that is ready to run (docs/startup.md).
/// For those whose session with `memory` has the manager bit: `init` and `process`.
///
///      loader_create    space, segments, stack, start-up block, thread with its registers
///      (the caller puts capabilities into made.cspace)
///      loader_start     fault endpoints, priority, go
///
/// After a failure, and after the process's end, loader_undo takes everything back.
#pragma once

#include <stdbool.h>
#include <lib/ipc.h>
#include <proto/startup.h>

enum {
    LOADER_SEGMENTS = 16,
    LOADER_SLOTS = 256, ///< that a new CSpace has
};

// Where things lie in a new space. The image is below LOADER_IMAGE_END.
#define LOADER_IMAGE_START   0x10000ul
#define LOADER_IMAGE_END     0x10000000000ul
#define LOADER_BLOCK_ADDRESS 0x7fffe0000000ul
#define LOADER_STACK_TOP     0x7ffff0000000ul

/// Where an image comes from.
struct loader_source {
    /// Exactly `bytes` bytes at `offset`, at most 64 KiB at once and inside the image, or a
    /// status.
    enum status (*read)(void *context, uint64_t offset, void *to, uint32_t bytes);
    void *context;
    uint64_t bytes; ///< of the whole image
};

struct loader_segment {
    uint64_t address; ///< as linked, any alignment
    uint64_t bytes;   ///< in memory
    uint64_t offset;  ///< in the file
    uint64_t file_bytes;
    uint32_t protection;
};

struct loader_image {
    uint64_t entry;
    uint64_t headers; ///< address of the program headers in the space, 0: not loaded
    uint32_t header_count;
    uint32_t segment_count;
    struct loader_segment segments[LOADER_SEGMENTS];
};

/// Checks an ELF image and finds its segments: little-endian x86-64, static, not
/// position-independent; segments in order, none writable and executable, no page shared by
/// two, the entry in an executable one (System V ABI, chapters 4 and 5). E_NOEXEC with *what,
/// or what `read` returned.
PITH_CHECKED enum status loader_parse(const struct loader_source *source,
                                      struct loader_image *image, const char **what);

struct loader_plan {
    uint32_t pid;
    uint32_t parent;
    const char *name; ///< cut off at 63 bytes
    struct loader_source image;
    const char *arguments; ///< NUL-terminated strings, one after another
    uint32_t argument_bytes;
    const char *environment;
    uint32_t environment_bytes;
    const struct startup_descriptor *descriptors;
    uint32_t descriptor_count;
    uint32_t directory;
    const struct startup_grant *grants;
    uint32_t grant_count;
    uint32_t cpu_count;
    uint64_t tsc_hz;
    uint64_t memory_limit; ///< of the account, 0: none
    uint64_t stack_bytes;
    bool lazy_stack; ///< charged at first touch
};

/// Slots of the caller's; 0: none.
struct loader_process {
    uint32_t vspace;
    uint32_t cspace;
    uint32_t thread;
    uint32_t buffer;    ///< Frame of the IPC buffer
    uint32_t thread_id; ///< for memory.space_object_destroy
};

/// Everything but capabilities; the thread is not configured. On failure nothing is left.
/// E_NOEXEC with *what as loader_parse; E_2BIG: strings and arrays beyond 1 MiB; E_INVAL: a
/// last string without its NUL; E_NOMEM.
PITH_CHECKED enum status loader_create(const struct loader_plan *plan,
                                       struct loader_process *made, const char **what);

/// Configures and starts the thread. `fault` and `supervisor`: call capabilities badged with
/// the process's id; `options`: flags thread_option.
PITH_CHECKED enum status loader_start(const struct loader_process *made, uint32_t fault,
                                      uint32_t supervisor, uint32_t options, uint32_t priority);

/// Destroys space and thread, deletes and frees the slots, zeroes `made`.
void loader_undo(uint32_t pid, struct loader_process *made);

// ---------------------------------------------------------------- the start-up block

/// Bytes of the read-only part for this plan, whole pages; 0: too large (E_2BIG).
uint64_t loader_block_bytes(const struct loader_plan *plan);

/// Writes it to `block`, with addresses for LOADER_BLOCK_ADDRESS. False: strings that are not
/// NUL-terminated.
PITH_CHECKED bool loader_block_write(const struct loader_plan *plan,
                                     const struct loader_image *image,
                                     uint64_t ipc_buffer_address, void *block);
