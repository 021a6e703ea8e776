// Which images the loader takes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "elf.h"
#include <proto/memory.h>

enum {
    IMAGE_BYTES = 0x3000,
    HEADERS = 64,
};

static unsigned char file[IMAGE_BYTES];
static size_t file_bytes;

static enum status read_file(void *context, uint64_t offset, void *to, uint32_t bytes)
{
    (void)context;
    assert_true(offset <= file_bytes && bytes <= file_bytes - offset);
    memcpy(to, file + offset, bytes);
    return OK;
}

static void put(size_t at, uint64_t value, size_t bytes)
{
    memcpy(file + at, &value, bytes);
}

static void program_header(int index, uint32_t type, uint32_t flags, uint64_t offset,
                           uint64_t address, uint64_t in_file, uint64_t bytes)
{
    size_t at = HEADERS + (size_t)index * 56;
    put(at, type, 4);
    put(at + 4, flags, 4);
    put(at + 8, offset, 8);
    put(at + 16, address, 8);
    put(at + 32, in_file, 8);
    put(at + 40, bytes, 8);
}

/// Code with the headers, constants, data with bss; a TLS header.
static int start(void **state)
{
    (void)state;
    memset(file, 0, sizeof file);
    file_bytes = sizeof file;
    memcpy(file, "\177ELF\002\001\001", 7);
    put(16, 2, 2);
    put(18, 62, 2);
    put(24, 0x401000, 8);
    put(32, HEADERS, 8);
    put(54, 56, 2);
    put(56, 4, 2);
    program_header(0, 1, 5, 0, 0x400000, 0x1800, 0x1800);
    program_header(1, 1, 4, 0x1800, 0x402800, 0x100, 0x100);
    program_header(2, 1, 6, 0x2000, 0x403f00, 0x1000, 0x9000);
    program_header(3, 7, 4, 0x2000, 0x403f00, 0x10, 0x20);
    return 0;
}

static enum status parse(struct elf_image *image, const char **error)
{
    const struct loader_file source = {read_file, NULL, file_bytes};
    return elf_read(&source, image, error);
}

static void refused(const char *part)
{
    struct elf_image image;
    const char *error;
    assert_int_equal(parse(&image, &error), E_NOEXEC);
    assert_non_null(error);
    if (!strstr(error, part))
        fail_msg("'%s' does not say '%s'", error, part);
}

static void takes_a_good_image(void **state)
{
    (void)state;
    struct elf_image image;
    const char *error;
    assert_int_equal(parse(&image, &error), OK);
    assert_int_equal(image.segment_count, 3);
    assert_true(image.entry == 0x401000 && image.headers == 0x400040 &&
                image.header_count == 4);
    assert_int_equal(image.segments[0].protection, PROTECTION_READ | PROTECTION_EXECUTE);
    assert_int_equal(image.segments[1].protection, PROTECTION_READ);
    const struct elf_segment *data = &image.segments[2];
    assert_int_equal(data->protection, PROTECTION_READ | PROTECTION_WRITE);
    assert_true(data->start == 0x403000 && data->file_end == 0x405000 && data->end == 0x40d000);
}

static void refuses_bad_ones(void **state)
{
    const struct {
        size_t at;
        uint64_t value;
        size_t bytes;
        const char *error;
    } cases[] = {
        {0, 0, 1, "not an ELF"},
        {4, 1, 1, "x86-64"},
        {5, 2, 1, "x86-64"},
        {18, 183, 2, "x86-64"},
        {16, 3, 2, "-no-pie"},
        {16, 1, 2, "no program"},
        {54, 32, 2, "malformed"},
        {56, 0, 2, "malformed"},
        {56, 0xffff, 2, "malformed"},
        {32, UINT64_MAX, 8, "beyond the end"},
        {32, IMAGE_BYTES - 1, 8, "beyond the end"},
        {24, 0x402800, 8, "entry"},
        {24, 0, 8, "entry"},
        {24, UINT64_MAX, 8, "entry"},
        {HEADERS + 4, 7, 4, "writable and executable"},
        {HEADERS + 8, UINT64_MAX, 8, "beyond the end of the file"},
        {HEADERS + 32, 0x1801, 8, "more bytes in the file"},
        {HEADERS + 16, 0, 8, "outside of the addresses"},
        {HEADERS + 16, 0x8000000000000000, 8, "outside of the addresses"},
        {HEADERS + 40, UINT64_MAX, 8, "outside of the addresses"},
        {HEADERS + 40, 0x2801, 8, "share a page"},
        {HEADERS + 56 + 16, 0x300000, 8, "out of order"},
        {HEADERS + 3 * 56, 3, 4, "dynamically linked"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(state);
        put(cases[i].at, cases[i].value, cases[i].bytes);
        refused(cases[i].error);
    }
    for (size_t bytes = 0; bytes < IMAGE_BYTES; bytes += 61) {
        start(state);
        file_bytes = bytes;
        refused(bytes < 64 ? "too short" : "beyond the end");
    }
}

/// Whatever is in the file: reads stay inside it, and what is accepted keeps what the loader
/// relies on.
static void noise(void **state)
{
    srand(1);
    unsigned accepted = 0;
    for (int round = 0; round < 50000; round++) {
        start(state);
        for (int i = rand() % 6; i >= 0; i--)
            file[(size_t)rand() % (HEADERS + 4 * 56)] =
                (unsigned char)(rand() % 3 ? rand() : 1 << rand() % 8);
        struct elf_image image;
        const char *error;
        if (parse(&image, &error) != OK) {
            assert_non_null(error);
            continue;
        }
        accepted++;
        uint64_t free_from = ELF_LOW;
        for (uint32_t i = 0; i < image.segment_count; i++) {
            const struct elf_segment *s = &image.segments[i];
            assert_true(s->start >= free_from && s->end <= ELF_HIGH && s->file_end <= s->end);
            assert_true(s->offset + s->bytes <= file_bytes &&
                        s->address + s->bytes <= s->file_end + !s->bytes * 4096);
            assert_true((s->protection & 6) != 6);
            free_from = s->end;
        }
    }
    assert_true(accepted > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(takes_a_good_image, start),
        cmocka_unit_test_setup(refuses_bad_ones, start),
        cmocka_unit_test_setup(noise, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
