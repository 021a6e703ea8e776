/* The Mandelbrot set, a byte for each point: an f64 loop with an unpredictable end. */
#include "work.h"

enum { WIDTH = 400, HEIGHT = 300 };

static uint8_t picture[HEIGHT][WIDTH];

static uint8_t escape(double x, double y, int limit)
{
    double re = 0, im = 0;
    int turns = 0;
    while (turns < limit && re * re + im * im <= 4) {
        double next = re * re - im * im + x;
        im = 2 * re * im + y;
        re = next;
        turns++;
    }
    return (uint8_t)turns;
}

int main(int argc, char **argv)
{
    int limit = work_amount(argc, argv, 1000);
    for (int row = 0; row < HEIGHT; row++)
        for (int column = 0; column < WIDTH; column++)
            picture[row][column] =
                escape(-2.0 + 3.0 * column / WIDTH, -1.0 + 2.0 * row / HEIGHT, limit);
    return work_print(picture, sizeof picture);
}
