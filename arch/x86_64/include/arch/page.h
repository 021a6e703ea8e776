/// Page-table entries and the TLB. kern walks; this header knows the bits.
///
/// Levels count from the top, 4, to 1; a leaf is at level 1 (4 KiB) or 2 (2 MiB). The upper
/// half of a top table is the kernel's, the same in every space. A VSpace's second top-level
/// page is zero for now: it is there for page-table isolation.
#pragma once

#include <arch/address.h>
#include <pith/abi.h>

#define ARCH_LEVEL_TOP   4
#define ARCH_LEVEL_LARGE 2 ///< highest level of a leaf: 2 MiB
#define ARCH_TABLE_SLOTS 512
#define ARCH_USER_SLOTS  256 ///< of a top table

#define ENTRY_PRESENT  (1ul << 0)
#define ENTRY_WRITE    (1ul << 1)
#define ENTRY_USER     (1ul << 2)
#define ENTRY_COMBINE  (1ul << 3) ///< PWT: entry 1 of our PAT is write combining
#define ENTRY_UNCACHED (1ul << 4)
#define ENTRY_LARGE    (1ul << 7)
#define ENTRY_GLOBAL   (1ul << 8)
#define ENTRY_MARK     (1ul << 9)  ///< 9 to 11 are ours: see arch_entry_mark()
#define ENTRY_KEPT     (1ul << 10) ///< and arch_entry_keep()
#define ENTRY_NX       (1ul << 63)
#define ENTRY_ADDRESS  0x000ffffffffff000ul

/// log2 of the bytes that one entry at `level` covers: 12, 21, 30, 39.
static inline unsigned arch_level_bits(unsigned level)
{
    return 3 + 9 * level;
}

/// The entry for `u` in the table at `table`, which is one of `level`.
static inline uint64_t *arch_entry(struct phys table, unsigned level, struct user u)
{
    uint64_t *entries = arch_pointer(table);
    return &entries[u.at >> arch_level_bits(level) & (ARCH_TABLE_SLOTS - 1)];
}

static inline bool arch_entry_present(uint64_t entry)
{
    return entry & ENTRY_PRESENT;
}

/// Whether a present entry at `level` maps memory rather than naming a table.
static inline bool arch_entry_leaf(uint64_t entry, unsigned level)
{
    return level == 1 || (entry & ENTRY_LARGE);
}

/// What a present entry refers to.
static inline struct phys arch_entry_target(uint64_t entry)
{
    return phys(entry & ENTRY_ADDRESS);
}

/// The entry that names a page table. Rights are decided at the leaf.
static inline uint64_t arch_entry_table(struct phys table)
{
    return table.at | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER;
}

/// The entry that maps user memory at `level` 1 or 2. `target` is aligned to the level.
/// `flags` is the ABI's flags map, checked by the caller: one of READ, WRITE, EXECUTE at least,
/// not WRITE with EXECUTE, not UNCACHED with COMBINE. What is mapped can be read.
uint64_t arch_entry_map(struct phys target, unsigned level, uint32_t flags);

/// An entry that start-up makes: no capability accounts for it.
static inline uint64_t arch_entry_keep(uint64_t entry)
{
    return entry | ENTRY_KEPT;
}

static inline bool arch_entry_kept(uint64_t entry)
{
    return entry & ENTRY_KEPT;
}

/// What user mode may do through a leaf: of enum map READ, WRITE and EXECUTE. None: the leaf is
/// not one that arch_entry_map() makes.
static inline uint32_t arch_entry_rights(uint64_t entry)
{
    if ((entry & (ENTRY_USER | ENTRY_GLOBAL)) != ENTRY_USER)
        return 0;
    return MAP_READ | (entry & ENTRY_WRITE ? MAP_WRITE : 0) |
           (entry & ENTRY_NX ? 0 : MAP_EXECUTE);
}

/// Marks an entry that a CPU may be walking; the CPU does not mind.
static inline void arch_entry_mark(uint64_t *entry)
{
    __atomic_fetch_or(entry, ENTRY_MARK, __ATOMIC_RELAXED);
}

/// Takes the mark away; whether there was one.
static inline bool arch_entry_unmark(uint64_t *entry)
{
    return __atomic_fetch_and(entry, ~ENTRY_MARK, __ATOMIC_RELAXED) & ENTRY_MARK;
}

/// Writes an entry that a CPU may be walking: one store.
static inline void arch_entry_write(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELAXED);
}

/// Forgets this CPU's translation of one page of the current space.
static inline void arch_tlb_flush(struct user u)
{
    __asm__ volatile("invlpg (%0)" ::"r"(u.at) : "memory");
}

/// Forgets all user translations of this CPU.
static inline void arch_tlb_flush_all(void)
{
    uint64_t top;
    __asm__ volatile("movq %%cr3, %0; movq %0, %%cr3" : "=r"(top)::"memory");
}

/// Enters the kernel's half into a zeroed VSpace (two pages at `top`).
void arch_space_init(struct phys top);

/// The space that maps the kernel alone: idle CPUs, and those whose space was destroyed, run
/// on it.
struct phys arch_space_kernel(void);
