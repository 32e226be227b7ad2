/* Cases of framework/ops/resize. */
#include "ops/resize.h"

#include "op_case.h"

#include <math.h>

static nx_tensor *resize_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_resize(g, in[0], c->out.h, c->out.w);
}

static double place(int o, int n, int out) { return fmax((o + .5) * n / out - .5, 0); }

static void resize_reference(const op_case *c, const double *const *in, double *out)
{
    nx_shape s = c->in[0];
    for (int n = 0; n < c->out.n; n++)
        for (int i = 0; i < c->out.h; i++)
            for (int j = 0; j < c->out.w; j++)
                for (int k = 0; k < c->out.c; k++) {
                    double v = place(i, s.h, c->out.h), u = place(j, s.w, c->out.w);
                    int y = (int)v, x = (int)u, below = y + 1 < s.h ? y + 1 : y, right = x + 1 < s.w ? x + 1 : x;
                    double a = in[0][at(s, n, y, x, k)], b = in[0][at(s, n, y, right, k)];
                    double d = in[0][at(s, n, below, x, k)], e = in[0][at(s, n, below, right, k)];
                    out[at(c->out, n, i, j, k)] =
                        (1 - v + y) * ((1 - u + x) * a + (u - x) * b) + (v - y) * ((1 - u + x) * d + (u - x) * e);
                }
}

static const op_case rows[] = {
    ROW(resize, "doubled", .in = {{2, 6, 7, 3}}, .out = {2, 12, 14, 3}),
    ROW(resize, "halved", .in = {{1, 12, 14, 16}}, .out = {1, 6, 7, 16}),
    ROW(resize, "taller and narrower, odd", .in = {{1, 7, 19, 5}}, .out = {1, 16, 6, 5}, .doctor = true),
    ROW(resize, "a fifth", .in = {{1, 25, 23, 3}}, .out = {1, 5, 4, 3}),
    ROW(resize, "from one pixel", .in = {{1, 1, 1, 17}}, .out = {1, 4, 3, 17}),
    ROW(resize, "to one pixel", .in = {{1, 6, 5, 3}}, .out = {1, 1, 1, 3}),
    ROW(resize, "the same size", .in = {{1, 6, 5, 3}}, .out = {1, 6, 5, 3}),
    ROW(resize, "large image", .in = {{1, 1024, 1024, 3}}, .out = {1, 512, 512, 3}, .timed = true),
    ROW(resize, "large", .in = {{1, 256, 256, 64}}, .out = {1, 512, 512, 64}, .timed = true),
};

OP_TABLE(resize, rows);
