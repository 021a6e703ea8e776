// Unicode on a VGA text screen, whose font is code page 437.
#pragma once

#include <stdint.h>

/// The glyph for a code point, `?` where the font has none.
uint8_t glyph_of(uint32_t code_point);
