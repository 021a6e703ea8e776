/* C = alpha A B + beta C for matrices of f64. */
#include "work.h"

enum { NI = 240, NJ = 260, NK = 280 };

static double a[NI][NK], b[NK][NJ], c[NI][NJ];

static void gemm(double alpha, double beta)
{
    for (int i = 0; i < NI; i++) {
        for (int j = 0; j < NJ; j++)
            c[i][j] *= beta;
        for (int k = 0; k < NK; k++)
            for (int j = 0; j < NJ; j++)
                c[i][j] += alpha * a[i][k] * b[k][j];
    }
}

int main(int argc, char **argv)
{
    int rounds = work_amount(argc, argv, 15);
    for (int i = 0; i < NI; i++)
        for (int k = 0; k < NK; k++)
            a[i][k] = (double)((i + 1) * (k + 2) % NK) / NK;
    for (int k = 0; k < NK; k++)
        for (int j = 0; j < NJ; j++)
            b[k][j] = (double)((k + 3) * (j + 1) % NJ) / NJ;
    for (int i = 0; i < rounds; i++)
        gemm(1.5, 0.5);
    return work_print(c, sizeof c);
}
