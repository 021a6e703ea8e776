/// See options.h. QEMU's fw_cfg device: a selector, a port of bytes, a directory.

#include "options.h"
#include "guest.h"

enum {
    SELECTOR = 0x510,
    DATA = 0x511,
    SIGNATURE = 0,
    DIRECTORY = 0x19,
    NAME_AT = 8,
    ENTRY = 64
};

static uint8_t firmware_byte(void)
{
    uint64_t value = 0;
    MUST(sys_ioport(BOOT_SLOT_IOPORT, IO_BYTE, DATA, 0, &value) == OK);
    return (uint8_t)value;
}

static void firmware_select(uint32_t item)
{
    uint64_t value;
    MUST(sys_ioport(BOOT_SLOT_IOPORT, IO_OUT | IO_WORD, SELECTOR, item, &value) == OK);
}

static bool same(const uint8_t *text, const char *other)
{
    while (*text && *text == (uint8_t)*other)
        text++, other++;
    return *text == (uint8_t)*other;
}

static void read_numbers(uint32_t bytes, uint64_t *const numbers[], uint32_t count)
{
    uint32_t at = 0;
    for (uint64_t value = 0; bytes--;) {
        uint8_t c = firmware_byte();
        if (c >= '0' && c <= '9')
            value = value * 10 + c - '0';
        if ((c == ' ' || !bytes) && at < count) {
            *numbers[at++] = value;
            value = 0;
        }
    }
}

void options_read(const char *name, uint64_t *const numbers[], uint32_t count)
{
    uint8_t entry[ENTRY];
    firmware_select(SIGNATURE);
    if (firmware_byte() != 'Q')
        return;
    firmware_select(DIRECTORY);
    uint32_t files = 0;
    for (int i = 0; i < 4; i++)
        files = files << 8 | firmware_byte();
    while (files--) {
        for (uint32_t i = 0; i < ENTRY; i++)
            entry[i] = firmware_byte();
        if (!same(entry + NAME_AT, name))
            continue;
        firmware_select((uint32_t)entry[4] << 8 | entry[5]);
        read_numbers((uint32_t)entry[2] << 8 | entry[3], numbers, count);
        return;
    }
}
