/// Start-up's helpers: init's memory, its ELF image, and the untypeds it is handed.
#include <arch/page.h>
#include <kern/boot.h>
#include <kern/invariants.h>
#include <kern/untyped.h>

struct phys supply_pages(struct supply *supply, uint64_t count)
{
    uint64_t bytes = count * ARCH_PAGE_BYTES;
    if (supply->end - supply->at < bytes)
        kern_panic("not enough memory to start init: %lu bytes left", supply->end - supply->at);
    struct phys pages = phys(supply->at);
    supply->at += bytes;
    arch_zero(arch_pointer(pages), bytes);
    return pages;
}

/// The leaf entry for `address`; tables that are missing are made.
static uint64_t *leaf(struct supply *supply, struct phys top, uint64_t address)
{
    struct phys table = top;
    for (unsigned level = ARCH_LEVEL_TOP; level > 1; level--) {
        uint64_t *entry = arch_entry(table, level, user(address));
        if (!arch_entry_present(*entry))
            arch_entry_write(entry, arch_entry_keep(arch_entry_table(supply_pages(supply, 1))));
        table = arch_entry_target(*entry);
    }
    return arch_entry(table, 1, user(address));
}

void boot_map(struct supply *supply, struct phys top, uint64_t address, struct phys page,
              uint32_t flags)
{
    uint64_t *entry = leaf(supply, top, address);
    if (arch_entry_present(*entry))
        kern_panic("init: two segments share the page at %lx", address);
    arch_entry_write(entry, arch_entry_keep(arch_entry_map(page, 1, flags)));
}

struct elf_header {
    uint8_t magic[4];
    uint8_t class, order, version, abi, padding[8];
    uint16_t type, machine;
    uint32_t version2;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct elf_header) == 64 && sizeof(struct elf_segment) == 56, "ELF-64");

enum { ELF_CLASS_64 = 2, ELF_EXEC = 2, ELF_X86_64 = 62, ELF_LOAD = 1 };
enum { ELF_X = 1, ELF_W = 2, ELF_R = 4 };

/// What is wrong with one segment, or null.
static const char *segment_error(const struct arch_module *module, const struct elf_segment *s)
{
    if (s->offset > module->bytes || s->filesz > module->bytes - s->offset)
        return "a segment lies beyond the end of the file";
    if (s->filesz > s->memsz)
        return "a segment is larger in the file than in memory";
    if (s->vaddr % ARCH_PAGE_BYTES)
        return "a segment does not begin on a page";
    if (s->vaddr >= BOOT_STACK_TOP - BOOT_STACK_BYTES ||
        s->memsz > BOOT_STACK_TOP - BOOT_STACK_BYTES - s->vaddr)
        return "a segment lies outside user space";
    if ((s->flags & ELF_W) && (s->flags & ELF_X))
        return "a segment is writable and executable";
    return NULL;
}

static void load_segment(struct supply *supply, struct phys top, const uint8_t *file,
                         const struct elf_segment *s)
{
    uint32_t flags =
        MAP_READ | (s->flags & ELF_W ? MAP_WRITE : 0) | (s->flags & ELF_X ? MAP_EXECUTE : 0);
    for (uint64_t done = 0; done < s->memsz; done += ARCH_PAGE_BYTES) {
        struct phys page = supply_pages(supply, 1);
        uint8_t *to = arch_pointer(page);
        for (uint64_t i = 0; i < ARCH_PAGE_BYTES && done + i < s->filesz; i++)
            to[i] = file[s->offset + done + i];
        boot_map(supply, top, s->vaddr + done, page, flags);
    }
}

static const char *header_error(const struct arch_module *module, const struct elf_header *h)
{
    if (module->bytes < sizeof(*h) || h->magic[0] != 0x7f || h->magic[1] != 'E' ||
        h->magic[2] != 'L' || h->magic[3] != 'F')
        return "not an ELF file";
    if (h->class != ELF_CLASS_64 || h->type != ELF_EXEC || h->machine != ELF_X86_64)
        return "not a static x86-64 executable";
    if (h->phentsize != sizeof(struct elf_segment) || h->phoff > module->bytes ||
        h->phnum * sizeof(struct elf_segment) > module->bytes - h->phoff || h->phoff % 8)
        return "its program headers lie beyond the end of the file";
    if (!arch_user_valid(user(h->entry), 1))
        return "its entry lies outside user space";
    return NULL;
}

uint64_t boot_load(struct supply *supply, struct phys top, const struct arch_module *module,
                   uint64_t *end)
{
    const uint8_t *file = arch_pointer(module->start);
    const struct elf_header *header = (const struct elf_header *)file;
    const char *error = header_error(module, header);
    if (error)
        kern_panic("init cannot be loaded: %s", error);
    const struct elf_segment *segments = (const struct elf_segment *)(file + header->phoff);
    *end = 0;
    for (unsigned i = 0; i < header->phnum; i++) {
        const struct elf_segment *s = &segments[i];
        if (s->type != ELF_LOAD)
            continue;
        error = segment_error(module, s);
        if (error)
            kern_panic("init cannot be loaded: %s (%lx)", error, s->vaddr);
        load_segment(supply, top, file, s);
        uint64_t above = (s->vaddr + s->memsz + ARCH_PAGE_BYTES - 1) & ~(ARCH_PAGE_BYTES - 1);
        if (above > *end)
            *end = above;
    }
    return header->entry;
}

/// The largest naturally aligned block at `at` that ends by `end`.
static unsigned block_bits(uint64_t at, uint64_t end)
{
    unsigned bits = 63 - (unsigned)__builtin_clzl(end - at);
    if (at && (unsigned)__builtin_ctzl(at) < bits)
        bits = (unsigned)__builtin_ctzl(at);
    return bits < UNTYPED_BITS_MAX ? bits : UNTYPED_BITS_MAX;
}

/// Splits [start, end) into blocks. Those that find no place in the list are lost, with a word.
static void add_range(uint64_t start, uint64_t end, bool device,
                      struct slot *(*slot_at)(uint32_t), struct boot_info *info)
{
    while (start < end) {
        unsigned bits = block_bits(start, end);
        if (info->untyped_count == BOOT_UNTYPEDS) {
            kern_log("boot: no room to list %lx-%lx\n", start, end);
            return;
        }
        if (info->free_slot % SLOTS_PER_PAGE == 0)
            info->free_slot++;
        struct slot *slot = slot_at(info->free_slot);
        untyped_create(slot, phys(start), bits, device, 0);
        slot_add_child(&slot_root, slot);
        info->untypeds[info->untyped_count++] = (struct boot_untyped){
            .address = start, .slot = info->free_slot, .bits = (uint8_t)bits, .device = device};
        info->free_slot++;
        start += 1ul << bits;
    }
}

void boot_untypeds(const struct arch_boot *boot, const struct supply *supply,
                   struct slot *(*slot_at)(uint32_t), struct boot_info *info)
{
    info->free_slot = BOOT_SLOT_FIRST_UNTYPED;
    for (unsigned device = 0; device < 2; device++) {
        for (uint32_t i = 0; i < boot->range_count; i++) {
            const struct arch_range *range = &boot->ranges[i];
            uint64_t start = range->start.at;
            if (range->kind != (device ? ARCH_RANGE_DEVICE : ARCH_RANGE_FREE))
                continue;
            if (range->end.at == supply->end)
                start = supply->at;
            add_range(start, range->end.at, device, slot_at, info);
        }
    }
}
