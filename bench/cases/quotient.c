/* Cases of framework/ops/quotient. */
#include "ops/quotient.h"

#include "op_case.h"

static nx_tensor *quotient_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_quotient(g, in[0], in[1]);
}

static void quotient_reference(const op_case *c, const double *const *in, double *out)
{
    (void)c;
    out[0] = in[0][0] / in[1][0];
}

static const op_case rows[] = {
    ROW(quotient, "scalars", .in = {{1, 1, 1, 1}, {1, 1, 1, 1}}, .out = {1, 1, 1, 1},
        .range = {{VALUES_UNIFORM, -2, 2}, {VALUES_UNIFORM, 0.5f, 3}}, .doctor = true),
};

OP_TABLE(quotient, rows);
