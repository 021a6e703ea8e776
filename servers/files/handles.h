// The handles of one client: a handle is the lowest free number from 1 on; 0 is the root
// directory, always.
#pragma once

#include "description.h"

#define HANDLES_PER_BLOCK 60u
#define HANDLE_BLOCKS     17u
#define HANDLES_MAX       (HANDLES_PER_BLOCK * HANDLE_BLOCKS)

/// Zeroed is empty.
struct handles {
    struct description **blocks[HANDLE_BLOCKS];
};

/// Once, after inode_init: the root directory opens as handle 0. E_NOSPACE.
enum status handles_init(void);
/// After a restart: whether all that handles refer to can be.
bool handles_valid(const struct handles *handles);
/// Hand all descriptions to `release` and give back the blocks.
void handles_end(struct handles *handles, void (*release)(struct description *description));
/// A new handle; takes over the caller's reference when it succeeds. E_MFILE, E_NOSPACE.
enum status handle_new(struct handles *handles, struct description *description,
                       uint32_t *handle);
/// E_BADF.
enum status handle_find(struct handles *handles, uint32_t handle,
                        struct description **description);
/// The directory behind a handle. E_BADF, E_NOTDIR.
enum status handle_directory(struct handles *handles, uint32_t handle,
                             struct inode **directory);
/// Free the number; the caller gets its reference. Null: nothing is open there (or it is 0).
struct description *handle_remove(struct handles *handles, uint32_t handle);
