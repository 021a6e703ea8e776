// The functions that compilers call on their own, for servers. In an object of its own that
// only plain servers link: newlib brings faster ones.
#include <lib/kept.h>
#include <lib/text.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *start = to;
    kept_note(to, size);
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t size)
{
    if ((size_t)((char *)to - (const char *)from) >= size)
        return memcpy(to, from, size);
    kept_note(to, size);
    char *last = (char *)to + size - 1;
    const char *source = (const char *)from + size - 1;
    __asm__ volatile("std; rep movsb; cld" : "+D"(last), "+S"(source), "+c"(size) : : "memory");
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    void *start = to;
    kept_note(to, size);
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *x = a, *y = b;
    for (; size; size--, x++, y++) {
        if (*x != *y)
            return *x - *y;
    }
    return 0;
}

size_t strlen(const char *text)
{
    const char *end = text;
    while (*end)
        end++;
    return (size_t)(end - text);
}
