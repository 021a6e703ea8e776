/// Mappings: Frames at leaves, PageTables above them.
///
/// Always: at most one mapping for each capability; never writable and executable; a leaf's
/// rights are within those of its capability; user addresses are below USER_END. A table that
/// is taken away leaves the capabilities of what it mapped with a mapping that is not there: so
/// unmapping trusts a leaf only if it leads to the capability's own memory.
#include <kern/cpu.h>
#include <kern/space.h>
#include <kern/trace.h>

uint64_t *space_walk(struct phys top, struct user address, unsigned *level)
{
    struct phys table = top;
    for (unsigned at = ARCH_LEVEL_TOP;; at--) {
        uint64_t *entry = arch_entry(table, at, address);
        if (at == *level || !arch_entry_present(*entry) || arch_entry_leaf(*entry, at)) {
            *level = at;
            return entry;
        }
        table = arch_entry_target(*entry);
    }
}

/// More pages than this are forgotten with all others.
#define FLUSH_PAGES 32

static void flush(struct cpu *cpu, uint64_t address, uint64_t pages)
{
    (void)cpu;
    for (uint64_t i = 0; i < pages && pages <= FLUSH_PAGES; i++)
        arch_tlb_flush(user(address + i * ARCH_PAGE_BYTES));
    if (pages > FLUSH_PAGES)
        arch_tlb_flush_all();
}

/// Has every CPU that has the space `top` loaded forget `pages` pages from `address` on. They
/// have when it returns: the memory may be used again.
static void forget(struct phys top, uint64_t address, uint64_t pages)
{
    struct cpu *cpu = arch_cpu();
    uint32_t others = 0;
    for (uint32_t i = 0; i < cpu_count; i++)
        if (kern_cpus[i].top.at == top.at && &kern_cpus[i] != cpu)
            others |= 1u << i;
    if (cpu->top.at == top.at)
        flush(cpu, address, pages);
    if (others && !MUTANT(forget_others))
        cpu_ask(others, flush, address, pages);
}

static enum status check_map(const struct slot *frame, struct user address, uint64_t flags)
{
    const uint64_t known = MAP_READ | MAP_WRITE | MAP_EXECUTE | MAP_UNCACHED | MAP_COMBINE;
    uint64_t access = flags & (MAP_READ | MAP_WRITE | MAP_EXECUTE);
    CHECK(map_flags, !(flags & ~known) && access, E_INVAL);
    access |= MAP_READ; // what is mapped can be read
    CHECK(map_w_xor_x, !(flags & MAP_WRITE) || !(flags & MAP_EXECUTE), E_INVAL);
    CHECK(map_cache_flags, !(flags & MAP_UNCACHED) || !(flags & MAP_COMBINE), E_INVAL);
    CHECK(map_rights, (frame->rights & access) == access, E_RIGHTS);
    CHECK(map_aligned, !(address.at & ((1ul << frame->bits) - 1)), E_INVAL);
    CHECK(map_user_half, arch_user_valid(address, 1ul << frame->bits), E_INVAL);
    return OK;
}

_Static_assert((int)MAP_READ == (int)RIGHT_READ && (int)MAP_WRITE == (int)RIGHT_WRITE &&
                   (int)MAP_EXECUTE == (int)RIGHT_EXECUTE,
               "check_map compares map flags with rights");

enum status space_map_frame(struct slot *frame, const struct slot *vspace, struct user address,
                            uint64_t flags, uint64_t *missing)
{
    enum status status = check_map(frame, address, flags);
    if (status != OK)
        return status;
    struct phys top = phys(vspace->address), old;
    bool again = frame->space && space_top(frame->space, &old);
    bool same = frame->space == vspace->space && frame->mapped == address.at;
    CHECK(map_once, !again || same, E_BUSY);
    unsigned bottom = space_leaf_level(frame);
    unsigned level = bottom;
    uint64_t *entry = space_walk(top, address, &level);
    if (level != bottom) {
        CHECK(map_under_leaf, !arch_entry_present(*entry), E_EXIST);
        *missing = level - bottom;
        return E_TABLE;
    }
    // A naturally aligned Frame lies within one table: `count` entries from here.
    unsigned count = 1u << (frame->bits - arch_level_bits(bottom));
    uint64_t first = arch_entry_map(phys(frame->address), bottom, (uint32_t)flags);
    for (unsigned i = 0; i < count; i++) {
        uint64_t target = frame->address + (i * ARCH_PAGE_BYTES);
        bool own = same && arch_entry_present(entry[i]) && arch_entry_leaf(entry[i], bottom) &&
                   arch_entry_target(entry[i]).at == target;
        CHECK(map_occupied, own || !arch_entry_present(entry[i]), E_EXIST);
    }
    // Past this line it cannot fail.
    for (unsigned i = 0; i < count; i++)
        arch_entry_write(&entry[i], first + i * ARCH_PAGE_BYTES);
    if (same)
        forget(top, address.at, count);
    frame->space = vspace->space;
    frame->mapped = address.at;
    trace(arch_cpu(), TRACE_MAP, address.at, frame->address);
    return OK;
}

enum status space_map_table(struct slot *table, const struct slot *vspace, struct user address)
{
    struct phys top = phys(vspace->address), old;
    CHECK(table_user_half, arch_user_valid(address, 1), E_INVAL);
    CHECK(table_once, !table->space || !space_top(table->space, &old), E_BUSY);
    unsigned level = 1;
    uint64_t *entry = space_walk(top, address, &level);
    CHECK(table_missing, level > 1 && !arch_entry_present(*entry), E_EXIST);
    // Past this line it cannot fail.
    if (table->inner) // installed before: what it mapped then is not believed
        arch_zero(arch_pointer(phys(table->address)), ARCH_PAGE_BYTES);
    arch_entry_write(entry, arch_entry_table(phys(table->address)));
    table->space = vspace->space;
    table->mapped = address.at;
    table->inner = (uint8_t)level;
    return OK;
}

static void unmap_frame(struct slot *frame, struct phys top)
{
    unsigned bottom = space_leaf_level(frame);
    unsigned level = bottom;
    uint64_t *entry = space_walk(top, user(frame->mapped), &level);
    if (level != bottom)
        return;
    unsigned count = 1u << (frame->bits - arch_level_bits(bottom));
    for (unsigned i = 0; i < count; i++) {
        uint64_t offset = i * ARCH_PAGE_BYTES;
        if (!arch_entry_present(entry[i]) || !arch_entry_leaf(entry[i], bottom) ||
            arch_entry_target(entry[i]).at != frame->address + offset)
            continue;
        arch_entry_write(&entry[i], 0);
    }
    forget(top, frame->mapped, count);
}

static void unmap_table(struct slot *table, struct phys top)
{
    unsigned level = table->inner;
    uint64_t *entry = space_walk(top, user(table->mapped), &level);
    if (level != table->inner || !arch_entry_present(*entry) ||
        arch_entry_leaf(*entry, level) || arch_entry_target(*entry).at != table->address)
        return;
    arch_entry_write(entry, 0);
    forget(top, 0, FLUSH_PAGES + 1);
}

void space_unmap(struct slot *slot)
{
    struct phys top;
    if (slot->space && space_top(slot->space, &top)) {
        if (slot->kind == KIND_FRAME)
            unmap_frame(slot, top);
        else
            unmap_table(slot, top);
    }
    slot->space = 0;
    slot->mapped = 0;
}
