/// The partition of physical memory that kern gets: ascending, complete, without overlap.
///
/// Written while booting alone. It begins as one DEVICE range over all, and each ranges_set()
/// replaces what was said before.

#include "boot/boot.h"
#include <arch/kern.h>

enum { FREE_LIMIT = ARCH_BOOT_RANGES - 24 }; ///< so that what must be protected finds room

static void remove_range(struct arch_boot *boot, uint32_t i)
{
    boot->range_count--;
    for (; i < boot->range_count; i++)
        boot->ranges[i] = boot->ranges[i + 1];
}

static void insert_range(struct arch_boot *boot, uint32_t i, struct arch_range range)
{
    if (boot->range_count == ARCH_BOOT_RANGES)
        kern_panic("boot loader: the memory map has more than %d parts", ARCH_BOOT_RANGES);
    for (uint32_t j = boot->range_count++; j > i; j--)
        boot->ranges[j] = boot->ranges[j - 1];
    boot->ranges[i] = range;
}

/// Makes `at` a boundary and returns the index of the range that begins there.
static uint32_t split_at(struct arch_boot *boot, uint64_t at)
{
    uint32_t i = 0;
    while (i < boot->range_count && boot->ranges[i].end.at <= at)
        i++;
    if (i == boot->range_count || boot->ranges[i].start.at == at)
        return i;
    struct arch_range upper = boot->ranges[i];
    boot->ranges[i].end = upper.start = phys(at);
    insert_range(boot, i + 1, upper);
    return i + 1;
}

static void merge_neighbours(struct arch_boot *boot)
{
    for (uint32_t i = 1; i < boot->range_count;) {
        if (boot->ranges[i].kind == boot->ranges[i - 1].kind) {
            boot->ranges[i - 1].end = boot->ranges[i].end;
            remove_range(boot, i);
        } else {
            i++;
        }
    }
}

void ranges_set(struct arch_boot *boot, uint64_t start, uint64_t end, enum arch_range_kind kind)
{
    const uint64_t mask = ARCH_PAGE_BYTES - 1;
    uint64_t limit = boot->ranges[boot->range_count - 1].end.at;
    if (end > limit)
        end = limit;
    if (start >= end)
        return;
    start = kind == ARCH_RANGE_FREE ? (start + mask) & ~mask : start & ~mask;
    end = kind == ARCH_RANGE_FREE ? end & ~mask : (end + mask) & ~mask;
    if (start >= end || (kind == ARCH_RANGE_FREE && boot->range_count > FREE_LIMIT))
        return;
    uint32_t first = split_at(boot, start);
    uint32_t last = split_at(boot, end);
    while (--last > first)
        remove_range(boot, last);
    boot->ranges[first] = (struct arch_range){phys(start), phys(end), kind};
    merge_neighbours(boot);
}

struct phys ranges_take_page(struct arch_boot *boot, enum arch_range_kind kind)
{
    const uint64_t limit = 1ul << 32;
    const struct arch_range *best = NULL;
    for (uint32_t i = 0; i < boot->range_count; i++) {
        const struct arch_range *r = &boot->ranges[i];
        if (r->kind == ARCH_RANGE_FREE && r->end.at <= limit &&
            (!best || r->end.at - r->start.at > best->end.at - best->start.at))
            best = r;
    }
    if (!best)
        kern_panic("no free memory below 4 GiB");
    struct phys page = phys(best->end.at - ARCH_PAGE_BYTES);
    ranges_set(boot, page.at, page.at + ARCH_PAGE_BYTES, kind);
    return page;
}

uint64_t ranges_free_end(const struct arch_boot *boot)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < boot->range_count; i++)
        if (boot->ranges[i].kind == ARCH_RANGE_FREE)
            end = boot->ranges[i].end.at;
    return end;
}
