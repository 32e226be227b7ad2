/* References of framework/ops/norm, and the update of running statistics. */
#include "ops/norm.h"

#include "base/memory.h"
#include "graph/plan.h"
#include "harness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Mean and biased variance of channel k of images first .. last - 1. */
static void statistics(const double *x, nx_shape s, int first, int last, int k, double *mean, double *variance)
{
    size_t rows = (size_t)s.h * (size_t)s.w, from = (size_t)first * rows, to = (size_t)last * rows;
    *mean = *variance = 0;
    for (size_t r = from; r < to; r++) *mean += x[r * (size_t)s.c + (size_t)k] / (double)(to - from);
    for (size_t r = from; r < to; r++) {
        double d = x[r * (size_t)s.c + (size_t)k] - *mean;
        *variance += d * d / (double)(to - from);
    }
}

/* residual: added to the result, or NULL. */
static void normalize(const op_case *c, const double *const *in, double *out, bool instance, bool affine,
                      const double *residual)
{
    const nx_norm_options *o = c->options;
    nx_shape s = c->in[0];
    double epsilon = o->epsilon != 0.f ? (double)o->epsilon : (double)1e-5f;
    for (int n = 0; n < s.n; n++)
        for (int k = 0; k < s.c; k++) {
            double mean, variance;
            if (instance || o->training) {
                statistics(in[0], s, instance ? n : 0, instance ? n + 1 : s.n, k, &mean, &variance);
            } else {
                mean = in[3][k];
                variance = in[4][k];
            }
            for (int h = 0; h < s.h; h++)
                for (int w = 0; w < s.w; w++) {
                    double v = (in[0][at(s, n, h, w, k)] - mean) / sqrt(variance + epsilon);
                    size_t i = at(s, n, h, w, k);
                    out[i] = op_activated(affine ? in[1][k] * v + in[2][k] : v, o->activation, o->slope) +
                             (residual ? residual[i] : 0);
                }
        }
}

void instance_norm_reference(const op_case *c, const double *const *in, double *out)
{
    normalize(c, in, out, true, op_inputs(c) > 1, op_inputs(c) > 3 ? in[3] : NULL);
}

void batch_norm_reference(const op_case *c, const double *const *in, double *out)
{
    normalize(c, in, out, false, true, op_inputs(c) > 5 ? in[5] : NULL);
}

/* Two steps of training move running statistics by the momentum towards those of the batch, the variance unbiased. */
void norm_updates_running_statistics(void **state)
{
    (void)state;
    enum { C = 5, ROWS = 2 * 3 * 7 };
    nx_shape shape = {2, 3, 7, C};
    nx_device *device = test_device();
    nx_params *params = nx_params_new();
    nx_param *mean = nx_param_add(params, "mean", NX_VECTOR(C), 1),
             *variance = nx_param_add(params, "var", NX_VECTOR(C), 1);
    for (int k = 0; k < C; k++) variance->initial[k] = 1;
    nx_params_realize(params, device);
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *x = nx_input(g, shape, "x");
    nx_keep(nx_batch_norm(g, x, NULL, NULL, nx_use(g, mean), nx_use(g, variance), (nx_norm_options){.training = true}));
    nx_plan *plan;
    nx_error err = {""};
    assert_true(nx_plan_new(&plan, g, &err));
    nx_plan_realize(plan, device);
    float values[ROWS * C], got[C];
    double doubles[ROWS * C];
    for (int i = 0; i < ROWS * C; i++) doubles[i] = values[i] = (float)(i * i % 31 - i % C * 7);
    nx_plan_write(plan, x, values);
    nx_plan_run(plan);
    nx_plan_run(plan);
    nx_plan_free(plan);
    double means[C], variances[C];
    for (int k = 0; k < C; k++) {
        double m, v;
        statistics(doubles, shape, 0, 2, k, &m, &v);
        means[k] = (1 - .9 * .9) * m;
        variances[k] = .9 * .9 + (1 - .9 * .9) * v * ROWS / (ROWS - 1);
    }
    nx_param_export(mean, got);
    assert_true(test_close("running mean", got, means, NX_VECTOR(C), 1e-6));
    nx_param_export(variance, got);
    assert_true(test_close("running variance", got, variances, NX_VECTOR(C), 1e-6));
    nx_graph_free(g);
    nx_params_free(params);
}
