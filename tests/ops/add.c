/* Reference of framework/ops/add. */
#include "ops/add.h"

#include "op_case.h"

nx_tensor *add_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_add(g, in[0], in[1]);
}

void add_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = in[0][i] + in[1][i];
}
