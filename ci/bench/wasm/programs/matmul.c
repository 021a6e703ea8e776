/* The product of two matrices of f64 by the rule of the textbook: strided loads. */
#include "work.h"

enum { N = 250 };

static double a[N][N], b[N][N], c[N][N];

static void multiply(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
}

int main(int argc, char **argv)
{
    int rounds = work_amount(argc, argv, 15);
    uint32_t seed = 1;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)(work_random(&seed) % 1000) / 1000;
            b[i][j] = (double)(work_random(&seed) % 1000) / 1000;
        }
    for (int i = 0; i < rounds; i++) {
        multiply();
        a[i][i] = c[i][i] / 1000; /* the next round is another product */
    }
    return work_print(c, sizeof c);
}
