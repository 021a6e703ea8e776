// Before there is `memory`: init's own untyped memory, and the building of the memory server
// from it, page by page.
//
// init keeps one small untyped (2 MiB, 1 MiB on small machines) for good: memory's image,
// spaces, first meta block and the endpoints come from it. Everything else goes to `memory`.
#include <lib/log.h>
#include <lib/slots.h>
#include <lib/text.h>
#include <proto/memory.h>
#include "../lib/elf.h"
#include "init.h"

#define WINDOW_AT 0x300000000000ul // one page of what is being filled
#define PHYSICAL  0x400000000000ul // device memory appears here at its physical address

enum {
    OWN_BITS_MIN = 20,
    OWN_BITS = 21,
    META_BITS = 18,
    FIRST_SLOT_PAGES = 8, // of memory's CSpace
    UNTYPED_FIRST = 65,   // where the untypeds go in it
    STACK_PAGES = 16,
    STACK_TOP = 0x3ff7f000, // as lib/loader.h draws it
    STARTUP_AT = 0x3ff80000,
    BUFFER_AT = 0x3ffff000,
    GRANTS = BOOT_UNTYPEDS + 8,
    STARTUP_PAGES =
        (sizeof(struct startup) + GRANTS * sizeof(struct startup_grant) + PAGE - 1) / PAGE,
};

uint32_t own_endpoint;

static uint32_t own_untyped;
static uint32_t parts[BOOT_UNTYPEDS + 32]; // slots of untypeds for memory
static struct startup_grant part_grants[BOOT_UNTYPEDS + 32];
static uint32_t part_count;

static void make(uint32_t untyped, enum kind kind, uint32_t bits, uint32_t cspace,
                 uint32_t slot)
{
    enum status status;
    do
        status = sys_retype(untyped, kind, bits, 1, cspace, slot);
    while (status == E_MORE);
    if (status != OK)
        log_line("retype of kind %u: status %u", kind, status);
    CHECK(status == OK);
}

uint32_t own_object(uint32_t kind, uint32_t bits)
{
    uint32_t slot = slot_alloc();
    CHECK(slot);
    make(own_untyped, kind, bits, HANDLE_NULL, slot);
    return slot;
}

// ---------------------------------------------------------------- who gets which untyped

static void add_part(uint32_t slot, uint64_t address, uint32_t bits, bool device)
{
    CHECK(part_count < sizeof parts / sizeof *parts);
    parts[part_count] = slot;
    part_grants[part_count] =
        (struct startup_grant){.kind = KIND_UNTYPED, .first = address, .count = 1ul << bits};
    text_copy(part_grants[part_count].name, sizeof part_grants[0].name,
              device ? "device" : "ram");
    part_count++;
}

/// The smallest RAM untyped of at least `bits`; null: there is none.
static const struct boot_untyped *smallest(uint32_t bits)
{
    const struct boot_untyped *best = 0;
    for (uint32_t i = 0; i < boot->untyped_count; i++) {
        const struct boot_untyped *untyped = &boot->untypeds[i];
        if (!untyped->device && untyped->bits >= bits && (!best || untyped->bits < best->bits))
            best = untyped;
    }
    return best;
}

/// Takes 2^bits bytes off the front of `from`; the rest, in ever larger pieces, is memory's.
static void split(const struct boot_untyped *from, uint32_t bits)
{
    own_untyped = slot_alloc();
    make(from->slot, KIND_UNTYPED, bits, HANDLE_NULL, own_untyped);
    for (uint32_t piece = bits; piece < from->bits; piece++) {
        uint32_t slot = slot_alloc();
        make(from->slot, KIND_UNTYPED, piece, HANDLE_NULL, slot);
        add_part(slot, from->address + (1ul << piece), piece, false);
    }
}

void bootstrap_start(void)
{
    uint32_t bits = boot->memory_bytes >> 28 ? OWN_BITS : OWN_BITS_MIN;
    const struct boot_untyped *mine = smallest(bits);
    if (!mine)
        die_of_little_memory();
    if (mine->bits == bits)
        own_untyped = mine->slot;
    else
        split(mine, bits);
    for (uint32_t i = 0; i < boot->untyped_count; i++) {
        const struct boot_untyped *untyped = &boot->untypeds[i];
        if (untyped != mine)
            add_part(untyped->slot, untyped->address, untyped->bits, untyped->device);
    }
    own_endpoint = own_object(KIND_ENDPOINT, 0);
}

// ---------------------------------------------------------------- mapping

/// Maps a Frame, with tables from init's own memory.
static void map_frame(uint32_t frame, uint32_t vspace, uint64_t address, uint32_t flags)
{
    uint64_t missing;
    enum status status;
    while ((status = sys_map(frame, vspace, address, flags | MAP_READ, &missing)) == E_TABLE) {
        uint32_t table = own_object(KIND_PAGE_TABLE, 0);
        CHECK(sys_map(table, vspace, address, 0, &missing) == OK);
    }
    CHECK(status == OK);
}

