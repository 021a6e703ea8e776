/* Factors a matrix into a lower and an upper triangular one, in place, without pivoting. */
#include "work.h"

enum { N = 300 };

static double a[N][N];

static void factor(void)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < i; j++) {
            for (int k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[k][j];
            a[i][j] /= a[j][j];
        }
        for (int j = i; j < N; j++)
            for (int k = 0; k < i; k++)
                a[i][j] -= a[i][k] * a[k][j];
    }
}

int main(int argc, char **argv)
{
    int rounds = work_amount(argc, argv, 12);
    uint32_t seed = 1;
    for (int round = 0; round < rounds; round++) {
        /* A dominant diagonal keeps the factors tame. */
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                a[i][j] = (double)(work_random(&seed) % 1000) / 1000 + (i == j ? N : 0);
        factor();
    }
    return work_print(a, sizeof a);
}
