// The boot manifest and the archive that it comes in.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "init.h"
#include <proto/startup.h>

static bool read_text(const char *text, struct manifest *manifest, const char **error,
                      uint32_t *line)
{
    // A buffer of exactly its size: reading beyond the end is found.
    size_t size = strlen(text);
    char *copy = malloc(size ? size : 1);
    memcpy(copy, text, size);
    const struct blob blob = {(const uint8_t *)copy, size};
    bool good = manifest_read(&blob, manifest, error, line);
    free(copy);
    return good;
}

static void reads_servers_and_grants(void **state)
{
    (void)state;
    struct manifest m;
    const char *error;
    uint32_t line;
    assert_true(
        read_text("# comment\n\n  timer 50 debug pit=port:0x40+4 pit-irq=irq:0\n"
                  "files 44 cpu=3 initrd vga=frame:0xb8000+0x8000 manages=timer manages=memory",
                  &m, &error, &line));
    assert_int_equal(m.count, 2);
    const struct server_plan *timer = &m.plans[0], *files = &m.plans[1];
    assert_string_equal(timer->name, "timer");
    assert_int_equal(timer->priority, 50);
    assert_int_equal(timer->grant_count, 3);
    assert_int_equal(timer->grants[0].kind, KIND_DEBUG);
    assert_int_equal(timer->grants[1].kind, KIND_IOPORT);
    assert_string_equal(timer->grants[1].name, "pit");
    assert_int_equal(timer->grants[1].first, 0x40);
    assert_int_equal(timer->grants[1].count, 4);
    assert_int_equal(timer->grants[2].kind, KIND_IRQ);
    assert_int_equal(timer->grants[2].count, 1);
    assert_int_equal(timer->cpu, 0);
    assert_int_equal(files->cpu, 3);
    assert_int_equal(files->grants[1].first, 0xb8000);
    assert_int_equal(files->grants[1].flags, MAP_COMBINE);
    assert_int_equal(files->manages, 1 << STARTUP_SLOT_TIMER | 1 << STARTUP_SLOT_MEMORY);
}

static void says_what_is_wrong_and_where(void **state)
{
    (void)state;
    const struct {
        const char *text, *error;
        uint32_t line;
    } cases[] = {
        {"", "no server", 1},
        {"# nothing\n", "no server", 2},
        {"timer\n", "priority", 1},
        {"timer sixty\n", "priority", 1},
        {"timer 60\n", "priority", 1},
        {"timer 99999999999999999999\n", "priority", 1},
        {"\ntimer 50 what\n", "unknown", 2},
        {"timer 50 x=irq\n", "LABEL=irq", 1},
        {"timer 50 x=irq:\n", "number", 1},
        {"timer 50 x=port:1+0\n", "number", 1},
        {"timer 50 x=port:0x\n", "number", 1},
        {"timer 50 x=disk:1\n", "irq, a port", 1},
        {"timer 50 =irq:1\n", "label", 1},
        {"timer 50 cpu=8\n", "0 to 7", 1},
        {"timer 50 manages=nobody\n", "names no server", 1},
        {"a-name-that-is-longer-than-what-there-is-room-for 50\n", "31", 1},
        {"a 40\nb 41\n", "higher", 2},
        {"a 9\nb 9\nc 9\nd 9\ne 9\nf 9\ng 9\nh 9\ni 9\n", "too many", 9},
        {"a 9 b=irq:1 b=irq:1 b=irq:1 b=irq:1 b=irq:1 b=irq:1 b=irq:1 b=irq:1 b=irq:1 b=irq:1 "
         "b=irq:1 b=irq:1 b=irq:1\n",
         "too many grants", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct manifest m;
        const char *error = "";
        uint32_t line = 0;
        assert_false(read_text(cases[i].text, &m, &error, &line));
        assert_non_null(strstr(error, cases[i].error));
        assert_int_equal(line, cases[i].line);
    }
}

static void the_one_in_the_tree_is_good(void **state)
{
    (void)state;
    struct manifest m;
    const char *error = "";
    uint32_t line = 0;
    char text[8192] = {0};
    FILE *file = fopen(MANIFEST, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    if (!read_text(text, &m, &error, &line))
        fail_msg("line %u: %s", line, error);
    assert_true(m.count >= 4);
}

static void add(uint8_t *archive, size_t *at, const char *name, const char *contents)
{
    uint8_t *header = archive + *at;
    memset(header, 0, 512);
    strcpy((char *)header, name);
    snprintf((char *)header + 124, 12, "%011o", (unsigned)strlen(contents));
    header[156] = '0';
    memcpy(header + 512, contents, strlen(contents));
    *at += 512 + (strlen(contents) + 511) / 512 * 512;
}

static void finds_files_in_an_archive(void **state)
{
    (void)state;
    static uint8_t bytes[8192];
    size_t at = 0;
    add(bytes, &at, "boot/manifest", "timer 50\n");
    add(bytes, &at, "sbin/timer", "ELF");
    struct blob archive = {bytes, at + 1024}, file;
    assert_true(initrd_find(&archive, "sbin/timer", &file));
    assert_int_equal(file.size, 3);
    assert_memory_equal(file.bytes, "ELF", 3);
    assert_false(initrd_find(&archive, "sbin/time", &file));
    assert_false(initrd_find(&archive, "sbin/timer2", &file));
    for (archive.size = 0; archive.size < 1536; archive.size += 100) // cut off
        assert_false(initrd_find(&archive, "sbin/timer", &file));
    archive.size = at;
    memcpy(bytes + 124, "77777777777", 11); // reaches beyond the end
    assert_false(initrd_find(&archive, "sbin/timer", &file));
    memcpy(bytes + 124, "x", 1);
    assert_false(initrd_find(&archive, "sbin/timer", &file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_servers_and_grants),
        cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(the_one_in_the_tree_is_good),
        cmocka_unit_test(finds_files_in_an_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
