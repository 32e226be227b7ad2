/* Cases of framework/ops/lrn. */
#include "ops/lrn.h"

#include "op_case.h"

#include <math.h>

static nx_tensor *lrn_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_lrn(g, in[0], *(const nx_lrn_options *)c->options);
}

static void lrn_reference(const op_case *c, const double *const *in, double *out)
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

#define LRN(...)                                                                                                       \
    .options = &(const nx_lrn_options) { __VA_ARGS__ }

static const op_case rows[] = {
    ROW(lrn, "as in CaffeNet, 20 channels", .in = {{2, 3, 4, 20}}, .out = {2, 3, 4, 20},
        .range = {{.low = -90, .high = 90}}, LRN(5, 1e-4f, .75f, 1)),
    ROW(lrn, "strong, 3 of 40 channels", .in = {{1, 3, 3, 40}}, .out = {1, 3, 3, 40}, LRN(3, 2, .5f, 2),
        .doctor = true),
    ROW(lrn, "window larger than 3 channels", .in = {{1, 5, 5, 3}}, .out = {1, 5, 5, 3}, LRN(9, 1, .75f, 1)),
};

OP_TABLE(lrn, rows);
