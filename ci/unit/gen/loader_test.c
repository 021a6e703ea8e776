// Which images the loader takes, and the start-up block that a process finds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <lib/loader.h>
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
    memcpy(file,
           "\x7f"
           "ELF\x02\x01\x01",
           7);
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

static enum status parse(struct loader_image *image, const char **what)
{
    struct loader_source source = {read_file, 0, file_bytes};
    return loader_parse(&source, image, what);
}

static void refused(const char *part)
{
    struct loader_image image;
    const char *what;
    assert_int_equal(parse(&image, &what), E_NOEXEC);
    assert_non_null(strstr(what, part));
}

static void takes_a_good_image(void **state)
{
    (void)state;
    struct loader_image image;
    const char *what;
    assert_int_equal(parse(&image, &what), OK);
    assert_int_equal(image.segment_count, 3);
    assert_true(image.entry == 0x401000 && image.headers == 0x400040 &&
                image.header_count == 4);
    assert_int_equal(image.segments[0].protection, PROTECTION_READ | PROTECTION_EXECUTE);
    assert_int_equal(image.segments[1].protection, PROTECTION_READ);
    assert_int_equal(image.segments[2].protection, PROTECTION_READ | PROTECTION_WRITE);
    assert_true(image.segments[2].bytes == 0x9000 && image.segments[2].file_bytes == 0x1000);
}

static void refuses_bad_ones(void **state)
{
    const struct {
        size_t at;
        uint64_t value;
        size_t bytes;
        const char *what;
    } cases[] = {
        {0, 0, 1, "no ELF"},
        {4, 1, 1, "x86-64"},
        {5, 2, 1, "x86-64"},
        {18, 183, 2, "x86-64"},
        {16, 3, 2, "static executable"},
        {54, 32, 2, "program headers malformed"},
        {56, 0, 2, "program headers malformed"},
        {56, 0xffff, 2, "too many"},
        {32, UINT64_MAX, 8, "beyond the end"},
        {32, IMAGE_BYTES - 1, 8, "beyond the end"},
        {24, 0x402800, 8, "entry"},
        {24, 0, 8, "entry"},
        {24, UINT64_MAX, 8, "entry"},
        {HEADERS + 4, 7, 4, "writable and executable"},
        {HEADERS + 8, UINT64_MAX, 8, "beyond the end of the file"},
        {HEADERS + 32, 0x1801, 8, "larger in the file"},
        {HEADERS + 16, 0, 8, "outside the addresses"},
        {HEADERS + 16, 0x8000000000000000, 8, "outside the addresses"},
        {HEADERS + 40, UINT64_MAX, 8, "outside the addresses"},
        {HEADERS + 40, 0x2801, 8, "two on one page"},
        {HEADERS + 56 + 16, 0x300000, 8, "out of order"},
        {HEADERS + 3 * 56, 2, 4, "dynamically linked"},
        {HEADERS + 3 * 56, 3, 4, "dynamically linked"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(state);
        put(cases[i].at, cases[i].value, cases[i].bytes);
        refused(cases[i].what);
    }
    for (size_t bytes = 0; bytes < 0x3000; bytes += 61) {
        start(state);
        file_bytes = bytes;
        refused(bytes < 64 ? "shorter" : "beyond the end");
    }
}

/// Whatever is in the file: reads stay inside it, and what is accepted keeps what loader_create
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
        struct loader_image image;
        const char *what;
        if (parse(&image, &what) != OK) {
            assert_non_null(what);
            continue;
        }
        accepted++;
        uint64_t free_from = LOADER_IMAGE_START;
        for (uint32_t i = 0; i < image.segment_count; i++) {
            const struct loader_segment *s = &image.segments[i];
            assert_true(s->address >= free_from && s->address + s->bytes <= LOADER_IMAGE_END);
            assert_true(s->file_bytes <= s->bytes && s->offset + s->file_bytes <= file_bytes);
            assert_int_not_equal(s->protection & 6, 6);
            free_from = (s->address + s->bytes + 4095) & ~4095ul;
        }
    }
    assert_true(accepted > 1000);
}

static const char *there(const void *block, uint64_t address)
{
    return (const char *)block + (address - LOADER_BLOCK_ADDRESS);
}

static void block_holds_the_plan(void **state)
{
    (void)state;
    const struct startup_descriptor descriptors[] = {{0, 2, 7, 0}, {1, 2, 8, 1}};
    const struct startup_grant grants[] = {
        {.slot = 16, .kind = KIND_IRQ, .first = 1, .count = 1, .name = "keyboard"}};
    struct loader_plan plan = {
        .pid = 12,
        .parent = 3,
        .name = "a name that is much longer than the sixty-three bytes that there are for it",
        .arguments = "ls\0-l",
        .argument_bytes = 6,
        .environment = "A=b",
        .environment_bytes = 4,
        .descriptors = descriptors,
        .descriptor_count = 2,
        .directory = 5,
        .grants = grants,
        .grant_count = 1,
        .cpu_count = 4,
        .tsc_hz = 1000,
        .stack_bytes = 65536,
    };
    struct loader_image image = {.headers = 0x400040, .header_count = 4};
    assert_int_equal(loader_block_bytes(&plan), 4096);
    _Alignas(8) static char block[4096];
    assert_true(loader_block_write(&plan, &image, 0xb0000, block));
    const struct startup *s = (const struct startup *)(void *)block;
    assert_true(s->magic == STARTUP_MAGIC && s->version == STARTUP_VERSION && s->pid == 12 &&
                s->parent == 3);
    assert_true(s->argument_count == 2 && s->environment_count == 1 &&
                s->ipc_buffer == 0xb0000);
    assert_memory_equal(there(block, s->arguments), "ls\0-l", 6);
    assert_string_equal(there(block, s->environment), "A=b");
    assert_memory_equal(there(block, s->descriptors), descriptors, sizeof descriptors);
    assert_memory_equal(there(block, s->grants), grants, sizeof grants);
    assert_int_equal(strlen(s->name), 63);
    assert_true(s->program_headers == 0x400040 && s->program_header_count == 4);

    plan.argument_bytes = 5;
    assert_false(loader_block_write(&plan, &image, 0, block));
    plan.argument_bytes = 2 << 20;
    assert_int_equal(loader_block_bytes(&plan), 0);
    plan = (struct loader_plan){.name = ""};
    assert_int_equal(loader_block_bytes(&plan), 4096);
    assert_true(loader_block_write(&plan, &image, 0, block));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(takes_a_good_image, start),
        cmocka_unit_test_setup(refuses_bad_ones, start),
        cmocka_unit_test_setup(noise, start),
        cmocka_unit_test_setup(block_holds_the_plan, start),
    };
    return cmocka_run_group_tests(tests, 0, 0);
}
