// What the host asks for, from QEMU's fw_cfg device (QEMU, docs/specs/fw_cfg: a selector port,
// a data port that gives the selected item byte by byte; item 0x19 is the directory of named
// items, numbers big-endian). The items' format is drawn in toolchain/boot.py.
#include <lib/ipc.h>
#include <lib/log.h>
#include <lib/region.h>
#include <lib/session.h>
#include <lib/start.h>
#include <lib/text.h>
#include <pith/status.h>
#include <proto/files.h>
#include <proto/io.h>

#include "session.h"

enum {
    SELECT = 0,
    DATA = 1,
    ITEM_SIGNATURE = 0,
    ITEM_DIRECTORY = 0x19,
    NAME_BYTES_MAX = 56,
    CHUNK = 65536,
    PLAN_BYTES_MAX = 1 << 20,
};

struct item {
    uint32_t bytes;
    uint16_t selector;
};

static uint32_t ports;
static uint16_t base;
static uint32_t input_left; // bytes of the input item, which is selected

static void select_item(uint16_t selector)
{
    uint64_t ignored;
    CHECK(sys_ioport(ports, IO_OUT | IO_WORD, base + SELECT, selector, &ignored) == OK);
}

static void read_item(void *to, uint32_t bytes)
{
    uint8_t *at = to;
    while (bytes > 0) {
        uint32_t part = bytes < IOPORT_WORDS ? bytes : IOPORT_WORDS;
        uint64_t ignored;
        CHECK(sys_ioport(ports, IO_BYTE | IO_REPEAT, base + DATA, part, &ignored) == OK);
        memcpy(at, ipc_buffer()->io, part);
        at += part;
        bytes -= part;
    }
}

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

static bool find_item(const char *name, struct item *item)
{
    uint8_t count[4], entry[8 + NAME_BYTES_MAX];
    select_item(ITEM_DIRECTORY);
    read_item(count, sizeof count);
    for (uint32_t i = big_endian(count); i > 0; i--) {
        read_item(entry, sizeof entry);
        entry[sizeof entry - 1] = 0;
        if (text_equal((const char *)entry + 8, name)) {
            *item = (struct item){.bytes = big_endian(entry),
                                  .selector = (uint16_t)(entry[4] << 8 | entry[5])};
            return true;
        }
    }
    return false;
}

static bool is_qemu(void)
{
    const struct startup_grant *grant = startup_grant("firmware-ports");
    char signature[4];
    if (!grant)
        return false;
    ports = grant->slot;
    base = (uint16_t)grant->first;
    select_item(ITEM_SIGNATURE);
    read_item(signature, sizeof signature);
    return memcmp(signature, "QEMU", sizeof signature) == 0;
}

// The directories that lead to `path`. What exists is fine; a real obstacle shows in the open.
static void make_parents(struct session *files, const char *path)
{
    for (uint32_t i = 1; path[i]; i++) {
        if (path[i] == '/')
            status_ignore(files_make_directory(files, 0, 0, 0755, path, i));
    }
}

static enum status copy_item(struct session *files, uint32_t handle, struct item item,
                             uint8_t *chunk)
{
    select_item(item.selector);
    while (item.bytes > 0) {
        uint32_t part = item.bytes < CHUNK ? item.bytes : CHUNK;
        read_item(chunk, part);
        for (uint32_t at = 0, written = 0; at < part; at += written) {
            enum status result = io_write(files, handle, -1, chunk + at, part - at, &written);
            if (result != OK)
                return result;
        }
        item.bytes -= part;
    }
    return OK;
}

static enum status add_file(const char *path, uint32_t number, uint8_t *chunk)
{
    struct session *files = session_to(STARTUP_SLOT_FILES);
    char name[NAME_BYTES_MAX];
    struct item item;
    uint32_t handle, service;
    text_format(name, sizeof name, "opt/pith/add/%u", number);
    if (!find_item(name, &item))
        return E_IO;
    make_parents(files, path);
    enum status result =
        files_open(files, 0, OPEN_FLAG_WRITE | OPEN_FLAG_CREATE | OPEN_FLAG_TRUNCATE, 0755,
                   path, (uint32_t)strlen(path), &handle, &service);
    if (result == OK && service != IO_SERVICE_FILES)
        return E_INVAL; // a device, which takes no file
    if (result == OK) {
        result = copy_item(files, handle, item, chunk);
        status_ignore(io_close(files, handle));
    }
    return result;
}

const char *plan_next(const struct plan *plan, const char *key, const char **at)
{
    while (*at < plan->pairs_end) {
        const char *name = *at, *value = name + strlen(name) + 1;
        if (value >= plan->pairs_end)
            return 0;
        *at = value + strlen(value) + 1;
        if (text_equal(name, key))
            return value;
    }
    return 0;
}

static void read_plan(struct plan *plan, uint8_t *chunk)
{
    const char *at = plan->pairs, *path;
    plan->run = plan_next(plan, "run", &at);
    at = plan->pairs;
    for (uint32_t i = 0; (path = plan_next(plan, "add", &at)); i++) {
        enum status result = add_file(path, i, chunk);
        if (result == OK)
            continue;
        log_line("--add: %s, %s", status_message(result), path);
        if (!plan->add_failed[0])
            text_format(plan->add_failed, sizeof plan->add_failed, "session: --add: %s, %s\n",
                        status_message(result), path);
    }
    at = plan->pairs;
    const char *input = plan_next(plan, "input", &at);
    plan->input_ended = input && text_equal(input, "end");
}

void firmware_plan(struct plan *plan)
{
    struct item item;
    if (!is_qemu() || !find_item("opt/pith/link", &item) || item.bytes >= PLAN_BYTES_MAX)
        return;
    char *text = region_alloc(item.bytes + 1, PAGE_BITS);
    uint8_t *chunk = region_alloc(CHUNK, PAGE_BITS);
    CHECK(text && chunk);
    select_item(item.selector);
    read_item(text, item.bytes);
    plan->pairs = text;
    plan->pairs_end = text + item.bytes;
    read_plan(plan, chunk);
    region_free(chunk, CHUNK);
    if (find_item("opt/pith/input", &item)) {
        select_item(item.selector);
        input_left = item.bytes;
    }
}

uint32_t firmware_input(void *to, uint32_t max)
{
    uint32_t bytes = input_left < max ? input_left : max;
    read_item(to, bytes);
    input_left -= bytes;
    return bytes;
}
