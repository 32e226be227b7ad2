/* Reference of framework/ops/gram. The options are the factor. */
#include "op_case.h"

void gram_reference(const op_case *c, const double *const *in, double *out)
{
    const float *factor = c->options;
    nx_shape s = c->in[0];
    for (int n = 0; n < s.n; n++)
        for (int a = 0; a < s.c; a++)
            for (int b = 0; b < s.c; b++) {
                double sum = 0;
                for (int h = 0; h < s.h; h++)
                    for (int w = 0; w < s.w; w++) sum += in[0][at(s, n, h, w, a)] * in[0][at(s, n, h, w, b)];
                out[at(c->out, n, 0, a, b)] = (double)*factor * sum;
            }
}
