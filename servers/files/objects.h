// Small objects (inodes, names, open files, sessions): slabs of one page, one size class each.
// A page goes back as soon as its last object is freed.
#pragma once

#include <stddef.h>

#include "pages.h"

#define OBJECT_STEP      32u   // size classes are multiples of it
#define OBJECT_BYTES_MAX 1008u // four to a page

/// `bytes` zeroed bytes, 16-aligned; null: no page left for this use.
void *object_new(enum page_use use, size_t bytes);
/// Null is ignored. The page that the object lies in knows its size and use.
void object_free(void *object);
/// Whether an object of so many bytes can be there. Before a pointer that was kept is followed.
bool object_valid(const void *object, size_t bytes);
/// Forget all slabs (after pages_init).
void objects_init(void);
