/* Quicksort of 32-bit numbers, the order given by a function: branches that no one predicts,
 * and indirect calls. */
#include "work.h"

typedef int order(const uint32_t *, const uint32_t *);

static int ascending(const uint32_t *a, const uint32_t *b)
{
    return *a < *b ? -1 : *a > *b;
}

static int by_low_half(const uint32_t *a, const uint32_t *b)
{
    uint16_t left = (uint16_t)*a, right = (uint16_t)*b;
    return left == right ? ascending(a, b) : left < right ? -1 : 1;
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

/* Sorts [first, last], the smaller part by recursion. */
static void sort(uint32_t *first, uint32_t *last, order *compare)
{
    while (first < last) {
        uint32_t pivot = first[(last - first) / 2];
        uint32_t *low = first, *high = last;
        while (low <= high) {
            while (compare(low, &pivot) < 0)
                low++;
            while (compare(high, &pivot) > 0)
                high--;
            if (low <= high)
                swap(low++, high--);
        }
        if (high - first < last - low) {
            sort(first, high, compare);
            first = low;
        } else {
            sort(low, last, compare);
            last = high;
        }
    }
}

int main(int argc, char **argv)
{
    size_t count = (size_t)work_amount(argc, argv, 300000);
    uint32_t *items = malloc((count + 1) * sizeof *items), seed = 1;
    order *volatile orders[] = {ascending, by_low_half};
    for (size_t i = 0; i < count; i++)
        items[i] = work_random(&seed);
    for (int i = 0; i < 2 && count > 0; i++)
        sort(items, items + count - 1, orders[i]);
    return work_print(items, count * sizeof *items);
}
