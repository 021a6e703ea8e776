// sha256sum: FIPS 180-4.
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "tools.h"

#define BLOCK 64

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[BLOCK];
};

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
};

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value >> by | value << (32 - by);
}

static void transform(uint32_t state[8], const uint8_t block[BLOCK])
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] +
               (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
                      ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
        uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
                      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

static void add(struct sha256 *sha, const uint8_t *bytes, size_t count)
{
    while (count > 0) {
        size_t at = sha->bytes % BLOCK, step = BLOCK - at < count ? BLOCK - at : count;
        memcpy(sha->block + at, bytes, step);
        sha->bytes += step;
        bytes += step;
        count -= step;
        if (sha->bytes % BLOCK == 0)
            transform(sha->state, sha->block);
    }
}

static void finish(struct sha256 *sha)
{
    uint64_t bits = sha->bytes * 8;
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    add(sha, (const uint8_t *)"\x80", 1);
    while (sha->bytes % BLOCK != BLOCK - sizeof length)
        add(sha, (const uint8_t *)"", 1);
    add(sha, length, sizeof length);
}

static int sum_one(const char *path)
{
    static uint8_t buffer[COPY_BYTES];
    struct sha256 sha = {{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                          0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
                         0,
                         {0}};
    int fd = open_input(path);
    ssize_t count;
    if (fd < 0)
        return 1;
    while ((count = read(fd, buffer, sizeof buffer)) > 0)
        add(&sha, buffer, (size_t)count);
    close_input(fd);
    if (count < 0)
        return fail(path);
    finish(&sha);
    for (int i = 0; i < 8; i++)
        printf("%08lx", (unsigned long)sha.state[i]);
    printf("  %s\n", path);
    return 0;
}

int tool_sha256sum(int argc, char **argv)
{
    unsigned options;
    int first, status = 0;
    if (!take_options(argc, argv, "", &options, &first))
        return usage("[FILE...]");
    if (first == argc)
        return sum_one("-");
    for (int i = first; i < argc; i++)
        status |= sum_one(argv[i]);
    return status;
}
