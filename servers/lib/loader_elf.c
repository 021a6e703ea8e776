// Which ELF images run: see loader_parse in lib/loader.h. Nothing in the file is believed
// before it is checked; it may be anything. Numbers and layouts: System V ABI, chapters 4
// and 5.
#include <lib/loader.h>
#include <proto/memory.h>

struct elf_header {
    uint8_t magic[4];
    uint8_t width; // 2: 64 bits
    uint8_t order; // 1: little-endian
    uint8_t version;
    uint8_t ident[9];
    uint16_t type;    // 2: executable at fixed addresses
    uint16_t machine; // 62: x86-64
    uint32_t version2;
    uint64_t entry;
    uint64_t headers;
    uint64_t sections;
    uint32_t flags;
    uint16_t header_bytes;
    uint16_t program_header_bytes;
    uint16_t program_header_count;
    uint16_t rest[3];
};
_Static_assert(sizeof(struct elf_header) == 64, "ELF header");

struct elf_program_header {
    uint32_t type;
    uint32_t flags; // 1 execute, 2 write, 4 read
    uint64_t offset;
    uint64_t address;
    uint64_t physical;
    uint64_t file_bytes;
    uint64_t bytes;
    uint64_t align;
};
_Static_assert(sizeof(struct elf_program_header) == 56, "ELF program header");

enum {
    TYPE_LOAD = 1,
    TYPE_DYNAMIC = 2,
    TYPE_INTERPRETER = 3,
    FLAG_EXECUTE = 1,
    FLAG_WRITE = 2,
    FLAG_READ = 4,
};

/// Null: good.
static const char *check_header(const struct elf_header *h, uint64_t file_bytes)
{
    if (__builtin_memcmp(h->magic,
                         "\x7f"
                         "ELF",
                         4))
        return "no ELF file";
    if (h->width != 2 || h->order != 1 || h->version != 1 || h->machine != 62)
        return "not for x86-64";
    if (h->type != 2)
        return "not a static executable at fixed addresses";
    if (h->program_header_bytes != sizeof(struct elf_program_header) ||
        h->program_header_count == 0 || h->program_header_count > LOADER_SEGMENTS)
        return "program headers malformed, or too many";
    uint64_t bytes = (uint64_t)h->program_header_count * sizeof(struct elf_program_header);
    if (h->headers > file_bytes || bytes > file_bytes - h->headers)
        return "program headers beyond the end of the file";
    return 0;
}

static uint32_t protection_of(uint32_t flags)
{
    return (flags & FLAG_READ ? PROTECTION_READ : 0) |
           (flags & FLAG_WRITE ? PROTECTION_WRITE : 0) |
           (flags & FLAG_EXECUTE ? PROTECTION_EXECUTE : 0);
}

static const char *check_load(const struct elf_program_header *p, uint64_t file_bytes,
                              uint64_t free_from)
{
    if (p->file_bytes > p->bytes)
        return "a segment is larger in the file than in memory";
    if (p->offset > file_bytes || p->file_bytes > file_bytes - p->offset)
        return "a segment lies beyond the end of the file";
    if (p->address < LOADER_IMAGE_START || p->address > LOADER_IMAGE_END ||
        p->bytes > LOADER_IMAGE_END - p->address)
        return "a segment lies outside the addresses for images";
    if ((p->address & ~4095ul) < free_from)
        return "segments out of order, or two on one page";
    if (p->flags & FLAG_WRITE && p->flags & FLAG_EXECUTE)
        return "a segment is writable and executable";
    return 0;
}

/// Adds a loadable segment. Null: good.
static const char *add_load(const struct elf_header *h, const struct elf_program_header *p,
                            uint64_t file_bytes, struct loader_image *image)
{
    uint64_t free_from = 0;
    if (image->segment_count) {
        const struct loader_segment *before = &image->segments[image->segment_count - 1];
        free_from = (before->address + before->bytes + 4095) & ~4095ul;
    }
    const char *wrong = check_load(p, file_bytes, free_from);
    if (wrong || !p->bytes)
        return wrong;
    image->segments[image->segment_count++] = (struct loader_segment){
        p->address, p->bytes, p->offset, p->file_bytes, protection_of(p->flags)};
    if (h->headers >= p->offset && h->headers - p->offset < p->file_bytes) {
        uint64_t bytes = (uint64_t)h->program_header_count * sizeof *p;
        if (bytes <= p->file_bytes - (h->headers - p->offset)) {
            image->headers = p->address + (h->headers - p->offset);
            image->header_count = h->program_header_count;
        }
    }
    return 0;
}

static const char *check_entry(uint64_t entry, const struct loader_image *image)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct loader_segment *s = &image->segments[i];
        if (s->protection & PROTECTION_EXECUTE && entry >= s->address &&
            entry - s->address < s->bytes)
            return 0;
    }
    return "the entry is in no executable segment";
}

enum status loader_parse(const struct loader_source *source, struct loader_image *image,
                         const char **what)
{
    struct elf_header h;
    struct elf_program_header p[LOADER_SEGMENTS];
    *image = (struct loader_image){0};
    *what = "shorter than an ELF header";
    if (source->bytes < sizeof h)
        return E_NOEXEC;
    *what = "cannot be read";
    enum status result = source->read(source->context, 0, &h, sizeof h);
    if (result != OK)
        return result;
    *what = check_header(&h, source->bytes);
    if (*what)
        return E_NOEXEC;
    *what = "cannot be read";
    result = source->read(source->context, h.headers, p,
                          h.program_header_count * (uint32_t)sizeof *p);
    if (result != OK)
        return result;
    *what = 0;
    for (uint32_t i = 0; i < h.program_header_count && !*what; i++) {
        if (p[i].type == TYPE_LOAD)
            *what = add_load(&h, &p[i], source->bytes, image);
        else if (p[i].type == TYPE_DYNAMIC || p[i].type == TYPE_INTERPRETER)
            *what = "dynamically linked";
    }
    if (!*what)
        *what = check_entry(h.entry, image);
    image->entry = h.entry;
    return *what ? E_NOEXEC : OK;
}
