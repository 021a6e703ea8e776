/* Jacobi's method on a plane: each point becomes the mean of itself and its four neighbours. */
#include "work.h"

enum { N = 350 };

static double a[N][N], b[N][N];

static void relax(double from[N][N], double to[N][N])
{
    for (int i = 1; i < N - 1; i++)
        for (int j = 1; j < N - 1; j++)
            to[i][j] = 0.2 * (from[i][j] + from[i][j - 1] + from[i][j + 1] + from[i - 1][j] +
                              from[i + 1][j]);
}

int main(int argc, char **argv)
{
    int rounds = work_amount(argc, argv, 300);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)(i * (j + 2) + 2) / N;
            b[i][j] = (double)(i * (j + 3) + 3) / N;
        }
    for (int i = 0; i < rounds; i++) {
        relax(a, b);
        relax(b, a);
    }
    return work_print(a, sizeof a);
}
