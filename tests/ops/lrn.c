/* Reference of framework/ops/lrn. */
#include "ops/lrn.h"

#include "op_case.h"

#include <math.h>

void lrn_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_lrn_options *o = c->options;
    int channels = c->out.c, pixels = (int)nx_shape_count(c->out) / channels;
    for (int p = 0; p < pixels; p++)
        for (int k = 0; k < channels; k++) {
            const double *x = in[0] + (size_t)p * (size_t)channels;
            double sum = 0;
            for (int j = k - o->size / 2; j <= k + o->size / 2; j++)
                if (j >= 0 && j < channels) sum += x[j] * x[j];
            *out++ = x[k] / pow((double)o->k + (double)o->alpha / o->size * sum, (double)o->beta);
        }
}
