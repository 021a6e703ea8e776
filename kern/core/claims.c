/// Page tables against capabilities: part of the kernel's examination of itself.
///
/// Every entry of every space's user half is there through a capability that remembers it: a
/// leaf through a Frame with rights for it, a table through its PageTable. What start-up mapped
/// for init is marked as such and stays. First each capability marks what it accounts for, then
/// all that is mapped must be marked.
///
/// A table that is taken away leaves Frames that remember a mapping which is gone. They account
/// for nothing, or, if the same memory was mapped there again, for the same leaf as another.
#include <kern/claims.h>
#include <kern/space.h>

static void claim_leaves(const struct slot *frame, struct phys top)
{
    unsigned bottom = space_leaf_level(frame), level = bottom;
    uint64_t *entry = space_walk(top, user(frame->mapped), &level);
    if (level != bottom)
        return;
    unsigned count = 1u << (frame->bits - arch_level_bits(bottom));
    for (unsigned i = 0; i < count; i++) {
        bool own = arch_entry_present(entry[i]) && arch_entry_leaf(entry[i], bottom) &&
                   arch_entry_target(entry[i]).at == frame->address + i * ARCH_PAGE_BYTES;
        if (own && !(arch_entry_rights(entry[i]) & ~frame->rights))
            arch_entry_mark(&entry[i]);
    }
}

static void claim_table(const struct slot *table, struct phys top)
{
    unsigned level = table->inner;
    uint64_t *entry = space_walk(top, user(table->mapped), &level);
    if (level == table->inner && arch_entry_present(*entry) &&
        !arch_entry_leaf(*entry, level) && arch_entry_target(*entry).at == table->address)
        arch_entry_mark(entry);
}

void claims_mark(const struct slot *slot)
{
    struct phys top;
    if (!slot->space || !space_top(slot->space, &top))
        return;
    if (slot->kind == KIND_FRAME)
        claim_leaves(slot, top);
    else
        claim_table(slot, top);
}

static void check_entry(uint64_t *entry, unsigned level)
{
    bool claimed = arch_entry_unmark(entry) || arch_entry_kept(*entry);
    if (!arch_entry_leaf(*entry, level)) {
        ASSERT(inv_table_claimed, claimed);
        return;
    }
    uint32_t rights = arch_entry_rights(*entry);
    ASSERT(inv_leaf_level, level <= ARCH_LEVEL_LARGE);
    ASSERT(inv_leaf_user, rights);
    ASSERT(inv_leaf_w_xor_x, !(rights & MAP_WRITE) || !(rights & MAP_EXECUTE));
    ASSERT(inv_leaf_claimed, claimed);
}

/// Every entry of the user half; `at` and `end` are the place in the table of each level.
static void check_space(struct phys top)
{
    uint64_t *at[ARCH_LEVEL_TOP + 1], *end[ARCH_LEVEL_TOP + 1];
    unsigned level = ARCH_LEVEL_TOP;
    at[level] = arch_pointer(top);
    end[level] = at[level] + ARCH_USER_SLOTS;
    while (level <= ARCH_LEVEL_TOP) {
        while (at[level] != end[level] && !arch_entry_present(*at[level]))
            at[level]++;
        if (at[level] == end[level]) {
            level++;
            continue;
        }
        uint64_t *entry = at[level]++;
        check_entry(entry, level);
        if (arch_entry_leaf(*entry, level))
            continue;
        level--;
        at[level] = arch_pointer(arch_entry_target(*entry));
        end[level] = at[level] + ARCH_TABLE_SLOTS;
    }
}

/// The kernel's half is the same everywhere, but for what CPUs note in it.
static void check_kernel_half(struct phys top)
{
    const uint64_t *own = arch_pointer(arch_space_kernel()), *its = arch_pointer(top);
    for (unsigned i = ARCH_USER_SLOTS; i < ARCH_TABLE_SLOTS; i++)
        ASSERT(inv_kernel_half, arch_entry_target(its[i]).at == arch_entry_target(own[i]).at);
}

void claims_check(void)
{
    struct phys top;
    for (uint32_t i = 1; i < SPACES_MAX; i++) {
        if (!space_used(i, &top))
            continue;
        check_space(top);
        check_kernel_half(top);
    }
}
