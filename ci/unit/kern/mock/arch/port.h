/// The host's ports: 64 KiB of bytes.
#pragma once

#include <stdint.h>

uint32_t arch_port_read(uint16_t port, unsigned bytes);
void arch_port_write(uint16_t port, unsigned bytes, uint32_t value);
void arch_port_read_many(uint16_t port, unsigned bytes, void *data, uint64_t count);
void arch_port_write_many(uint16_t port, unsigned bytes, const void *data, uint64_t count);
