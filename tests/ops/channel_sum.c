/* References of framework/ops/channel_sum. */
#include "op_case.h"

void channel_sum_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->in[0]); i++) out[i % (size_t)c->out.c] += in[0][i];
}

void channel_dot_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->in[0]); i++) out[i % (size_t)c->out.c] += in[0][i] * in[1][i];
}