/// The part that is the device untyped with index `i`, if it overlaps the module.
static bool holds_module(uint32_t i, const struct boot_module *module)
{
    const struct startup_grant *part = &part_grants[i];
    return text_equal(part->name, "device") && part->first < module->address + module->bytes &&
           module->address < part->first + part->count;
}

enum { MODULE_FRAMES = 256 };
static uint32_t module_frames[MODULE_FRAMES];

/// Shows the module at PHYSICAL + its address, until module_hide().
static void module_show(const struct boot_module *module)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < part_count; i++) {
        const struct startup_grant *part = &part_grants[i];
        uint64_t end = module->address + module->bytes;
        for (uint64_t at = 0, size;
             holds_module(i, module) && at < part->count && part->first + at < end;
             at += size) {
            size = part->count < 1ul << 21 ? part->count : 1ul << 21;
            uint32_t bits = (uint32_t)__builtin_ctzl(size);
            CHECK(count < MODULE_FRAMES);
            module_frames[count] = slot_alloc();
            make(parts[i], KIND_FRAME, bits, HANDLE_NULL, module_frames[count]);
            map_frame(module_frames[count++], own.vspace, PHYSICAL + part->first + at, 0);
        }
    }
}

static void module_hide(void)
{
    for (uint32_t i = 0; i < MODULE_FRAMES && module_frames[i]; i++)
        slot_delete(module_frames[i]);
}

// ---------------------------------------------------------------- the memory server

struct build {
    uint32_t vspace, cspace, thread;
};

static enum status read_blob(void *context, uint64_t offset, void *to, uint32_t bytes)
{
    const struct blob *blob = context;
    memcpy(to, blob->bytes + offset, bytes);
    return OK;
}

/// One page at `address` of the new space, holding `size` bytes of `from` from byte `at` on.
static uint32_t add_page(const struct build *build, uint64_t address, uint32_t flags,
                         const void *from, uint64_t at, uint64_t size)
{
    uint32_t frame = own_object(KIND_FRAME, PAGE_BITS);
    if (size) {
        map_frame(frame, own.vspace, WINDOW_AT, MAP_WRITE);
        memcpy((uint8_t *)WINDOW_AT + at, from, size);
        CHECK(sys_unmap(frame) == OK);
    }
    map_frame(frame, build->vspace, address, flags);
    return frame;
}

static void add_segment(const struct build *build, const struct elf_segment *segment,
                        const struct blob *file)
{
    uint64_t file_start = segment->address, file_end = segment->address + segment->bytes;
    for (uint64_t page = segment->start; page < segment->end; page += PAGE) {
        uint64_t from = page > file_start ? page : file_start;
        uint64_t to = page + PAGE < file_end ? page + PAGE : file_end;
        if (from < to)
            add_page(build, page, segment->protection,
                     file->bytes + segment->offset + (from - file_start), from - page,
                     to - from);
        else
            add_page(build, page, segment->protection, 0, 0, 0);
    }
}

/// A CSpace with room for the slots of all pages of memory, should all be single pages.
static void make_cspace(struct build *build)
{
    uint64_t bytes = boot->memory_bytes / PAGE * 5 / 2 / SLOTS_PER_PAGE * sizeof(uint64_t);
    uint32_t bits = PAGE_BITS;
    while (bits < 19 && 1ul << bits < bytes)
        bits++;
    build->cspace = own_object(KIND_CSPACE, bits);
    for (uint32_t i = 0; i < FIRST_SLOT_PAGES; i++)
        make(own_untyped, KIND_SLOTS, 0, build->cspace, i);
}

static void give(const struct build *build, uint32_t slot, uint32_t source)
{
    CHECK(sys_cap_copy(build->cspace, slot, source, DERIVE_COPY, RIGHT_ALL, 0) == OK);
}

static _Alignas(16) uint8_t startup_bytes[STARTUP_PAGES * PAGE];

static void add_grant(struct startup *startup, const struct startup_grant *grant)
{
    CHECK(startup->grant_count < GRANTS);
    uint8_t *grants = startup_bytes + sizeof *startup;
    memcpy(grants + startup->grant_count++ * sizeof *grant, grant, sizeof *grant);
}

/// Moves the untypeds over and describes all that memory holds.
static void fill_startup(const struct build *build)
{
    struct startup *startup = (struct startup *)(void *)startup_bytes;
    *startup = (struct startup){.magic = STARTUP_MAGIC,
                                .version = STARTUP_VERSION,
                                .pid = MEMORY_ID,
                                .parent = INIT_ID,
                                .tsc_hz = boot->tsc_hz,
                                .cpu_count = boot->cpu_count,
                                .ipc_buffer = BUFFER_AT,
                                .first_free_slot = STARTUP_SLOT_FREE,
                                .slot_limit = SLOTS_PER_PAGE,
                                .stack_top = STACK_TOP,
                                .stack_bytes = STACK_PAGES * PAGE,
                                .name = "memory",
                                .grants = STARTUP_AT + sizeof *startup};
    uint32_t slot = STARTUP_SLOT_GRANT;
    give(build, slot, own.debug);
    add_grant(startup,
              &(struct startup_grant){.slot = slot++, .kind = KIND_DEBUG, .name = "debug"});
    give(build, slot, build->vspace);
    add_grant(startup,
              &(struct startup_grant){.slot = slot++, .kind = KIND_VSPACE, .name = "vspace"});
    uint32_t meta = own_object(KIND_UNTYPED, META_BITS);
    CHECK(sys_cap_move(build->cspace, slot, meta) == OK);
    slot_free(meta);
    add_grant(startup, &(struct startup_grant){.slot = slot++,
                                               .kind = KIND_UNTYPED,
                                               .count = 1ul << META_BITS,
                                               .name = "meta"});
    uint32_t next = UNTYPED_FIRST;
    for (uint32_t i = 0; i < part_count; i++, next++) {
        next += next % SLOTS_PER_PAGE == 0; // the first slot of a page is the kernel's
        CHECK(sys_cap_move(build->cspace, next, parts[i]) == OK);
        part_grants[i].slot = next;
        add_grant(startup, &part_grants[i]);
    }
    add_grant(startup,
              &(struct startup_grant){.first = next,
                                      .count = FIRST_SLOT_PAGES * SLOTS_PER_PAGE - next,
                                      .name = "slots"});
}

