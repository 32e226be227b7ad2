/* Reference of framework/ops/mask; no options. */
#include "op_case.h"

void mask_reference(const op_case *c, const double *const *in, double *out)
{
    nx_shape s = c->out;
    for (int n = 0; n < s.n; n++)
        for (int h = 0; h < s.h; h++)
            for (int w = 0; w < s.w; w++)
                for (int k = 0; k < s.c; k++)
                    out[at(s, n, h, w, k)] = in[0][at(s, n, h, w, k)] * in[1][at(c->in[1], 0, h, w, 0)];
}
