/* Plain sums over all pairs. */
#include "run/sample_diversity.h"

#include <math.h>

static double distance(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(sum / (double)count);
}

static double neighbour_of(const float *samples, size_t count, size_t numbers, size_t i)
{
    double nearest = INFINITY;
    for (size_t j = 0; j < count; j++)
        if (j != i) nearest = fmin(nearest, distance(samples + i * numbers, samples + j * numbers, numbers));
    return nearest;
}

sample_diversity sample_diversity_of(const float *samples, size_t count, size_t pixels)
{
    sample_diversity v = {0};
    size_t numbers = 3 * pixels, all = count * numbers;
    double mean[3] = {0};
    for (size_t i = 0; i < count; i++) v.neighbour += neighbour_of(samples, count, numbers, i) / (double)count;
    for (size_t i = 0; i < all; i++) mean[i % 3] += 3 * (double)samples[i] / (double)all;
    for (size_t i = 0; i < all; i++) v.contrast += pow((double)samples[i] - mean[i % 3], 2) / (double)all;
    v.contrast = sqrt(v.contrast);
    if (count < 2) v.neighbour = NAN;
    return v;
}