static void start_thread(const struct build *build, uint32_t buffer,
                         const struct elf_image *image, uint64_t control)
{
    uint32_t supervisor = slot_alloc();
    uint64_t none[3];
    CHECK(sys_cap_copy(HANDLE_NULL, supervisor, own_endpoint, DERIVE_CALL, MEMORY_ID, 0) == OK);
    CHECK(sys_thread_configure(build->thread, build->cspace, build->vspace, buffer, supervisor,
                               HANDLE_NULL, 0) == OK);
    CHECK(sys_thread_control(build->thread, THREAD_OP_PRIORITY, PRIORITY_MEMORY, 0, &none[0],
                             &none[1], &none[2]) == OK);
    const struct registers registers = {
        .rip = image->entry, .rsp = STACK_TOP - 8, .rdi = STARTUP_AT, .fs_base = control};
    memcpy(ipc_buffer()->registers, &registers, sizeof registers);
    CHECK(sys_thread_registers(build->thread, 1) == OK);
    CHECK(sys_thread_control(build->thread, THREAD_OP_START, 0, 0, &none[0], &none[1],
                             &none[2]) == OK);
}

/// Space, image and stack, from the file in the initrd.
static void build_space(struct build *build, const struct blob *file, struct elf_image *image)
{
    const char *error;
    const struct loader_file source = {read_blob, (void *)(uintptr_t)file, file->size};
    enum status status = elf_read(&source, image, &error);
    if (status != OK)
        log_line("cannot load the memory server: %s, /sbin/memory", error);
    CHECK(status == OK);
    make_cspace(build); // the largest first: no gaps
    build->vspace = own_object(KIND_VSPACE, 0);
    build->thread = own_object(KIND_THREAD, 0);
    for (uint32_t i = 0; i < image->segment_count; i++)
        add_segment(build, &image->segments[i], file);
    for (uint32_t i = 1; i <= STACK_PAGES; i++)
        add_page(build, STACK_TOP - i * PAGE, MAP_WRITE, 0, 0, 0);
}

/// What it owns and where it finds it; then it runs.
static void complete(const struct build *build, const struct elf_image *image,
                     uint32_t endpoint)
{
    give(build, STARTUP_SLOT_ENDPOINT, endpoint);
    fill_startup(build);
    for (uint32_t i = 0; i < STARTUP_PAGES; i++)
        add_page(build, STARTUP_AT + i * PAGE, 0, startup_bytes + i * PAGE, 0, PAGE);
    const uint64_t control[2] = {STARTUP_AT + STARTUP_PAGES * PAGE, BUFFER_AT};
    add_page(build, control[0], MAP_WRITE, control, 0, sizeof control);
    uint32_t buffer = add_page(build, BUFFER_AT, MAP_WRITE, 0, 0, 0);
    start_thread(build, buffer, image, control[0]);
}

const struct boot_module *bootstrap_initrd(void)
{
    for (uint32_t i = 0; i < boot->module_count; i++)
        if (text_equal(boot->modules[i].name, "initrd"))
            return &boot->modules[i];
    log_line("the boot loader brought no module named initrd");
    log_die("no initrd", __FILE__, __LINE__);
}

void bootstrap_memory(uint32_t *endpoint)
{
    const struct boot_module *module = bootstrap_initrd();
    const struct blob initrd = {(const uint8_t *)PHYSICAL + module->address, module->bytes};
    struct build build;
    struct elf_image image;
    struct blob file;
    module_show(module);
    if (!initrd_find(&initrd, "sbin/memory", &file)) {
        log_line("there is no sbin/memory in the initrd");
        log_die("no memory server", __FILE__, __LINE__);
    }
    build_space(&build, &file, &image);
    module_hide(); // the untypeds that showed it are memory's too
    *endpoint = own_object(KIND_ENDPOINT, 0);
    complete(&build, &image, *endpoint);
    CHECK(sys_cap_copy(HANDLE_NULL, STARTUP_SLOT_MEMORY, *endpoint, DERIVE_CALL,
                       INIT_ID | BADGE_MANAGER, 1) == OK);
}
