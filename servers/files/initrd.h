// The file system at start: the initrd (ustar, POSIX.1-2017 pax "ustar Interchange Format") as
// a tree. Contents stay where they are.
#pragma once

#include <stddef.h>

#include <pith/abi.h>

/// Adds every member of the archive. `archive` stays mapped for good. E_INVAL: damaged;
/// `*where` is the offset of the member that could not be added.
enum status initrd_load(const void *archive, size_t bytes, size_t *where);
