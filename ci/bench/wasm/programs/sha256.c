/* SHA-256 (FIPS 180-4): rotations and 32-bit arithmetic on many live values. The constants are
 * computed, as the standard defines them: fractions of roots of the first primes. */
#include <math.h>
#include "work.h"

enum { BLOCK = 64, ROUNDS = 64, BYTES = 1 << 20 };

static uint32_t constants[ROUNDS], state[8];
static uint8_t message[BYTES];

static uint32_t rotate(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

/* floor(2^32 * frac(the root of `prime`)): the largest x with x^power <= prime * 2^(32 power)
 * is the root as a fixed-point number, and its low half the fraction. */
static uint32_t root_fraction(uint32_t prime, int power)
{
    uint64_t low = 0, high = (uint64_t)20 << 32;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        unsigned __int128 value = 1;
        for (int i = 0; i < power; i++)
            value *= middle;
        if (value <= (unsigned __int128)prime << (32 * power))
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)low;
}

static void prepare(void)
{
    uint32_t prime = 2;
    for (int found = 0; found < ROUNDS; prime++) {
        uint32_t divisor = 2;
        while (prime % divisor != 0)
            divisor++;
        if (divisor != prime)
            continue;
        constants[found] = root_fraction(prime, 3);
        if (found < 8)
            state[found] = root_fraction(prime, 2);
        found++;
    }
}

static void hash_block(const uint8_t *bytes)
{
    uint32_t w[ROUNDS];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)bytes[4 * i] << 24 | (uint32_t)bytes[4 * i + 1] << 16 |
               (uint32_t)bytes[4 * i + 2] << 8 | bytes[4 * i + 3];
    for (int i = 16; i < ROUNDS; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                      ((e & f) ^ (~e & g)) + constants[i] + w[i];
        uint32_t t2 =
            (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    uint32_t sum[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++)
        state[i] += sum[i];
}

int main(int argc, char **argv)
{
    int rounds = work_amount(argc, argv, 16);
    uint32_t seed = 1;
    for (int i = 0; i < BYTES; i++)
        message[i] = (uint8_t)work_random(&seed);
    prepare();
    for (int i = 0; i < rounds; i++)
        for (int at = 0; at < BYTES; at += BLOCK)
            hash_block(message + at);
    /* The padding block of rounds * BYTES bytes. */
    uint64_t bits = (uint64_t)rounds * BYTES * 8;
    uint8_t last[BLOCK] = {0x80};
    for (int i = 0; i < 8; i++)
        last[BLOCK - 1 - i] = (uint8_t)(bits >> (8 * i));
    hash_block(last);
    for (int i = 0; i < 8; i++)
        printf("%08x", (unsigned)state[i]);
    printf("\n");
    return 0;
}
