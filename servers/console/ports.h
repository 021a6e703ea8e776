// Ports and interrupts that the boot manifest grants.
#pragma once

#include <stdint.h>

/// A range of ports, or an interrupt line.
struct granted {
    uint32_t slot;
    uint32_t first;
};

/// The grant with this name; the server ends where there is none.
struct granted ports_grant(const char *name);
uint8_t ports_in(struct granted ports, uint32_t offset);
void ports_out(struct granted ports, uint32_t offset, uint8_t value);
/// Up to 256 bytes, which are in the IPC buffer's `io`, to one port; commits (lib/kept.h).
void ports_out_many(struct granted ports, uint32_t offset, uint32_t count);
/// The interrupt signals `bit` at `endpoint`.
void ports_bind(struct granted irq, uint32_t endpoint, uint64_t bit);
void ports_acknowledge(struct granted irq);
