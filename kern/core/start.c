/// Start-up: the first process, and everything handed to it. Then the kernel only serves.
///
/// Always: all that is made here comes from the largest range of free memory and is never given
/// back; what is left of memory, and every device range, init gets as untypeds.
#include <kern/boot.h>
#include <kern/create.h>
#include <kern/invariants.h>
#include <kern/sched.h>
#include <kern/space.h>
#include <kern/start.h>

const struct arch_boot *start_boot;
/// Not an object: it never dies, and nothing names it.
struct slot slot_root = {.flags = SLOT_NODE | SLOT_DYING};

static struct cspace *cspace;

uint64_t start_tick_time(void)
{
    return start_boot->tsc_hz / 1000000 * TICK_MICROSECONDS;
}

static struct slot *slot_at(uint32_t handle)
{
    return cspace_slot(cspace, handle);
}

static struct supply largest_range(const struct arch_boot *boot)
{
    struct supply supply = {0, 0};
    for (uint32_t i = 0; i < boot->range_count; i++) {
        const struct arch_range *range = &boot->ranges[i];
        if (range->kind == ARCH_RANGE_FREE &&
            range->end.at - range->start.at > supply.end - supply.at)
            supply = (struct supply){range->start.at, range->end.at};
    }
    return supply;
}

static const struct arch_module *find_init(const struct arch_boot *boot)
{
    for (uint32_t i = 0; i < boot->module_count; i++) {
        const char *name = boot->modules[i].name;
        if (name[0] == 'i' && name[1] == 'n' && name[2] == 'i' && name[3] == 't' && !name[4])
            return &boot->modules[i];
    }
    kern_panic("the boot loader brought no module named init");
}

/// A capability to an object with a node.
static void add_object(uint32_t handle, struct slot *node)
{
    struct slot *slot = slot_at(handle);
    slot_add_child(&slot_root, node);
    slot->kind = node->kind;
    slot->rights = RIGHT_ALL;
    slot->bits = node->bits;
    slot->object = node->object;
    slot_add_child(node, slot);
}

/// A capability to `count` things from number 0 on.
static void add_range_capability(uint32_t handle, unsigned kind, uint64_t count)
{
    struct slot *slot = slot_at(handle);
    slot->kind = (uint8_t)kind;
    slot->rights = RIGHT_ALL;
    slot->count = count;
    slot_add_child(&slot_root, slot);
}

static void make_cspace(struct supply *supply)
{
    cspace = cspace_create(arch_pointer(supply_pages(supply, 1)), PAGE_BITS);
    for (uint32_t i = 0; i < BOOT_SLOTS / SLOTS_PER_PAGE; i++)
        slot_add_child(&slot_root,
                       cspace_add_page(cspace, i, arch_pointer(supply_pages(supply, 1))));
    add_object(BOOT_SLOT_CSPACE, &cspace->node);
}

/// The space of init with its image, stack, boot information and buffer. Returns the entry.
static uint64_t make_space(struct supply *supply, const struct arch_boot *boot,
                           struct phys info, uint64_t *image_end)
{
    struct slot *vspace = slot_at(BOOT_SLOT_VSPACE), *buffer = slot_at(BOOT_SLOT_BUFFER);
    struct phys top = supply_pages(supply, 2);
    if (space_create(vspace, top) != OK)
        kern_panic("no room for the first address space");
    slot_add_child(&slot_root, vspace);
    uint64_t entry = boot_load(supply, top, find_init(boot), image_end);
    for (uint64_t at = BOOT_STACK_TOP - BOOT_STACK_BYTES; at < BOOT_STACK_TOP;
         at += ARCH_PAGE_BYTES)
        boot_map(supply, top, at, supply_pages(supply, 1), MAP_READ | MAP_WRITE);
    boot_map(supply, top, BOOT_INFO_ADDRESS, info, MAP_READ);

    struct phys page = supply_pages(supply, 1);
    boot_map(supply, top, BOOT_BUFFER_ADDRESS, page, MAP_READ | MAP_WRITE);
    buffer->kind = KIND_FRAME;
    buffer->rights = RIGHT_ALL;
    buffer->bits = PAGE_BITS;
    buffer->address = page.at;
    buffer->mapped = BOOT_BUFFER_ADDRESS;
    buffer->space = vspace->space;
    slot_add_child(&slot_root, buffer);
    return entry;
}

