/// GRUB's boot information (Multiboot2 specification, section 3), read once by arch_main().
///
/// It is a total size and tags of 8-byte alignment. Everything is copied: afterwards nothing
/// refers to it. Memory is entered into boot->ranges in an order in which the cautious answer
/// wins: RAM first, then what the map calls otherwise, then the image and the modules.

#include "boot/boot.h"
#include "cpu/string.h"
#include <arch/kern.h>

enum {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_RSDP_1 = 14,
    TAG_RSDP_2 = 15,
};

enum { MEMORY_RAM = 1, FRAMEBUFFER_RGB = 1 };

struct tag {
    uint32_t type;
    uint32_t size; ///< header included, padding not
};

struct tag_module {
    struct tag tag;
    uint32_t start, end;
    char command_line[];
};

struct memory_entry {
    uint64_t start, bytes;
    uint32_t type, reserved;
};

struct tag_memory_map {
    struct tag tag;
    uint32_t entry_size, entry_version;
    // entries of entry_size bytes follow
};

struct tag_framebuffer {
    struct tag tag;
    uint64_t address;
    uint32_t pitch, width, height;
    uint8_t bits, type;
};

extern char image_start[], image_end[]; // boot/kernel.ld: physical, and virtual

/// Copies at most `bytes` of a text and terminates it; stops at `stop` too.
static void copy_text(char *to, uint64_t room, const char *from, uint64_t bytes, char stop)
{
    uint64_t i = 0;
    while (i < bytes && i < room - 1 && from[i] != 0 && from[i] != stop) {
        to[i] = from[i];
        i++;
    }
    to[i] = 0;
}

static void read_memory_map(const struct tag_memory_map *map, struct arch_boot *boot)
{
    const char *first = (const char *)(map + 1);
    const char *end = (const char *)map + map->tag.size;
    if (map->entry_size < sizeof(struct memory_entry))
        kern_panic("boot loader: memory map entries of %u bytes, at least 24 expected",
                   map->entry_size);
    for (int ram = 1; ram >= 0; ram--) { // the cautious entries last
        for (const char *at = first; at + map->entry_size <= end; at += map->entry_size) {
            const struct memory_entry *e = (const void *)at;
            if ((e->type == MEMORY_RAM) != ram || e->start + e->bytes < e->start)
                continue;
            ranges_set(boot, e->start, e->start + e->bytes,
                       ram ? ARCH_RANGE_FREE : ARCH_RANGE_DEVICE);
            if (ram)
                boot->memory_bytes += e->bytes;
            if (e->start < AP_PAGE + ARCH_PAGE_BYTES && e->start + e->bytes > AP_PAGE)
                boot->low_ram = ram && e->start <= AP_PAGE &&
                                e->start + e->bytes >= AP_PAGE + ARCH_PAGE_BYTES;
        }
    }
}

static void read_module(const struct tag_module *module, struct arch_boot *boot)
{
    if (boot->module_count == ARCH_BOOT_MODULES)
        kern_panic("boot loader: more than %d modules", ARCH_BOOT_MODULES);
    struct arch_module *m = &boot->modules[boot->module_count++];
    m->start = phys(module->start);
    m->bytes = module->end - module->start;
    if (module->end < module->start || module->start % ARCH_PAGE_BYTES != 0)
        kern_panic("boot loader: module %u at %x to %x is not on a page boundary",
                   boot->module_count, module->start, module->end);
    copy_text(m->name, sizeof m->name, module->command_line, module->tag.size - sizeof *module,
              ' ');
}

static void read_framebuffer(const struct tag_framebuffer *f, struct arch_boot *boot)
{
    if (f->type != FRAMEBUFFER_RGB)
        return;
    boot->framebuffer = phys(f->address);
    boot->framebuffer_pitch = f->pitch;
    boot->framebuffer_width = f->width;
    boot->framebuffer_height = f->height;
    boot->framebuffer_bits = f->bits;
}

/// Where a copy of the RSDP is kept until memory can be taken for it. 36 bytes: the larger
/// kind.
static uint8_t rsdp[36] __attribute__((aligned(8)));
static uint32_t rsdp_bytes;

static void read_rsdp(const struct tag *tag)
{
    uint32_t bytes = tag->size - sizeof *tag;
    if (bytes > sizeof rsdp)
        bytes = sizeof rsdp;
    if (bytes <= rsdp_bytes || bytes < 20)
        return; // the newer kind wins
    memcpy(rsdp, tag + 1, bytes);
    rsdp_bytes = bytes;
}

static void read_tag(const struct tag *tag, struct arch_boot *boot)
{
    switch (tag->type) {
    case TAG_COMMAND_LINE:
        copy_text(boot->command_line, sizeof boot->command_line, (const char *)(tag + 1),
                  tag->size - sizeof *tag, 0);
        break;
    case TAG_MODULE:
        read_module((const void *)tag, boot);
        break;
    case TAG_MEMORY_MAP:
        read_memory_map((const void *)tag, boot);
        break;
    case TAG_FRAMEBUFFER:
        read_framebuffer((const void *)tag, boot);
        break;
    case TAG_RSDP_1:
    case TAG_RSDP_2:
        read_rsdp(tag);
        break;
    }
}

/// What must not be free although the memory map calls it RAM.
static void protect_ranges(struct arch_boot *boot)
{
    ranges_set(boot, 0, 0x100000, ARCH_RANGE_DEVICE); // the BIOS's and its tables'
    ranges_set(boot, (uint64_t)image_start, arch_image_phys(image_end).at, ARCH_RANGE_KERNEL);
    for (uint32_t i = 0; i < boot->module_count; i++) {
        const struct arch_module *m = &boot->modules[i];
        ranges_set(boot, m->start.at, m->start.at + m->bytes, ARCH_RANGE_DEVICE);
    }
    if (boot->framebuffer.at != 0)
        ranges_set(boot, boot->framebuffer.at,
                   boot->framebuffer.at +
                       (uint64_t)boot->framebuffer_pitch * boot->framebuffer_height,
                   ARCH_RANGE_DEVICE);
}

void multiboot_read(struct phys info, struct arch_boot *boot)
{
    const char *start = arch_pointer(info);
    uint32_t total = *(const uint32_t *)start;
    for (uint32_t at = 8; at + sizeof(struct tag) <= total;) {
        const struct tag *tag = (const void *)(start + at);
        if (tag->type == TAG_END || tag->size < sizeof *tag || tag->size > total - at)
            break;
        read_tag(tag, boot);
        at += (tag->size + 7) & ~7u;
    }
    if (boot->memory_bytes == 0)
        kern_panic("boot loader: no memory map");
    protect_ranges(boot);
    if (rsdp_bytes != 0) {
        boot->rsdp = ranges_take_page(boot, ARCH_RANGE_DEVICE);
        arch_zero(arch_pointer(boot->rsdp), ARCH_PAGE_BYTES);
        memcpy(arch_pointer(boot->rsdp), rsdp, rsdp_bytes);
    }
}
