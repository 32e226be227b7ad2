/* Reference of framework/ops/upsample; options: the factor, an int. */
#include "op_case.h"

void upsample_reference(const op_case *c, const double *const *in, double *out)
{
    int factor = *(const int *)c->options;
    for (int n = 0; n < c->out.n; n++)
        for (int i = 0; i < c->out.h; i++)
            for (int j = 0; j < c->out.w; j++)
                for (int k = 0; k < c->out.c; k++)
                    out[at(c->out, n, i, j, k)] = in[0][at(c->in[0], n, i / factor, j / factor, k)];
}
