/* Cases of framework/nn/optimizer: a few steps on mean (w - t)^2, and the same in double. */
#include "nn/optimizer.h"

#include "base/rng.h"
#include "op_case.h"
#include "op_check.h"
#include "ops/mse.h"

#include <math.h>

enum { COUNT = 300, STEPS = 3 }; /* more than one block */

typedef struct setting {
    nx_optimizer_options method;
    int channels; /* of bounds; 0: none */
    float lower[3], upper[3];
} setting;

/* One step of w, with the moments m and v. */
static void step_of(const nx_optimizer_options *o, int step, double rate, const float *target, double *w, double *m,
                    double *v)
{
    bool adam = o->method == NX_OPTIMIZER_ADAM;
    double beta1 = (double)o->beta1, beta2 = (double)o->beta2;
    if (adam) rate *= sqrt(1 - pow(beta2, step)) / (1 - pow(beta1, step));
    double squares = 0, clip = (double)o->clip;
    for (int i = 0; i < COUNT; i++) squares += pow(2 * (w[i] - (double)target[i]) / COUNT, 2);
    double factor = clip > 0 && sqrt(squares) > clip ? clip / sqrt(squares) : 1;
    for (int i = 0; i < COUNT; i++) {
        double gradient = factor * 2 * (w[i] - (double)target[i]) / COUNT + (double)o->weight_decay * w[i];
        m[i] = beta1 * m[i] + (adam ? 1 - beta1 : 1) * gradient;
        v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
        w[i] -= rate * m[i] / (adam ? sqrt(v[i]) + (double)o->epsilon : 1);
    }
}

static nx_optimizer *record(nx_graph *g, const setting *s, nx_params *params, nx_param *w, const float *target)
{
    nx_tensor *t = nx_constant(g, NX_VECTOR(COUNT), target);
    nx_optimizer *o = nx_optimizer_new(g, nx_mse(g, nx_use(g, w), t), params, s->method);
    if (s->channels) nx_optimizer_bound(g, w, s->channels, s->lower, s->upper);
    return o;
}

static void optimizer_programs(const nx_device_info *info, const op_case *c, nx_program_list *out)
{
    nx_params *params = nx_params_new();
    nx_param *w = nx_param_add(params, "w", NX_VECTOR(COUNT), 1);
    nx_graph *g = nx_graph_new(info);
    nx_optimizer *o = record(g, c->options, params, w, (float[COUNT]){0});
    op_graph_programs(g, out);
    nx_optimizer_free(o);
    nx_graph_free(g);
    nx_params_free(params);
}

static double optimizer_check(nx_device *device, const op_case *c)
{
    const setting *s = c->options;
    const nx_optimizer_options *options = &s->method;
    const double rate = options->method == NX_OPTIMIZER_ADAM ? 0.1 : 10;
    nx_params *params = nx_params_new();
    nx_param *w = nx_param_add(params, "w", NX_VECTOR(COUNT), 1);
    float target[COUNT], got[COUNT];
    double want[COUNT], m[COUNT] = {0}, v[COUNT] = {0};
    nx_rng rng = nx_rng_new(1, 1);
    for (int i = 0; i < COUNT; i++) {
        target[i] = 2 * nx_rng_uniform(&rng) - 1;
        want[i] = (double)(w->initial[i] = (float)i / COUNT);
    }
    nx_graph *g = nx_graph_new(&device->info);
    nx_optimizer *o = record(g, s, params, w, target);
    nx_params_realize(params, device);
    nx_params_realize(o->state, device);
    nx_plan *plan = op_plan(device, g);
    for (int step = 1; step <= STEPS; step++) {
        nx_optimizer_rate(o, plan, (uint64_t)step, rate);
        nx_plan_run(plan);
        step_of(options, step, rate, target, want, m, v);
        for (int i = 0; s->channels && i < COUNT; i++)
            want[i] = fmin(fmax(want[i], (double)s->lower[i % s->channels]), (double)s->upper[i % s->channels]);
    }
    nx_device_finish(device);
    nx_param_export(w, got);
    nx_plan_free(plan);
    nx_optimizer_free(o);
    nx_graph_free(g);
    nx_params_free(params);
    return op_difference(got, want, COUNT, NULL);
}

#define OPTIONS(...)                                                                                                   \
    .options = &(const setting)                                                                                        \
    {                                                                                                                  \
        .method = { __VA_ARGS__ }                                                                                      \
    }

static const op_case rows[] = {
    CHECKED_ROW(optimizer, "Adam", OPTIONS(NX_OPTIMIZER_ADAM, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f),
                .doctor = true),
    CHECKED_ROW(optimizer, "Adam with weight decay",
                OPTIONS(NX_OPTIMIZER_ADAM, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .weight_decay = 0.01f)),
    CHECKED_ROW(optimizer, "SGD with momentum", OPTIONS(NX_OPTIMIZER_SGD, .beta1 = 0.9f), .doctor = true),
    CHECKED_ROW(optimizer, "SGD, clipped", OPTIONS(NX_OPTIMIZER_SGD, .beta1 = 0.9f, .clip = 0.02f), .doctor = true),
    CHECKED_ROW(optimizer, "SGD, within the clip", OPTIONS(NX_OPTIMIZER_SGD, .beta1 = 0.9f, .clip = 10)),
    CHECKED_ROW(optimizer, "SGD, clipped, with weight decay",
                OPTIONS(NX_OPTIMIZER_SGD, .beta1 = 0.9f, .clip = 0.02f, .weight_decay = 0.01f)),
    CHECKED_ROW(optimizer, "Adam, clipped",
                OPTIONS(NX_OPTIMIZER_ADAM, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-4f, .clip = 0.02f)),
    CHECKED_ROW(optimizer, "Adam, within bounds", .doctor = true,
                .options =
                    &(const setting){.method = {NX_OPTIMIZER_ADAM, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-4f},
                                     .channels = 3,
                                     .lower = {0.3f, -1, 0.5f},
                                     .upper = {1, 0.4f, 0.6f}}),
};

OP_TABLE(optimizer, rows);
