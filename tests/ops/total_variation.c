/* Reference of framework/ops/total_variation. */
#include "ops/total_variation.h"

#include "op_case.h"

#include <math.h>

void total_variation_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_variation *kind = c->options;
    const double *x = in[0];
    nx_shape s = c->in[0];
    for (int n = 0; n < s.n; n++)
        for (int i = 0; i < s.h; i++)
            for (int j = 0; j < s.w; j++)
                for (int k = 0; k < s.c; k++) {
                    double below = i + 1 < s.h ? x[at(s, n, i + 1, j, k)] - x[at(s, n, i, j, k)] : 0;
                    double right = j + 1 < s.w ? x[at(s, n, i, j + 1, k)] - x[at(s, n, i, j, k)] : 0;
                    double cost = *kind == NX_VARIATION_L1 ? fabs(below) + fabs(right) : below * below + right * right;
                    out[0] += cost / s.n;
                }
}
