/* Reference of framework/ops/hold; no options. */
#include "op_case.h"

void hold_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = in[0][i];
}
