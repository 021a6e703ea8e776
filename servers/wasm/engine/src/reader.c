/* Reading the binary format; see reader.h. */
#include "reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void fail(struct wasm_failure *failure, enum wasm_status status, size_t offset,
                           const char *format, va_list args)
{
    struct wasm_error *error = failure->error;
    int used = failure->function < 0
                   ? snprintf(error->text, sizeof error->text,
                              "%s, offset 0x%zx: ", failure->section, offset)
                   : snprintf(error->text, sizeof error->text,
                              "%s, offset 0x%zx (function %lld): ", failure->section, offset,
                              (long long)failure->function);
    vsnprintf(error->text + used, sizeof error->text - (size_t)used, format, args);
    error->status = status;
    error->offset = offset;
    longjmp(failure->jump, 1);
}

_Noreturn void wasm_fail_at(struct wasm_failure *failure, enum wasm_status status,
                            size_t offset, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(failure, status, offset, format, args);
}

_Noreturn void wasm_malformed(const struct wasm_reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(r->failure, WASM_MALFORMED, wasm_reader_offset(r), format, args);
}

_Noreturn void wasm_no_memory(struct wasm_failure *failure)
{
    wasm_fail_at(failure, WASM_NO_MEMORY, 0, "out of host memory");
}

/* An unsigned or signed LEB128 of at most `bits` bits (specification 5.2.2): no more than
 * ceil(bits / 7) bytes, and the unused bits of the last one must be zeros or the sign. */
static uint64_t read_leb(struct wasm_reader *r, unsigned bits, bool is_signed)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    for (;;) {
        byte = wasm_read_byte(r);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (shift + 7 >= bits)
            break;
        shift += 7;
        if (!(byte & 0x80)) {
            if (is_signed && (byte & 0x40))
                value |= ~(uint64_t)0 << shift;
            return value;
        }
    }
    if (byte & 0x80)
        wasm_malformed(r, "integer representation too long");
    unsigned used = bits - shift; /* meaningful bits of the last byte, 1 to 7 */
    if (!is_signed) {
        if (byte >> used)
            wasm_malformed(r, "integer too large");
        return value;
    }
    uint8_t sign = (uint8_t)(0x7f & (~0u << (used - 1))); /* sign bit and those above */
    if ((byte & sign) != 0 && (byte & sign) != sign)
        wasm_malformed(r, "integer too large");
    if ((byte & sign) && shift + 7 < 64)
        value |= ~(uint64_t)0 << (shift + 7);
    return value;
}

uint32_t wasm_read_u32_long(struct wasm_reader *r)
{
    return (uint32_t)read_leb(r, 32, false);
}

int32_t wasm_read_s32(struct wasm_reader *r)
{
    return (int32_t)read_leb(r, 32, true);
}

int64_t wasm_read_s33(struct wasm_reader *r)
{
    return (int64_t)read_leb(r, 33, true);
}

int64_t wasm_read_s64(struct wasm_reader *r)
{
    return (int64_t)read_leb(r, 64, true);
}

const uint8_t *wasm_read_bytes(struct wasm_reader *r, size_t size)
{
    if (size > (size_t)(r->end - r->at))
        wasm_malformed(r, "unexpected end");
    const uint8_t *bytes = r->at;
    r->at += size;
    return bytes;
}

uint64_t wasm_read_fixed(struct wasm_reader *r, unsigned size)
{
    const uint8_t *bytes = wasm_read_bytes(r, size);
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

bool wasm_utf8_valid(const uint8_t *s, size_t length)
{
    for (size_t i = 0; i < length;) {
        uint8_t lead = s[i++];
        if (lead < 0x80)
            continue;
        unsigned more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
        if (lead < 0xc2 || lead > 0xf4 || more > length - i)
            return false;
        /* The first continuation byte excludes overlong forms, surrogates and > 10FFFF. */
        uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (s[i] < low || s[i] > high)
            return false;
        for (unsigned k = 1; k < more; k++)
            if ((s[i + k] & 0xc0) != 0x80)
                return false;
        i += more;
    }
    return true;
}

struct wasm_name wasm_read_name(struct wasm_reader *r)
{
    uint32_t length = wasm_read_u32(r);
    const uint8_t *bytes = wasm_read_bytes(r, length);
    if (!wasm_utf8_valid(bytes, length))
        wasm_malformed(r, "malformed UTF-8 encoding");
    return (struct wasm_name){(const char *)bytes, length};
}

void *wasm_grow(struct wasm_failure *failure, void *array, size_t count, size_t *capacity,
                size_t size)
{
    if (count < *capacity)
        return array;
    size_t grown = *capacity ? *capacity * 2 : 16;
    while (grown <= count)
        grown *= 2;
    void *moved = realloc(array, grown * size);
    if (!moved)
        wasm_no_memory(failure);
    *capacity = grown;
    return moved;
}
