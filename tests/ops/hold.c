/* Reference of framework/ops/hold; no options. */
#include "ops/hold.h"

#include "op_case.h"

nx_tensor *hold_build(nx_graph *g, nx_tensor *const *in, const op_case *c) { return (void)c, nx_hold(g, in[0]); }

void hold_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = in[0][i];
}
