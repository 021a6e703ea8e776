// Fills a new space: see lib/loader.h. What has contents goes through a share: mapped here
// while it is written, then only there.
#include <lib/loader.h>
#include <lib/session.h>
#include <lib/slots.h>
#include <pith/status.h>
#include <proto/memory.h>

enum {
    READ_BYTES = 65536, // of the image at once
};

static uint64_t page_up(uint64_t value)
{
    return (value + 4095) & ~4095ul;
}

static struct session *memory(void)
{
    return session_to(STARTUP_SLOT_MEMORY);
}

/// A share that is mapped here while it is filled.
struct filling {
    uint64_t address;
    uint64_t bytes;
    uint32_t share;
};

static enum status fill_begin(struct filling *f, uint64_t bytes)
{
    f->bytes = bytes;
    return memory_share(memory(), bytes, &f->address, &f->share);
}

static void fill_end(struct filling *f)
{
    status_ignore(memory_release(memory(), f->address, f->bytes));
    slot_delete(f->share);
}

static enum status read_segment(const struct loader_source *source,
                                const struct loader_segment *s, char *to)
{
    for (uint64_t done = 0; done < s->file_bytes;) {
        uint64_t part = s->file_bytes - done < READ_BYTES ? s->file_bytes - done : READ_BYTES;
        enum status result =
            source->read(source->context, s->offset + done, to + done, (uint32_t)part);
        if (result != OK)
            return result;
        done += part;
    }
    return OK;
}

/// The pages with contents, then the rest, which is zero.
static enum status load_segment(const struct loader_plan *plan, const struct loader_segment *s)
{
    uint64_t start = s->address & ~4095ul;
    uint64_t filled = s->file_bytes ? page_up(s->address + s->file_bytes) : start;
    uint64_t end = page_up(s->address + s->bytes);
    enum status result = OK;
    if (filled > start) {
        struct filling f;
        result = fill_begin(&f, filled - start);
        if (result != OK)
            return result;
        result = read_segment(&plan->image, s, (char *)f.address + (s->address - start));
        if (result == OK)
            result = memory_space_attach(memory(), plan->pid, start, 0, filled - start,
                                         s->protection, f.share);
        fill_end(&f);
    }
    if (result == OK && end > filled)
        result = memory_space_commit(memory(), plan->pid, filled, end - filled, s->protection);
    return result;
}

/// The block, and behind it the page with the first thread's control block: its own address,
/// and that of its IPC buffer.
static enum status load_block(const struct loader_plan *plan, const struct loader_image *image,
                              uint64_t buffer, uint64_t *control)
{
    uint64_t bytes = loader_block_bytes(plan);
    if (!bytes)
        return E_2BIG;
    struct filling f;
    enum status result = fill_begin(&f, bytes + 4096);
    if (result != OK)
        return result;
    *control = LOADER_BLOCK_ADDRESS + bytes;
    uint64_t *words = (uint64_t *)(f.address + bytes);
    words[0] = *control;
    words[1] = buffer;
    result = loader_block_write(plan, image, buffer, (void *)f.address) ? OK : E_INVAL;
    if (result == OK)
        result = memory_space_attach(memory(), plan->pid, LOADER_BLOCK_ADDRESS, 0, bytes,
                                     PROTECTION_READ, f.share);
    if (result == OK)
        result = memory_space_attach(memory(), plan->pid, *control, bytes, 4096,
                                     PROTECTION_READ | PROTECTION_WRITE, f.share);
    fill_end(&f);
    return result;
}

static enum status set_registers(uint32_t thread, uint64_t entry, uint64_t control)
{
    struct registers registers = {
        .rip = entry,
        .rsp = LOADER_STACK_TOP - 8, // as if called
        .rdi = LOADER_BLOCK_ADDRESS,
        .fs_base = control,
    };
    __builtin_memcpy(ipc_buffer()->registers, &registers, sizeof registers);
    return sys_thread_registers(thread, 1);
}

static enum status fill_space(const struct loader_plan *plan, const struct loader_image *image,
                              struct loader_process *made)
{
    enum status result = OK;
    for (uint32_t i = 0; i < image->segment_count && result == OK; i++)
        result = load_segment(plan, &image->segments[i]);
    if (result != OK)
        return result;
    uint32_t lazy = plan->lazy_stack ? PROTECTION_LAZY : 0;
    result = memory_space_commit(memory(), plan->pid, LOADER_STACK_TOP - plan->stack_bytes,
                                 plan->stack_bytes, PROTECTION_READ | PROTECTION_WRITE | lazy);
    if (result != OK)
        return result;
    uint64_t buffer, control;
    result = memory_space_thread(memory(), plan->pid, &made->thread_id, &buffer, &made->thread,
                                 &made->buffer);
    if (result == OK)
        result = load_block(plan, image, buffer, &control);
    if (result == OK)
        result = set_registers(made->thread, image->entry, control);
    return result;
}

enum status loader_create(const struct loader_plan *plan, struct loader_process *made,
                          const char **what)
{
    struct loader_image image;
    *made = (struct loader_process){0};
    enum status result = loader_parse(&plan->image, &image, what);
    if (result != OK)
        return result;
    *what = status_message(E_NOMEM);
    result = memory_space_create(memory(), plan->pid, plan->memory_limit, &made->vspace,
                                 &made->cspace);
    if (result != OK)
        return result;
    result = fill_space(plan, &image, made);
    if (result != OK) {
        *what = status_message(result);
        loader_undo(plan->pid, made);
    }
    return result;
}

enum status loader_start(const struct loader_process *made, uint32_t fault, uint32_t supervisor,
                         uint32_t options, uint32_t priority)
{
    uint64_t x, y, z;
    enum status result = sys_thread_configure(made->thread, made->cspace, made->vspace,
                                              made->buffer, fault, supervisor, options);
    if (result == OK)
        result = sys_thread_control(made->thread, THREAD_OP_PRIORITY, priority, 0, &x, &y, &z);
    if (result == OK)
        result = sys_thread_control(made->thread, THREAD_OP_START, 0, 0, &x, &y, &z);
    return result;
}

void loader_undo(uint32_t pid, struct loader_process *made)
{
    if (!made->vspace)
        return;
    slot_delete(made->thread);
    slot_delete(made->buffer);
    slot_delete(made->cspace);
    slot_delete(made->vspace);
    status_ignore(memory_space_destroy(memory(), pid));
    *made = (struct loader_process){0};
}
