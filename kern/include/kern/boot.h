/// Parts of start-up: memory for the first process, its image, the rest as untypeds.
#pragma once

#include <arch/boot.h>
#include <kern/slot.h>

/// The range of free memory that init's objects come from.
struct supply {
    uint64_t at;
    uint64_t end;
};

/// Zeroed pages from the supply. Panics when it is used up: there is no memory to boot with.
struct phys supply_pages(struct supply *supply, uint64_t count);

/// Maps a page of init; page tables come from the supply.
void boot_map(struct supply *supply, struct phys top, uint64_t address, struct phys page,
              uint32_t flags);

/// Loads the ELF image of `module` into the space `top`; returns its entry, sets *end to the
/// first page-aligned address above it. Panics with a reason if it cannot be loaded.
uint64_t boot_load(struct supply *supply, struct phys top, const struct arch_module *module,
                   uint64_t *end);

/// Makes untyped capabilities of all memory that is left and all device ranges, from slot
/// BOOT_SLOT_FIRST_UNTYPED on, and lists them in `info`.
void boot_untypeds(const struct arch_boot *boot, const struct supply *supply,
                   struct slot *(*slot_at)(uint32_t), struct boot_info *info);
