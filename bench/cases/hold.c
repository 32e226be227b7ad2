/* Cases of framework/ops/hold. */
#include "ops/hold.h"

#include "op_case.h"

static nx_tensor *hold_build(nx_graph *g, nx_tensor *const *in, const op_case *c) { return (void)c, nx_hold(g, in[0]); }

static void hold_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = in[0][i];
}

static const op_case rows[] = {
    ROW(hold, "odd", .in = {{2, 3, 5, 7}}, .out = {2, 3, 5, 7}, .no_gradient = NO_GRADIENT, .doctor = true),
};

OP_TABLE(hold, rows);
