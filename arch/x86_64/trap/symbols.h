/// The table of the kernel's functions, made by symbols.py after the first link.
#pragma once

#include <stdint.h>

#define IN_SYMBOLS __attribute__((section(".symbols")))

struct symbol {
    uint32_t address; ///< less 0xffffffff80000000
    uint32_t name;    ///< index into symbols_names
};

extern const uint32_t symbols_count;
extern const struct symbol symbols[]; ///< ascending
extern const char symbols_names[];
