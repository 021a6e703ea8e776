// Random bytes: see lib/random.h. Used by timer, which gathers entropy, and by files, whose
// /dev/random is seeded from there.
#include <lib/random.h>
#include <lib/text.h>

#define KEY_WORDS   8u
#define BLOCK_WORDS 16u
#define BLOCK_BYTES (BLOCK_WORDS * 4u)

static uint32_t rotate(uint32_t value, uint32_t by)
{
    return value << by | value >> (32 - by);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

void random_block(const uint32_t key[8], uint32_t counter, uint32_t out[16])
{
    uint32_t start[BLOCK_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(start + 4, key, KEY_WORDS * sizeof *key);
    start[12] = counter;
    memcpy(out, start, sizeof start);
    for (int i = 0; i < 10; i++) {
        for (int column = 0; column < 4; column++)
            quarter_round(&out[column], &out[column + 4], &out[column + 8], &out[column + 12]);
        quarter_round(&out[0], &out[5], &out[10], &out[15]);
        quarter_round(&out[1], &out[6], &out[11], &out[12]);
        quarter_round(&out[2], &out[7], &out[8], &out[13]);
        quarter_round(&out[3], &out[4], &out[9], &out[14]);
    }
    for (uint32_t i = 0; i < BLOCK_WORDS; i++)
        out[i] += start[i];
}

void random_mix(struct random *random, const uint64_t words[4])
{
    uint32_t block[BLOCK_WORDS];
    for (uint32_t i = 0; i < 4; i++) {
        random->key[2 * i] ^= (uint32_t)words[i];
        random->key[2 * i + 1] ^= (uint32_t)(words[i] >> 32);
    }
    random_block(random->key, 0, block);
    memcpy(random->key, block, sizeof random->key);
}

void random_bytes(struct random *random, void *to, size_t bytes)
{
    uint32_t block[BLOCK_WORDS];
    uint32_t key[KEY_WORDS];
    memcpy(key, random->key, sizeof key);
    random_block(key, 0, block); // block 0 is the next key
    memcpy(random->key, block, sizeof random->key);
    uint8_t *at = to;
    for (uint32_t counter = 1; bytes > 0; counter++) {
        size_t step = bytes < BLOCK_BYTES ? bytes : BLOCK_BYTES;
        random_block(key, counter, block);
        memcpy(at, block, step);
        at += step;
        bytes -= step;
    }
}
