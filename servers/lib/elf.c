// Reading ELF headers: see elf.h. The file is as hostile as anything else: every number is
// checked against the file's size and the address range of images before it is used.
#include <lib/text.h>
#include <proto/memory.h>
#include "elf.h"

enum { PAGE = 4096 };

/// Figure 4-3.
struct header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, headers, sections;
    uint32_t flags;
    uint16_t size, header_size, header_count, section_size, section_count, strings;
};
_Static_assert(sizeof(struct header) == 64, "ELF64 header");

/// Figure 5-1.
struct program_header {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_bytes, memory_bytes, align;
};
_Static_assert(sizeof(struct program_header) == 56, "ELF64 program header");

enum {
    IDENT_CLASS = 4, // 2: 64 bits
    IDENT_DATA = 5,  // 1: little-endian
    TYPE_EXEC = 2,
    TYPE_DYN = 3,
    MACHINE_X86_64 = 62,
    SEGMENT_LOAD = 1,
    SEGMENT_INTERP = 3,
    FLAG_EXECUTE = 1,
    FLAG_WRITE = 2,
    FLAG_READ = 4,
    HEADERS_MAX = 64,
};

static const char *header_error(const struct header *header, uint64_t size)
{
    if (memcmp(header->ident, "\177ELF", 4) != 0)
        return "not an ELF program";
    if (header->ident[IDENT_CLASS] != 2 || header->ident[IDENT_DATA] != 1 ||
        header->machine != MACHINE_X86_64)
        return "an ELF file for another machine than x86-64";
    if (header->type == TYPE_DYN)
        return "a position-independent or shared object; link with -static -no-pie";
    if (header->type != TYPE_EXEC)
        return "an ELF file that is no program";
    if (header->header_size != sizeof(struct program_header) || header->header_count == 0 ||
        header->header_count > HEADERS_MAX)
        return "the ELF header's program headers are malformed";
    uint64_t bytes = (uint64_t)header->header_count * sizeof(struct program_header);
    if (header->headers > size || bytes > size - header->headers)
        return "the program headers lie beyond the end of the file";
    return 0;
}

static uint32_t protection_of(uint32_t flags)
{
    return (flags & FLAG_READ ? PROTECTION_READ : 0u) |
           (flags & FLAG_WRITE ? PROTECTION_WRITE : 0u) |
           (flags & FLAG_EXECUTE ? PROTECTION_EXECUTE : 0u);
}

/// Checks one loadable segment and appends it.
static const char *add_segment(struct elf_image *image, const struct program_header *header,
                               uint64_t size)
{
    if (image->segment_count == ELF_SEGMENTS)
        return "too many segments";
    if (header->file_bytes > header->memory_bytes)
        return "a segment has more bytes in the file than in memory";
    if (header->offset > size || header->file_bytes > size - header->offset)
        return "a segment lies beyond the end of the file (is the file cut off?)";
    if (header->address < ELF_LOW || header->address >= ELF_HIGH ||
        header->memory_bytes > ELF_HIGH - header->address)
        return "a segment lies outside of the addresses for images";
    if (header->flags & FLAG_WRITE && header->flags & FLAG_EXECUTE)
        return "a segment is writable and executable";
    struct elf_segment *segment = &image->segments[image->segment_count];
    segment->address = header->address;
    segment->offset = header->offset;
    segment->bytes = header->file_bytes;
    segment->start = header->address & ~(uint64_t)(PAGE - 1);
    segment->end = (header->address + header->memory_bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    segment->file_end = header->file_bytes ? (header->address + header->file_bytes + PAGE - 1) &
                                                 ~(uint64_t)(PAGE - 1)
                                           : segment->start;
    segment->protection = protection_of(header->flags);
    if (image->segment_count && segment->start < segment[-1].end)
        return "segments share a page or are out of order";
    image->segment_count++;
    return 0;
}

/// What the segments must be together.
static const char *image_error(const struct elf_image *image)
{
    if (image->segment_count == 0)
        return "there is nothing to load";
    const struct elf_segment *last = &image->segments[image->segment_count - 1];
    if ((last->end - image->segments[0].start) / PAGE > ELF_FILE_PAGES_MAX)
        return "the image is too large";
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if (segment->protection & PROTECTION_EXECUTE && image->entry >= segment->address &&
            image->entry < segment->address + segment->bytes)
            return 0;
    }
    return "the entry address is in no executable segment";
}

static void find_headers(struct elf_image *image, const struct header *header)
{
    uint64_t bytes = (uint64_t)header->header_count * sizeof(struct program_header);
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if (header->headers >= segment->offset && bytes <= segment->bytes &&
            header->headers - segment->offset <= segment->bytes - bytes) {
            image->headers = segment->address + (header->headers - segment->offset);
            image->header_count = header->header_count;
        }
    }
}

enum status elf_read(const struct loader_file *file, struct elf_image *image,
                     const char **error)
{
    struct header header;
    *image = (struct elf_image){0};
    *error = "not an ELF program: it is too short";
    if (file->size < sizeof header)
        return E_NOEXEC;
    enum status status = file->read(file->context, 0, &header, sizeof header);
    *error = 0;
    if (status != OK)
        return status;
    *error = header_error(&header, file->size);
    image->entry = header.entry;
    for (uint32_t i = 0; !*error && i < header.header_count; i++) {
        struct program_header segment;
        status = file->read(file->context, header.headers + i * sizeof segment, &segment,
                            sizeof segment);
        if (status != OK)
            return status;
        if (segment.type == SEGMENT_INTERP)
            *error = "dynamically linked; link with -static";
        else if (segment.type == SEGMENT_LOAD && segment.memory_bytes > 0)
            *error = add_segment(image, &segment, file->size);
    }
    if (!*error)
        *error = image_error(image);
    if (*error)
        return E_NOEXEC;
    find_headers(image, &header);
    return OK;
}
