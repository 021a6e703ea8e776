/// The kernel's half of every address space, and the entries of user mappings.
///
///     ffff800000000000   all physical memory: 4 GiB, and RAM above that (no execution)
///     ffffffff80000000   physical 0 to 4 MiB, of which only the image is mapped
///     ffffffffbfe00000   device registers, uncached
///
/// The tables are complete before kern_main(); afterwards the kernel's half never changes, so
/// that spaces can copy its top-level entries and TLBs keep it (global pages).

#include "mm/map.h"
#include "boot/boot.h"
#include "cpu/cpu.h"
#include "cpu/string.h"
#include <arch/kern.h>
#include <arch/page.h>
#include <pith/abi.h>

#define IMAGE_BASE  0xffffffff80000000ul
#define DEVICE_BASE 0xffffffffbfe00000ul
#define GIB         (1ul << 30)

enum { IMAGE_TABLES = 2, DIRECT_TABLES = 4, TOP_DIRECT = 256 };

typedef uint64_t table[ARCH_TABLE_SLOTS];

/// The first seven are built by boot/entry.asm, which knows this order.
struct map_tables {
    table top, direct_pdpt, image_pdpt, image_pd;
    table direct_pds[DIRECT_TABLES];
    table image[IMAGE_TABLES];
    table device;
};

struct map_tables map_tables __attribute__((aligned(4096)));

extern char text_start[], text_end[], rodata_end[], image_end[]; // boot/kernel.ld

static uint64_t direct_end = DIRECT_TABLES * GIB;
static uint32_t device_pages;

struct phys arch_image_phys(const void *object)
{
    return phys((uint64_t)object - IMAGE_BASE);
}

/// The entry in the kernel's half that names `t`: no user right at any level.
static uint64_t kernel_table(const table t)
{
    return arch_image_phys(t).at | ENTRY_PRESENT | ENTRY_WRITE;
}

static void map_image(void)
{
    for (char *at = text_start; at < image_end; at += ARCH_PAGE_BYTES) {
        uint64_t page = arch_image_phys(at).at;
        uint64_t rights = at < text_end     ? 0
                          : at < rodata_end ? ENTRY_NX
                                            : ENTRY_NX | ENTRY_WRITE;
        if (!cpu_is_guard(at))
            map_tables.image[page >> 21][page >> 12 & 511] =
                page | rights | ENTRY_PRESENT | ENTRY_GLOBAL;
    }
    for (uint32_t i = 0; i < IMAGE_TABLES; i++)
        map_tables.image_pd[i] = kernel_table(map_tables.image[i]);
}

void map_init(void)
{
    for (uint32_t i = 0; i < DIRECT_TABLES; i++)
        for (uint32_t j = 0; j < ARCH_TABLE_SLOTS; j++)
            map_tables.direct_pds[i][j] |= ENTRY_NX | ENTRY_GLOBAL;
    map_image();
    map_tables.image_pd[DEVICE_BASE >> 21 & 511] = kernel_table(map_tables.device);
    map_tables.top[0] = 0;
    cpu_flush_global();
}

/// A page of 512 large entries for the gigabyte at `start`.
static uint64_t make_directory(struct arch_boot *boot, uint64_t start)
{
    struct phys page = ranges_take_page(boot, ARCH_RANGE_KERNEL);
    uint64_t *entries = arch_pointer(page);
    for (uint64_t i = 0; i < ARCH_TABLE_SLOTS; i++)
        entries[i] = (start + (i << 21)) | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_LARGE |
                     ENTRY_GLOBAL | ENTRY_NX;
    return page.at | ENTRY_PRESENT | ENTRY_WRITE;
}

void map_extend_direct(struct arch_boot *boot)
{
    const uint64_t most = ARCH_TABLE_SLOTS * GIB;
    if (ranges_free_end(boot) > most)
        ranges_set(boot, most, UINT64_MAX & ~(ARCH_PAGE_BYTES - 1), ARCH_RANGE_DEVICE);
    uint64_t end = ranges_free_end(boot);
    for (uint64_t at = direct_end; at < end; at += GIB)
        map_tables.direct_pdpt[at / GIB] =
            features_large_pages()
                ? at | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_LARGE | ENTRY_GLOBAL | ENTRY_NX
                : make_directory(boot, at);
    if (end > direct_end)
        direct_end = (end + GIB - 1) & ~(GIB - 1);
}

void map_start_page(bool present)
{
    map_tables.top[0] = present ? kernel_table(map_tables.image_pdpt) : 0;
    map_tables.image_pdpt[0] = present ? kernel_table(map_tables.image_pd) : 0;
    map_tables.image[0][AP_PAGE >> 12] = present ? AP_PAGE | ENTRY_PRESENT : 0;
    cpu_flush_global();
}

bool map_direct_covers(uint64_t at, uint64_t bytes)
{
    return bytes <= direct_end && at <= direct_end - bytes;
}

volatile uint32_t *map_device(struct phys at)
{
    if (device_pages == ARCH_TABLE_SLOTS)
        kern_panic("too many device pages");
    uint64_t address = DEVICE_BASE + device_pages * ARCH_PAGE_BYTES;
    map_tables.device[device_pages++] = (at.at & ENTRY_ADDRESS) | ENTRY_PRESENT | ENTRY_WRITE |
                                        ENTRY_UNCACHED | ENTRY_COMBINE | ENTRY_GLOBAL |
                                        ENTRY_NX;
    return (volatile uint32_t *)(address + at.at % ARCH_PAGE_BYTES);
}

void arch_space_init(struct phys top)
{
    uint64_t *entries = arch_pointer(top);
    arch_copy(entries + ARCH_USER_SLOTS, map_tables.top + ARCH_USER_SLOTS,
              sizeof(table) - ARCH_USER_SLOTS * sizeof(uint64_t));
}

struct phys arch_space_kernel(void)
{
    return arch_image_phys(map_tables.top);
}

uint64_t arch_entry_map(struct phys target, unsigned level, uint32_t flags)
{
    uint64_t entry = target.at | ENTRY_PRESENT | ENTRY_USER;
    if (level == ARCH_LEVEL_LARGE)
        entry |= ENTRY_LARGE;
    if (flags & MAP_WRITE)
        entry |= ENTRY_WRITE;
    if (!(flags & MAP_EXECUTE))
        entry |= ENTRY_NX;
    if (flags & MAP_UNCACHED)
        entry |= ENTRY_UNCACHED | ENTRY_COMBINE;
    else if (flags & MAP_COMBINE)
        entry |= ENTRY_COMBINE;
    return entry;
}
