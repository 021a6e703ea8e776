/* Shortest paths between all pairs of nodes, by Floyd and Warshall. */
#include "work.h"

enum { N = 400 };

static int32_t path[N][N];

static void shorten(void)
{
    for (int k = 0; k < N; k++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                if (path[i][k] + path[k][j] < path[i][j])
                    path[i][j] = path[i][k] + path[k][j];
}

int main(int argc, char **argv)
{
    int rounds = work_amount(argc, argv, 1);
    uint32_t seed = 1;
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                path[i][j] = i == j ? 0 : (int32_t)(work_random(&seed) % 10000) + 1;
        shorten();
    }
    return work_print(path, sizeof path);
}
