/* References of framework/ops/channel_sum. */
#include "ops/channel_sum.h"

#include "op_case.h"

nx_tensor *channel_sum_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_channel_sum(g, in[0]);
}

void channel_sum_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->in[0]); i++) out[i % (size_t)c->out.c] += in[0][i];
}

nx_tensor *channel_dot_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_channel_dot(g, in[0], in[1]);
}

void channel_dot_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->in[0]); i++) out[i % (size_t)c->out.c] += in[0][i] * in[1][i];
}
