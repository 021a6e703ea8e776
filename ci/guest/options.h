/// Numbers that the host gives a test program:
///     -fw_cfg name=opt/pith.fuzz,string='1 1000 ...'
#pragma once

#include <stdint.h>

/// Stores the numbers given under `name`, separated by spaces, at numbers[0 .. count - 1];
/// those that are not given stay as they are.
void options_read(const char *name, uint64_t *const numbers[], uint32_t count);
