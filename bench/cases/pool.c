/* Cases of framework/ops/pool. */
#include "ops/pool.h"

#include "op_case.h"

#include <math.h>

static nx_tensor *pool_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_pool(g, in[0], *(const nx_pool_options *)c->options);
}

static double pooled(const op_case *c, const double *x, int n, int y0, int x0, int k)
{
    const nx_pool_options *o = c->options;
    nx_shape s = c->in[0];
    double largest = -INFINITY, sum = 0;
    int count = 0;
    for (int i = y0; i < y0 + o->size && i < s.h; i++)
        for (int j = x0; j < x0 + o->size && j < s.w; j++) {
            double value = x[at(s, n, i, j, k)];
            largest = fmax(largest, value);
            sum += value;
            count++;
        }
    return o->kind == NX_POOL_MAX ? largest : sum / count;
}

static void pool_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_pool_options *o = c->options;
    int stride = o->stride ? o->stride : o->size;
    for (int n = 0; n < c->out.n; n++)
        for (int i = 0; i < c->out.h; i++)
            for (int j = 0; j < c->out.w; j++)
                for (int k = 0; k < c->out.c; k++)
                    out[at(c->out, n, i, j, k)] = pooled(c, in[0], n, i * stride, j * stride, k);
}

#define POOL(...) .options = &(const nx_pool_options){__VA_ARGS__}, .range = {{VALUES_GRID}}

static const op_case rows[] = {
    ROW(pool, "maximum, 2x2, even", .in = {{2, 8, 6, 64}}, .out = {2, 4, 3, 64},
        POOL(.kind = NX_POOL_MAX, .size = 2, .stride = 2), .doctor = true),
    ROW(pool, "maximum, 2x2, odd", .in = {{1, 9, 7, 17}}, .out = {1, 4, 3, 17},
        POOL(.kind = NX_POOL_MAX, .size = 2, .stride = 2)),
    ROW(pool, "maximum, 3x3, stride 2, ceil", .in = {{2, 10, 9, 5}}, .out = {2, 5, 4, 5},
        POOL(.kind = NX_POOL_MAX, .size = 3, .stride = 2, .ceil = true)),
    ROW(pool, "maximum, 2x2, stride 3", .in = {{1, 9, 10, 3}}, .out = {1, 3, 3, 3},
        POOL(.kind = NX_POOL_MAX, .size = 2, .stride = 3)),
    ROW(pool, "maximum, 1x1, stride 2, ceil", .in = {{1, 4, 5, 3}}, .out = {1, 2, 3, 3},
        POOL(.kind = NX_POOL_MAX, .size = 1, .stride = 2, .ceil = true)),
    ROW(pool, "average, 2x2, even", .in = {{1, 6, 8, 16}}, .out = {1, 3, 4, 16},
        POOL(.kind = NX_POOL_AVERAGE, .size = 2, .stride = 2), .doctor = true),
    ROW(pool, "average, 2x2, ceil", .in = {{2, 7, 5, 3}}, .out = {2, 4, 3, 3},
        POOL(.kind = NX_POOL_AVERAGE, .size = 2, .stride = 2, .ceil = true)),
    ROW(pool, "average, 3x3, stride 1", .in = {{1, 5, 6, 1}}, .out = {1, 3, 4, 1},
        POOL(.kind = NX_POOL_AVERAGE, .size = 3, .stride = 1)),
    ROW(pool, "average, all pixels", .in = {{3, 5, 6, 17}}, .out = {3, 1, 1, 17},
        POOL(.kind = NX_POOL_AVERAGE, .size = 6, .ceil = true)),
    ROW(pool, "maximum, 3x3, stride 2, overlapping", .in = {{1, 11, 12, 19}}, .out = {1, 5, 5, 19},
        POOL(.kind = NX_POOL_MAX, .size = 3, .stride = 2)),
    ROW(pool, "maximum, large", .in = {{1, 512, 512, 64}}, .out = {1, 256, 256, 64},
        POOL(.kind = NX_POOL_MAX, .size = 2, .stride = 2), .timed = true),
    ROW(pool, "average, large", .in = {{1, 512, 512, 64}}, .out = {1, 256, 256, 64},
        POOL(.kind = NX_POOL_AVERAGE, .size = 2, .stride = 2), .timed = true),
};

OP_TABLE(pool, rows);
