/// Bytes and text for servers without libc: what the compiler expects to find, under its usual
/// names. Programs over newlib use newlib's.
#pragma once

#include <stdbool.h>
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);

static inline bool text_equal(const char *a, const char *b)
{
    size_t size = strlen(a);
    return size == strlen(b) && memcmp(a, b, size) == 0;
}

/// Copies and terminates; what does not fit is cut off.
static inline void text_copy(char *to, size_t max, const char *from)
{
    size_t size = strlen(from);
    if (size >= max)
        size = max - 1;
    memcpy(to, from, size);
    to[size] = 0;
}
