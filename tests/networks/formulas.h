/* The formulas by which the twins of tests/reference fill pictures and parameters, so that both sides have the same
 * numbers without a file: see "Protocol" at the top of tests/reference/stylenet.py and mtnet.py.
 *
 *     float *image = formula_fill((nx_shape){2, 64, 64, 3}, formula_picture);
 */
#ifndef NX_TESTS_NETWORKS_FORMULAS_H
#define NX_TESTS_NETWORKS_FORMULAS_H

#include "base/memory.h"
#include "graph/shape.h"

#include <math.h>
#include <stdint.h>

/* Element i of parameter p before it is scaled: -1 to 1, as good as random. */
static inline double formula_mixed(uint32_t p, uint32_t i)
{
    uint32_t h = p * 2654435761u + i * 40503u + 12345u;
    h ^= h >> 16;
    h *= 0x7feb352du;
    h ^= h >> 15;
    h *= 0x846ca68bu;
    h ^= h >> 16;
    return 2 * ((double)(h >> 8) + 0.5) / (1 << 24) - 1;
}

/* Pictures, 0 to 1. */
static inline double formula_picture(int n, int y, int x, int c)
{
    return (double)((7 * y * y + 13 * x + 101 * c + 59 * n + (x * y * (c + 3 + n)) % 97) % 256) / 255;
}

/* Targets and weights, -1 to 1. */
static inline double formula_wave(int n, int y, int x, int c) { return cos(0.02 * x + 0.03 * y + 0.7 * c + 0.4 * n); }

/* A picture by a formula, n h w c; owned by the caller. */
static inline float *formula_fill(nx_shape s, double (*formula)(int n, int y, int x, int c))
{
    float *out = nx_alloc(nx_shape_count(s) * sizeof *out), *at = out;
    for (int n = 0; n < s.n; n++)
        for (int y = 0; y < s.h; y++)
            for (int x = 0; x < s.w; x++)
                for (int c = 0; c < s.c; c++) *at++ = (float)formula(n, y, x, c);
    return out;
}

#endif
