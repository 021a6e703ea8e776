// The start-up block of a new process: struct startup, then descriptors, grants and strings, on
// pages that the process can only read.
//
//      | struct startup | descriptors | grants | arguments | environment |
#include <lib/loader.h>

enum {
    BLOCK_MAX = 1 << 20,
};

struct places {
    uint64_t descriptors, grants, arguments, environment, end;
};

static uint64_t align8(uint64_t value)
{
    return (value + 7) & ~7ul;
}

static struct places lay_out(const struct loader_plan *plan)
{
    struct places at;
    at.descriptors = sizeof(struct startup);
    at.grants =
        at.descriptors + (uint64_t)plan->descriptor_count * sizeof(struct startup_descriptor);
    at.arguments =
        align8(at.grants + (uint64_t)plan->grant_count * sizeof(struct startup_grant));
    at.environment = align8(at.arguments + plan->argument_bytes);
    at.end = at.environment + plan->environment_bytes;
    return at;
}

uint64_t loader_block_bytes(const struct loader_plan *plan)
{
    uint64_t bytes = lay_out(plan).end;
    return bytes > BLOCK_MAX ? 0 : (bytes + 4095) & ~4095ul;
}

/// False: the last one is not terminated.
static bool count_strings(const char *strings, uint32_t bytes, uint32_t *count)
{
    *count = 0;
    for (uint32_t i = 0; i < bytes; i++)
        *count += strings[i] == 0;
    return bytes == 0 || strings[bytes - 1] == 0;
}

static void copy(void *block, uint64_t at, const void *from, uint64_t bytes)
{
    if (bytes)
        __builtin_memcpy((char *)block + at, from, bytes);
}

bool loader_block_write(const struct loader_plan *plan, const struct loader_image *image,
                        uint64_t ipc_buffer_address, void *block)
{
    struct places at = lay_out(plan);
    struct startup startup = {
        .magic = STARTUP_MAGIC,
        .version = STARTUP_VERSION,
        .pid = plan->pid,
        .tsc_hz = plan->tsc_hz,
        .ipc_buffer = ipc_buffer_address,
        .arguments = LOADER_BLOCK_ADDRESS + at.arguments,
        .environment = LOADER_BLOCK_ADDRESS + at.environment,
        .descriptor_count = plan->descriptor_count,
        .directory = plan->directory,
        .descriptors = LOADER_BLOCK_ADDRESS + at.descriptors,
        .first_free_slot = STARTUP_SLOT_FREE,
        .slot_limit = LOADER_SLOTS,
        .stack_top = LOADER_STACK_TOP,
        .stack_bytes = plan->stack_bytes,
        .program_headers = image->headers,
        .program_header_count = image->header_count,
        .parent = plan->parent,
        .grants = LOADER_BLOCK_ADDRESS + at.grants,
        .grant_count = plan->grant_count,
        .cpu_count = plan->cpu_count,
    };
    for (uint32_t i = 0; i < sizeof startup.name - 1 && plan->name[i]; i++)
        startup.name[i] = plan->name[i];
    if (!count_strings(plan->arguments, plan->argument_bytes, &startup.argument_count) ||
        !count_strings(plan->environment, plan->environment_bytes, &startup.environment_count))
        return false;
    copy(block, 0, &startup, sizeof startup);
    copy(block, at.descriptors, plan->descriptors,
         plan->descriptor_count * sizeof(struct startup_descriptor));
    copy(block, at.grants, plan->grants, plan->grant_count * sizeof(struct startup_grant));
    copy(block, at.arguments, plan->arguments, plan->argument_bytes);
    copy(block, at.environment, plan->environment, plan->environment_bytes);
    return true;
}
