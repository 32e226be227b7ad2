/* Cases of framework/ops/mse. */
#include "ops/mse.h"

#include "op_case.h"

static nx_tensor *mse_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_mse(g, in[0], in[1]);
}

static void mse_reference(const op_case *c, const double *const *in, double *out)
{
    size_t count = nx_shape_count(c->in[0]), period = nx_shape_count(c->in[1]);
    for (size_t i = 0; i < count; i++) {
        double d = in[0][i] - in[1][i % period];
        out[0] += d * d / (double)count;
    }
}

static const op_case rows[] = {
    ROW(mse, "odd", .in = {{2, 5, 7, 3}, {2, 5, 7, 3}}, .out = {1, 1, 1, 1}),
    ROW(mse, "shared target", .in = {{3, 1, 17, 17}, {1, 1, 17, 17}}, .out = {1, 1, 1, 1}),
    ROW(mse, "several segments", .in = {{2, 77, 65, 5}, {1, 77, 65, 5}}, .out = {1, 1, 1, 1}, .probes = 6,
        .doctor = true),
    ROW(mse, "large", .in = {{1, 64, 64, 512}, {1, 64, 64, 512}}, .out = {1, 1, 1, 1}, .timed = true),
};

OP_TABLE(mse, rows);
