/* Reading the binary format: bytes, LEB128 integers, names, and how a bad module is refused.
 *
 * Used by the decoder, the validator and, over bodies that already validated, the translator
 * and the compiler. A reader never passes its end. What is wrong is reported by wasm_fail,
 * which does not return: it jumps to the loader, which frees what was built so far. So no
 * caller checks.
 */
#ifndef WASM_READER_H
#define WASM_READER_H

#include <setjmp.h>
#include "wasm/wasm.h"

/* Where a load fails to, and what is said in front of the reason. */
struct wasm_failure {
    jmp_buf jump;
    struct wasm_error *error;
    const char *section;
    int64_t function; /* being validated, or -1 */
};

struct wasm_reader {
    const uint8_t *base; /* of the module */
    const uint8_t *at;
    const uint8_t *end;
    struct wasm_failure *failure;
};

static inline size_t wasm_reader_offset(const struct wasm_reader *r)
{
    return (size_t)(r->at - r->base);
}

/* Refuses the module: formats the reason, records `offset`, jumps. */
_Noreturn void wasm_fail_at(struct wasm_failure *failure, enum wasm_status status,
                            size_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same, at the reader's position, for a module that does not decode. */
_Noreturn void wasm_malformed(const struct wasm_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void wasm_no_memory(struct wasm_failure *failure);

uint32_t wasm_read_u32_long(struct wasm_reader *r);
int32_t wasm_read_s32(struct wasm_reader *r);
int64_t wasm_read_s33(struct wasm_reader *r);
int64_t wasm_read_s64(struct wasm_reader *r);
/* `size` bytes, little endian, size <= 8. */
uint64_t wasm_read_fixed(struct wasm_reader *r, unsigned size);
/* `size` raw bytes, borrowed. */
const uint8_t *wasm_read_bytes(struct wasm_reader *r, size_t size);
/* A length and that many bytes of well-formed UTF-8 (specification 5.2.4). */
struct wasm_name wasm_read_name(struct wasm_reader *r);
bool wasm_utf8_valid(const uint8_t *bytes, size_t length);

static inline uint8_t wasm_read_byte(struct wasm_reader *r)
{
    if (r->at == r->end)
        wasm_malformed(r, "unexpected end");
    return *r->at++;
}

static inline uint32_t wasm_read_u32(struct wasm_reader *r)
{
    if (r->at < r->end && *r->at < 0x80)
        return *r->at++;
    return wasm_read_u32_long(r);
}

/* skip.c: reads the immediates of `opcode`, an unreachable instruction of a body that
 * validated; `*dead` counts the blocks opened since the code became so. */
void wasm_skip_dead(struct wasm_reader *r, uint8_t opcode, uint32_t *dead);

/* Makes room for one more item in a growing array of `*capacity` items of `size` bytes, of
 * which `count` are used. Growth follows what was read, never what a module declares. */
void *wasm_grow(struct wasm_failure *failure, void *array, size_t count, size_t *capacity,
                size_t size);

#endif
