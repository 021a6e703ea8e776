// What io_requests.c and path_requests.c share.
#pragma once

#include <lib/server.h>

#include "handles.h"

/// The description behind a handle of the requester. E_BADF.
enum status requests_handle(struct request *r, uint32_t handle,
                            struct description **description);
/// A handle for a new description (null: there was no space for it), which is released on
/// failure. E_NOSPACE, E_MFILE.
enum status requests_open(struct request *r, struct description *description, uint32_t *handle);
