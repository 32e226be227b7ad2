/* Reference of framework/ops/row_moments; options: the first column and how many. */
#include "op_case.h"

void row_moments_reference(const op_case *c, const double *const *in, double *out)
{
    const float *columns = c->options;
    int first = (int)columns[0], count = (int)columns[1];
    nx_shape s = c->in[0];
    for (int n = 0; n < s.n; n++)
        for (int h = 0; h < s.h; h++)
            for (int k = 0; k < s.c; k++) {
                double sum = 0, squares = 0;
                for (int w = first; w < first + count; w++) sum += in[0][at(s, n, h, w, k)];
                for (int w = first; w < first + count; w++) {
                    double d = in[0][at(s, n, h, w, k)] - sum / count;
                    squares += d * d;
                }
                out[at(c->out, n, h, 0, k)] = sum / count;
                out[at(c->out, n, h, 1, k)] = squares;
            }
}
