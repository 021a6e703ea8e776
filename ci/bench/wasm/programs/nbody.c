/* Five bodies under their own gravity, in the plain way: f64 arithmetic and square roots. */
#include <math.h>
#include "work.h"

enum { BODIES = 5 };

struct body {
    double place[3], speed[3], mass;
};

static void attract(struct body *a, struct body *b, double step)
{
    double apart[3], square = 0;
    for (int k = 0; k < 3; k++) {
        apart[k] = a->place[k] - b->place[k];
        square += apart[k] * apart[k];
    }
    double force = step / (square * sqrt(square));
    for (int k = 0; k < 3; k++) {
        a->speed[k] -= apart[k] * b->mass * force;
        b->speed[k] += apart[k] * a->mass * force;
    }
}

static void advance(struct body *bodies, double step)
{
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++)
            attract(&bodies[i], &bodies[j], step);
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            bodies[i].place[k] += step * bodies[i].speed[k];
}

/* A heavy one in the middle, the others around it at growing distances, each at the speed of a
 * circle. */
static void place(struct body *bodies)
{
    memset(bodies, 0, BODIES * sizeof *bodies);
    bodies[0].mass = 1000;
    for (int i = 1; i < BODIES; i++) {
        bodies[i].mass = 0.5 * i;
        bodies[i].place[0] = 10.0 * i;
        bodies[i].place[2] = 0.1 * i;
        bodies[i].speed[1] = sqrt(1000 / (10.0 * i));
    }
}

int main(int argc, char **argv)
{
    struct body bodies[BODIES];
    int steps = work_amount(argc, argv, 1000000);
    place(bodies);
    for (int i = 0; i < steps; i++)
        advance(bodies, 0.001);
    return work_print(bodies, sizeof bodies);
}
