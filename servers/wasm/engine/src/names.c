/* Function names for backtraces: the name section (specification, appendix "Custom Sections"),
 * else an export. Read only when a trap is described, so that a module's load costs nothing;
 * nothing in the section is trusted. */
#include "module.h"

#include <string.h>

void wasm_name_copy(struct wasm_name name, char *text, size_t size)
{
    size_t length = name.length < size - 1 ? name.length : size - 1;
    while (length > 0 && length < name.length && (name.bytes[length] & 0xc0) == 0x80)
        length--; /* no part of a character */
    const uint8_t *bytes = (const uint8_t *)name.bytes;
    /* A name section may hold anything; a terminal may take single bytes for characters. */
    bool utf8 = wasm_utf8_valid(bytes, length);
    for (size_t i = 0; i < length; i++) {
        /* U+0080 to U+009F, of two bytes, are control characters too. */
        bool c1 = utf8 && bytes[i] == 0xc2 && bytes[i + 1] < 0xa0;
        bool control = c1 || bytes[i] < 0x20 || bytes[i] == 0x7f || (bytes[i] >= 0x80 && !utf8);
        *text++ = control ? '?' : (char)bytes[i];
        i += c1;
    }
    *text = 0;
}

/* Looks `index` up in the function subsection [r->at, r->end). */
static bool find_in_map(struct wasm_reader *r, uint32_t index, struct wasm_name *name)
{
    uint32_t count = wasm_read_u32(r);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t function = wasm_read_u32(r);
        uint32_t length = wasm_read_u32(r);
        const uint8_t *bytes = wasm_read_bytes(r, length);
        if (function == index) {
            *name = (struct wasm_name){(const char *)bytes, length};
            return true;
        }
    }
    return false;
}

static bool find_in_section(const struct wasm_module *m, uint32_t index, struct wasm_name *name)
{
    enum { FUNCTION_NAMES = 1 };
    struct wasm_error ignored;
    struct wasm_failure failure = {
        .error = &ignored, .section = "name section", .function = -1};
    if (setjmp(failure.jump) != 0)
        return false; /* a malformed name section only costs its names */
    struct wasm_reader r = {m->bytes, m->bytes + m->names, m->bytes + m->names_end, &failure};
    while (r.at < r.end) {
        uint8_t id = wasm_read_byte(&r);
        uint32_t size = wasm_read_u32(&r);
        struct wasm_reader part = r;
        part.at = wasm_read_bytes(&r, size);
        part.end = r.at;
        if (id == FUNCTION_NAMES)
            return find_in_map(&part, index, name);
    }
    return false;
}

void wasm_function_name(const struct wasm_module *m, uint32_t index, char *text, size_t size)
{
    struct wasm_name name = {"", 0};
    if (m->names && find_in_section(m, index, &name)) {
        wasm_name_copy(name, text, size);
        return;
    }
    for (size_t i = 0; i < m->exports.count; i++) {
        const struct wasm_export_def *e = &m->exports.items[i];
        if (e->kind == WASM_EXTERN_FUNC && e->index == index)
            name = e->name;
    }
    wasm_name_copy(name, text, size);
}
