/* Cases of framework/ops/reshape. */
#include "ops/reshape.h"

#include "op_case.h"

static nx_tensor *reshape_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_reshape(g, in[0], c->out);
}

static void reshape_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = in[0][i];
}

static const op_case rows[] = {
    ROW(reshape, "channels to pixels", .in = {{3, 1, 1, 80}}, .out = {3, 4, 4, 5}, .doctor = true),
    ROW(reshape, "rows", .in = {{2, 3, 5, 7}}, .out = {1, 15, 2, 7}),
};

OP_TABLE(reshape, rows);
