// Starting processes: see lib/loader.h. Calls only `memory`, as a manager, and reads the file
// through its caller.
//
// Image and start-up block are written into shares that are mapped here and there; then this
// side leaves, and the share belongs to the new process alone.
#include <lib/slots.h>
#include <lib/text.h>
#include <proto/memory.h>
#include "elf.h"

enum {
    PAGE = 4096,
    STACK_TOP = LOADER_STACK_TOP,
    STARTUP_AT = 0x3ff80000,
    BUFFER_AT = 0x3ffff000,
    CONTROL_BYTES = PAGE, // of the first thread, behind the start-up block
};

static uint64_t round_up(uint64_t bytes)
{
    return (bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static struct session *memory(void)
{
    return session_to(STARTUP_SLOT_MEMORY);
}

/// A share that is written here and then shown to the new process.
struct canvas {
    uint8_t *bytes;
    uint64_t length;
    uint32_t share;
};

static enum status canvas_open(struct canvas *canvas, uint64_t length)
{
    uint64_t address;
    canvas->length = length;
    enum status status = memory_share(memory(), length, &address, &canvas->share);
    canvas->bytes = status == OK ? (uint8_t *)address : 0;
    return status;
}

static void canvas_close(struct canvas *canvas)
{
    if (!canvas->bytes)
        return;
    slot_delete(canvas->share);
    status_ignore(memory_release(memory(), (uint64_t)canvas->bytes, canvas->length));
}

// ---------------------------------------------------------------- image

static enum status read_segment(const struct loader_file *file,
                                const struct elf_segment *segment, uint8_t *to)
{
    enum { STEP = 65536 };
    enum status status = OK;
    for (uint64_t done = 0, step; done < segment->bytes && status == OK; done += step) {
        step = segment->bytes - done < STEP ? segment->bytes - done : STEP;
        status = file->read(file->context, segment->offset + done, to + done, (uint32_t)step);
    }
    return status;
}

/// The pages of one segment: from the canvas, then zeroes.
static enum status show_segment(uint32_t session, const struct elf_segment *segment,
                                uint64_t base, const struct canvas *canvas)
{
    enum status status = OK;
    if (segment->file_end > segment->start)
        status = memory_space_attach(memory(), session, segment->start, segment->start - base,
                                     segment->file_end - segment->start, segment->protection,
                                     canvas->share);
    if (status == OK && segment->end > segment->file_end)
        status = memory_space_commit(memory(), session, segment->file_end,
                                     segment->end - segment->file_end, segment->protection);
    return status;
}

static enum status load_image(const struct loader_program *program,
                              const struct elf_image *image)
{
    uint64_t base = image->segments[0].start, end = base;
    for (uint32_t i = 0; i < image->segment_count; i++)
        if (image->segments[i].bytes)
            end = image->segments[i].file_end;
    struct canvas canvas;
    enum status status = canvas_open(&canvas, end - base);
    for (uint32_t i = 0; i < image->segment_count && status == OK; i++)
        status = read_segment(&program->file, &image->segments[i],
                              canvas.bytes + (image->segments[i].address - base));
    for (uint32_t i = 0; i < image->segment_count && status == OK; i++)
        status = show_segment(program->session, &image->segments[i], base, &canvas);
    canvas_close(&canvas);
    return status;
}

// ---------------------------------------------------------------- start-up block

static uint32_t count_strings(const char *strings, uint32_t bytes)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < bytes; i++)
        count += strings[i] == 0;
    return count;
}

/// Copies to offset *at of the canvas; the result is where the new process finds it.
static uint64_t put(const struct canvas *canvas, uint64_t *at, const void *bytes, uint64_t size)
{
    uint64_t offset = *at;
    if (size)
        memcpy(canvas->bytes + offset, bytes, size);
    *at = (offset + size + 15) & ~15ul;
    return STARTUP_AT + offset;
}

