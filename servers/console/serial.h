// The serial line COM1: a 16550, driven by its interrupt both ways.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIAL_QUEUE_BYTES 65536u

/// `bit`: the interrupt's in the signals of `endpoint`.
void serial_start(uint32_t endpoint, uint64_t bit, bool resumes);
/// Room in the queue of output.
size_t serial_room(void);
/// Queue bytes; what does not fit is dropped (see serial_room).
void serial_write(const void *bytes, size_t length);
/// Send what the line takes. Commits: not within a request (lib/kept.h).
void serial_send(void);
/// After the interrupt: send more, hand what came to `take`.
void serial_service(void (*take)(uint8_t byte));
