/* Cases of framework/ops/mean_square. */
#include "ops/mean_square.h"

#include "op_case.h"

static nx_tensor *mean_square_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_mean_square(g, in[0]);
}

static void mean_square_reference(const op_case *c, const double *const *in, double *out)
{
    size_t count = nx_shape_count(c->in[0]);
    for (size_t i = 0; i < count; i++) out[0] += in[0][i] * in[0][i] / (double)count;
}

static const op_case rows[] = {
    ROW(mean_square, "odd", .in = {{2, 5, 7, 3}}, .out = {1, 1, 1, 1}, .doctor = true),
    ROW(mean_square, "one number", .in = {{1, 1, 1, 1}}, .out = {1, 1, 1, 1}),
    ROW(mean_square, "several segments", .in = {{2, 77, 65, 5}}, .out = {1, 1, 1, 1}, .probes = 6),
    ROW(mean_square, "large", .in = {{1, 64, 64, 512}}, .out = {1, 1, 1, 1}, .timed = true),
};

OP_TABLE(mean_square, rows);
