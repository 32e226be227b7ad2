/* Reference of framework/ops/weighted_sum: input i weighs (i + 1) / 4, minus one for the second. */
#include "op_case.h"

void weighted_sum_reference(const op_case *c, const double *const *in, double *out)
{
    int n = op_inputs(c);
    for (int i = 0; i < 2 * n; i++) out[0] += (double)weight_of(i) * in[i % n][0];
}
