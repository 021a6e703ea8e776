/// ELF64 (System V ABI, chapters 4 and 5; AMD64 supplement): the checks that an image must pass
/// before anything of it is believed. For loader.c and its tests.
#pragma once

#include <lib/loader.h>

enum {
    ELF_SEGMENTS = 16,          ///< loadable ones at most
    ELF_LOW = 0x200000,         ///< images lie from here
    ELF_HIGH = 0x3f000000,      ///< to here
    ELF_FILE_PAGES_MAX = 65536, ///< pages that come from the file at most: 256 MiB
};

struct elf_segment {
    uint64_t start, end;    ///< pages in memory
    uint64_t file_end;      ///< pages [start, file_end) have bytes of the file
    uint64_t address;       ///< of the first byte
    uint64_t offset, bytes; ///< in the file
    uint32_t protection;    ///< enum protection of memory.idl
};

struct elf_image {
    uint64_t entry;
    uint64_t headers; ///< where the program headers are in memory, 0: nowhere
    uint32_t header_count;
    uint32_t segment_count;
    struct elf_segment segments[ELF_SEGMENTS]; ///< ascending, no page in two of them
};

/// Reads and checks the headers. E_NOEXEC: *error says what is wrong; or what `read` answered.
PITH_CHECKED enum status elf_read(const struct loader_file *file, struct elf_image *image,
                                  const char **error);