static void fill_startup(const struct loader_program *program, const struct elf_image *image,
                         const struct canvas *canvas)
{
    struct startup *startup = (struct startup *)(void *)canvas->bytes;
    uint64_t at = (sizeof *startup + 15) & ~15ul;
    *startup = (struct startup){
        .magic = STARTUP_MAGIC,
        .version = STARTUP_VERSION,
        .pid = program->session,
        .parent = program->parent,
        .tsc_hz = program->tsc_hz,
        .cpu_count = program->cpu_count,
        .ipc_buffer = BUFFER_AT,
        .argument_count = count_strings(program->arguments, program->arguments_bytes),
        .environment_count = count_strings(program->environment, program->environment_bytes),
        .descriptor_count = program->descriptor_count,
        .directory = program->directory,
        .first_free_slot = STARTUP_SLOT_FREE,
        .slot_limit = program->former_ip ? program->slots : 4 * SLOTS_PER_PAGE,
        .stack_top = STACK_TOP,
        .stack_bytes = program->stack_bytes,
        .program_headers = image->headers,
        .program_header_count = image->header_count,
        .grant_count = program->grant_count,
        .former_ip = program->former_ip,
        .former_status = program->former_status,
    };
    text_copy(startup->name, sizeof startup->name, program->name);
    startup->grants =
        put(canvas, &at, program->grants, program->grant_count * sizeof *program->grants);
    startup->descriptors = put(canvas, &at, program->descriptors,
                               program->descriptor_count * sizeof *program->descriptors);
    startup->arguments = put(canvas, &at, program->arguments, program->arguments_bytes);
    startup->environment = put(canvas, &at, program->environment, program->environment_bytes);
}

/// Makes the block; *control is the address of the first thread's control block.
static enum status load_startup(const struct loader_program *program,
                                const struct elf_image *image, uint64_t *control)
{
    uint64_t bytes = round_up(sizeof(struct startup) + program->arguments_bytes +
                              program->environment_bytes + 5 * 16 +
                              program->grant_count * sizeof *program->grants +
                              program->descriptor_count * sizeof *program->descriptors);
    if (bytes + CONTROL_BYTES > BUFFER_AT - STARTUP_AT)
        return E_2BIG;
    struct canvas canvas;
    enum status status = canvas_open(&canvas, bytes + CONTROL_BYTES);
    if (status != OK)
        return status;
    fill_startup(program, image, &canvas);
    *control = STARTUP_AT + bytes;
    const uint64_t words[2] = {*control, BUFFER_AT}; // word 0: itself; word 1: the IPC buffer
    memcpy(canvas.bytes + bytes, words, sizeof words);
    status = memory_space_attach(memory(), program->session, STARTUP_AT, 0, bytes,
                                 PROTECTION_READ, canvas.share);
    if (status == OK)
        status = memory_space_attach(memory(), program->session, *control, bytes, CONTROL_BYTES,
                                     PROTECTION_READ | PROTECTION_WRITE, canvas.share);
    canvas_close(&canvas);
    return status;
}

// ---------------------------------------------------------------- threads

/// A session of the process with whom `endpoint` belongs to, in a slot of ours; 0: no slot.
static uint32_t mint(uint32_t endpoint, uint64_t badge)
{
    uint32_t slot = slot_alloc();
    if (slot && sys_cap_copy(HANDLE_NULL, slot, endpoint, DERIVE_CALL, badge, 0) != OK) {
        slot_free(slot);
        slot = 0;
    }
    return slot;
}

static enum status configure(const struct loader_program *program,
                             const struct loader_process *process, uint32_t thread,
                             uint32_t buffer)
{
    uint32_t fault = mint(program->memory_endpoint, program->session);
    uint32_t supervisor = mint(program->supervisor_endpoint, program->session);
    enum status status = E_NOMEM;
    if (fault && supervisor)
        status = sys_thread_configure(thread, process->cspace, process->vspace, buffer, fault,
                                      supervisor, program->thread_options);
    slot_delete(fault); // the thread has its own
    slot_delete(supervisor);
    uint64_t none[3];
    if (status == OK)
        status = sys_thread_control(thread, THREAD_OP_PRIORITY, program->priority, 0, &none[0],
                                    &none[1], &none[2]);
    if (status == OK)
        status = sys_thread_control(thread, THREAD_OP_CPU, program->cpu, 0, &none[0], &none[1],
                                    &none[2]);
    return status;
}

