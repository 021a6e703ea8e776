// The keyboard at the 8042 controller.
#pragma once

#include <stdint.h>

#include "keyboard.h"

/// `bit`: the interrupt's in the signals of `endpoint`.
void ps2_start(uint32_t endpoint, uint64_t bit, bool resumes);
/// After the interrupt: hand what was typed to `take`.
void ps2_service(void (*take)(struct keys keys));
