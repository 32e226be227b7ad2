/* Where tiles lie, and statistics by the formula of Chan, Golub and LeVeque. */
#include "apply/tiles.h"

#include "base/memory.h"

#include <stdlib.h>

static int least(int a, int b) { return a < b ? a : b; }

/* The last window ends with the axis, so that the length of all has its remainder. */
tile_axis tile_axis_new(int size, int keep, int halo, int unit, bool torus)
{
    if (keep >= size) return (tile_axis){.size = size, .keep = size, .window = size, .tiles = 1, .torus = torus};
    int window = keep + 2 * halo + size % unit;
    return (tile_axis){.size = size,
                       .keep = keep,
                       .halo = halo,
                       .window = torus ? window : least(window, size),
                       .tiles = (size + keep - 1) / keep,
                       .torus = torus};
}

tile_span tile_axis_at(const tile_axis *a, int i)
{
    tile_span s = {.first = i * a->keep, .count = least(a->keep, a->size - i * a->keep)};
    s.from = s.first - a->halo;
    if (!a->torus) s.from = s.from < 0 ? 0 : least(s.from, a->size - a->window);
    return s;
}

tile_span tile_axis_rows(const tile_axis *a, int i, int rows, int ratio, int beyond)
{
    tile_span s = tile_axis_at(a, i);
    int first = (s.first - s.from) / ratio + (i ? beyond : 0);
    int end = i + 1 < a->tiles || a->torus ? (s.first - s.from + s.count) / ratio + beyond : rows;
    return (tile_span){.first = first, .count = end - first};
}

void moments_clear(moments *m, int channels)
{
    moments_free(m);
    *m = (moments){.channels = channels,
                   .mean = nx_alloc((size_t)channels * sizeof(double)),
                   .squares = nx_alloc((size_t)channels * sizeof(double))};
}

void moments_free(moments *m)
{
    free(m->mean);
    free(m->squares);
    *m = (moments){0};
}

void moments_merge(moments *m, double count, const float *mean, const float *squares)
{
    double all = m->count + count;
    for (int c = 0; c < m->channels; c++) {
        double difference = (double)mean[c] - m->mean[c];
        m->mean[c] += difference * count / all;
        m->squares[c] += (double)squares[c] + difference * difference * m->count * count / all;
    }
    m->count = all;
}