static enum status start(const struct loader_program *program, uint32_t thread,
                         const struct registers *registers)
{
    memcpy(ipc_buffer()->registers, registers, sizeof *registers);
    enum status status = sys_thread_registers(thread, 1);
    uint64_t none[3];
    if (status == OK && !program->waits)
        status =
            sys_thread_control(thread, THREAD_OP_START, 0, 0, &none[0], &none[1], &none[2]);
    return status;
}

enum status loader_thread(const struct loader_program *program,
                          const struct loader_process *process, uint64_t entry, uint64_t stack,
                          uint64_t argument, uint64_t fs_base, uint64_t *buffer,
                          uint32_t *thread, uint32_t *thread_id)
{
    uint32_t frame;
    enum status status = memory_space_thread(memory(), program->session, *buffer, thread_id,
                                             buffer, thread, &frame);
    if (status != OK)
        return status;
    status = *thread && frame ? configure(program, process, *thread, frame) : E_NOMEM;
    slot_delete(frame);
    const struct registers registers = {
        .rip = entry, .rsp = stack, .rdi = argument, .rsi = *buffer, .fs_base = fs_base};
    if (status == OK)
        status = start(program, *thread, &registers);
    if (status != OK) {
        slot_delete(*thread);
        status_ignore(memory_space_object_destroy(memory(), program->session, *thread_id));
    }
    return status;
}

// ---------------------------------------------------------------- all of it

static enum status give_capabilities(const struct loader_program *program, uint32_t cspace)
{
    enum status status = OK;
    for (uint32_t i = 0; i < program->capability_count && status == OK; i++) {
        const struct loader_capability *capability = &program->capabilities[i];
        if (capability->badge)
            status = sys_cap_copy(cspace, capability->slot, capability->source, DERIVE_CALL,
                                  capability->badge, 1);
        else
            status = sys_cap_copy(cspace, capability->slot, capability->source, DERIVE_COPY,
                                  capability->rights, 0);
    }
    return status;
}

static enum status fill(const struct loader_program *program, const struct elf_image *image,
                        struct loader_process *process)
{
    uint64_t control = 0, buffer = BUFFER_AT;
    enum status status = process->vspace && process->cspace ? OK : E_NOMEM;
    if (status == OK)
        status = load_image(program, image);
    if (status == OK)
        status = load_startup(program, image, &control);
    if (status == OK)
        status = memory_space_commit(memory(), program->session,
                                     STACK_TOP - program->stack_bytes, program->stack_bytes,
                                     PROTECTION_READ | PROTECTION_WRITE | PROTECTION_LAZY);
    if (status == OK && !program->former_ip) // else they are there
        status = give_capabilities(program, process->cspace);
    if (status == OK)
        status = loader_thread(program, process, image->entry, STACK_TOP - 8, STARTUP_AT,
                               control, &buffer, &process->thread, &process->thread_id);
    return status;
}

enum status loader_start(const struct loader_program *program, struct loader_process *process)
{
    struct elf_image image;
    if (!program->former_ip)
        *process = (struct loader_process){0};
    enum status status = elf_read(&program->file, &image, &process->error);
    if (status != OK)
        return status;
    if (program->former_ip)
        return fill(program, &image, process);
    status = memory_space_create(memory(), program->session, program->limit, &process->vspace,
                                 &process->cspace);
    if (status != OK)
        return status;
    status = fill(program, &image, process);
    if (status != OK) {
        slot_delete(process->vspace);
        slot_delete(process->cspace);
        status_ignore(memory_space_destroy(memory(), program->session));
    }
    return status;
}