static void make_thread(struct supply *supply, struct cpu *cpu, uint64_t entry)
{
    static const struct {
        enum thread_inner inner;
        enum boot_slot slot;
    } inner[] = {{INNER_CSPACE, BOOT_SLOT_CSPACE},
                 {INNER_VSPACE, BOOT_SLOT_VSPACE},
                 {INNER_BUFFER, BOOT_SLOT_BUFFER}};
    struct thread *thread = thread_create(arch_pointer(supply_pages(supply, 1)));
    add_object(BOOT_SLOT_THREAD, &thread->node);
    for (unsigned i = 0; i < sizeof(inner) / sizeof(inner[0]); i++)
        if (derive_inner(thread, inner[i].inner, slot_at(inner[i].slot)) != OK)
            kern_panic("init's thread cannot be configured");
    struct registers registers = {
        .rip = entry, .rsp = BOOT_STACK_TOP - 8, .rdi = BOOT_INFO_ADDRESS};
    if (!arch_frame_load(&thread->frame, &registers))
        kern_panic("init's entry %lx is not a user address", entry);
    thread_set_priority(thread, PRIORITIES - 1);
    sched_ready(cpu, thread);
}

static void copy_text(char *to, const char *from, size_t size)
{
    for (size_t i = 0; i + 1 < size && from[i]; i++)
        to[i] = from[i];
}

static void fill_info(struct boot_info *info, const struct arch_boot *boot)
{
    info->magic = BOOT_INFO_MAGIC;
    info->version = BOOT_INFO_VERSION;
    info->cpu_count = boot->cpu_count;
    for (uint32_t i = 0; i < boot->cpu_count; i++)
        info->apic_ids[i] = boot->apic_ids[i];
    info->tsc_hz = boot->tsc_hz;
    info->rsdp = boot->rsdp.at;
    info->framebuffer = boot->framebuffer.at;
    info->framebuffer_pitch = boot->framebuffer_pitch;
    info->framebuffer_width = boot->framebuffer_width;
    info->framebuffer_height = boot->framebuffer_height;
    info->framebuffer_bits = boot->framebuffer_bits;
    info->irq_count = boot->irq_count;
    info->memory_bytes = boot->memory_bytes;
    copy_text(info->build_id, boot->build_id, sizeof(info->build_id));
    copy_text(info->command_line, boot->command_line, sizeof(info->command_line));
    for (uint32_t i = 0; i < boot->module_count && i < BOOT_MODULES; i++) {
        struct boot_module *module = &info->modules[info->module_count++];
        module->address = boot->modules[i].start.at;
        module->bytes = boot->modules[i].bytes;
        copy_text(module->name, boot->modules[i].name, sizeof(module->name));
    }
}

_Noreturn void kern_main(const struct arch_boot *boot)
{
    struct cpu *cpu = arch_cpu();
    start_boot = boot;
    cpu_lock();
    cpu_count = boot->cpu_count;
    sched_init(cpu);
    struct supply supply = largest_range(boot);
    struct phys page = supply_pages(&supply, 1);
    struct boot_info *info = arch_pointer(page);
    fill_info(info, boot);
    make_cspace(&supply);
    uint64_t entry = make_space(&supply, boot, page, &info->image_end);
    make_thread(&supply, cpu, entry);
    add_range_capability(BOOT_SLOT_IRQ, KIND_IRQ, boot->irq_count);
    add_range_capability(BOOT_SLOT_IOPORT, KIND_IOPORT, 65536);
    add_range_capability(BOOT_SLOT_DEBUG, KIND_DEBUG, 0);
    boot_untypeds(boot, &supply, slot_at, info);
    arch_leave(sched_resume(cpu));
}

_Noreturn void kern_cpu_main(void)
{
    struct cpu *cpu = arch_cpu();
    cpu_lock();
    sched_init(cpu);
    sched_idle(cpu);
}
_Static_assert(BOOT_CPUS == ARCH_CPUS_MAX, "pith.idl: BOOT_CPUS");
_Static_assert(sizeof(struct boot_info) <= ARCH_PAGE_BYTES, "boot information is one page");
