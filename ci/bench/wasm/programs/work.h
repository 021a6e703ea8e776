/* What the programs written here share: how much they do, and how they say what came out. */
#ifndef WORK_H
#define WORK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first argument, or `usual` without one. */
static inline int work_amount(int argc, char **argv, int usual)
{
    return argc > 1 ? atoi(argv[1]) : usual;
}

/* The next number of a fixed sequence. */
static inline uint32_t work_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

/* Prints a hash of the bytes: every engine must print the same. */
static inline int work_print(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 1099511628211u;
    printf("%08x%08x\n", (unsigned)(hash >> 32), (unsigned)hash);
    return 0;
}

#endif
