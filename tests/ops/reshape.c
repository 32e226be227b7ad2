/* Reference of framework/ops/reshape; no options. */
#include "ops/reshape.h"

#include "op_case.h"

nx_tensor *reshape_build(nx_graph *g, nx_tensor *const *in, const op_case *c) { return nx_reshape(g, in[0], c->out); }

void reshape_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = in[0][i];
}
