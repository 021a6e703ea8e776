// Memory for the file system under test: an arena that counts, and that can refuse.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// A fresh, empty file system in an arena of `chunks` chunks.
void files_start(uint32_t chunks);
/// Bytes committed now.
size_t files_committed(void);
/// Let this many further commits succeed.
void files_allow(size_t commits);
