/// Inside arch: the kernel's own mappings.
#pragma once

#include <arch/boot.h>

/// Narrows what boot/entry.asm mapped: code is read-only, all else not executable, address 0 is
/// free, the guard pages below the CPUs' stacks are absent.
void map_init(void);

/// While other CPUs start: AP_PAGE is mapped at its physical address too, executable, through
/// the image's tables.
void map_start_page(bool present);

/// Extends the direct map to all of boot's RAM above 4 GiB; RAM beyond 512 GiB is dropped.
void map_extend_direct(struct arch_boot *boot);

/// Whether the direct map reaches [at, at + bytes).
bool map_direct_covers(uint64_t at, uint64_t bytes);

/// Maps one page of device registers, uncached, for good.
volatile uint32_t *map_device(struct phys at);
