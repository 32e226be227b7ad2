/* Cases of framework/ops/total_variation. */
#include "ops/total_variation.h"

#include "op_case.h"

#include <math.h>

static nx_tensor *total_variation_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_variation *kind = c->options;
    return nx_total_variation(g, in[0], *kind);
}

static void total_variation_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_variation *kind = c->options;
    const double *x = in[0];
    nx_shape s = c->in[0];
    for (int n = 0; n < s.n; n++)
        for (int i = 0; i < s.h; i++)
            for (int j = 0; j < s.w; j++)
                for (int k = 0; k < s.c; k++) {
                    double below = i + 1 < s.h ? x[at(s, n, i + 1, j, k)] - x[at(s, n, i, j, k)] : 0;
                    double right = j + 1 < s.w ? x[at(s, n, i, j + 1, k)] - x[at(s, n, i, j, k)] : 0;
                    double cost = *kind == NX_VARIATION_L1 ? fabs(below) + fabs(right) : below * below + right * right;
                    out[0] += cost / s.n;
                }
}

static const op_case rows[] = {
    ROW(total_variation, "squares", .in = {{2, 5, 7, 3}}, .out = {1, 1, 1, 1},
        .options = &(const nx_variation){NX_VARIATION_L2}),
    ROW(total_variation, "squares, 16 channels, wide", .in = {{1, 4, 19, 16}}, .out = {1, 1, 1, 1},
        .options = &(const nx_variation){NX_VARIATION_L2}, .doctor = true),
    ROW(total_variation, "magnitudes", .in = {{1, 9, 33, 3}}, .out = {1, 1, 1, 1}, .range = {{VALUES_GRID}},
        .options = &(const nx_variation){NX_VARIATION_L1}, .doctor = true),
    ROW(total_variation, "one pixel wide", .in = {{1, 6, 1, 1}}, .out = {1, 1, 1, 1},
        .options = &(const nx_variation){NX_VARIATION_L2}),
    ROW(total_variation, "large image", .in = {{1, 1024, 1024, 3}}, .out = {1, 1, 1, 1},
        .options = &(const nx_variation){NX_VARIATION_L2}, .timed = true),
};

OP_TABLE(total_variation, rows);
