/* Tests of framework/ops/norm: the update of running statistics, and statistics that a convolution leaves. */
#include "ops/norm.h"

#include "base/memory.h"
#include "base/rng.h"
#include "graph/plan.h"
#include "graph/wisdom.h"
#include "harness.h"
#include "op_case.h"
#include "ops/choice.h"
#include "ops/conv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
        double m = 0, v = 0;
        for (int r = 0; r < ROWS; r++) m += doubles[r * C + k] / ROWS;
        for (int r = 0; r < ROWS; r++) v += (doubles[r * C + k] - m) * (doubles[r * C + k] - m) / (ROWS - 1);
        means[k] = (1 - .9 * .9) * m;
        variances[k] = .9 * .9 + (1 - .9 * .9) * v;
    }
    nx_param_export(mean, got);
    assert_true(test_close("running mean", got, means, NX_VECTOR(C), 1e-6));
    nx_param_export(variance, got);
    assert_true(test_close("running variance", got, variances, NX_VECTOR(C), 1e-6));
    nx_graph_free(g);
    nx_params_free(params);
}

/* A convolution and the normalization after it. left: on CPUs, whose vectors make these sizes suit Winograd's, the
 * convolution leaves the statistics. */
typedef struct pair_case {
    const char *name;
    nx_shape x;
    int k, size;
    nx_conv_options conv;
    bool transposed, instance, left;
    float bias; /* of all channels */
    double tolerance;
} pair_case;

static const pair_case pair_cases[] = {
    {"odd, 40 channels",
     {1, 29, 31, 16},
     40,
     3,
     {.pad = 1, .padding = NX_PADDING_REPLICATE},
     false,
     true,
     true,
     0,
     2e-6},
    {"no padding", {1, 34, 23, 17}, 33, 3, {0}, false, true, true, .5f, 2e-6},
    {"after a ReLU", {1, 26, 26, 16}, 16, 3, {.pad = 2, .activation = NX_ACTIVATION_RELU}, false, true, true, 0, 2e-6},
    {"enlarged",
     {1, 13, 15, 24},
     16,
     3,
     {.pad = 1, .upsample = 2, .padding = NX_PADDING_REFLECT},
     false,
     true,
     true,
     0,
     2e-6},
    {"transposed", {1, 21, 22, 16}, 32, 3, {.pad = 1}, true, true, true, 0, 2e-6},
    {"one tile beside others",
     {1, 5, 29, 16},
     64,
     3,
     {.pad = 1, .padding = NX_PADDING_CIRCULAR},
     false,
     true,
     true,
     0,
     2e-6},
    {"mean much larger than deviation", {1, 61, 67, 16}, 48, 3, {.pad = 1}, false, true, true, 1000, 2e-5},
    {"two large images", {2, 114, 111, 16}, 16, 3, {.pad = 1}, false, true, true, 3, 2e-6},
    {"a batch", {3, 17, 10, 16}, 24, 3, {.pad = 1}, false, false, true, 1, 2e-6},
    {"a batch of large images", {2, 114, 111, 16}, 16, 3, {.pad = 1}, false, false, true, 3, 2e-6},
    {"small images", {3, 17, 10, 16}, 24, 3, {.pad = 1}, false, true, false, 1, 2e-6},
    {"stride 2", {1, 33, 30, 16}, 32, 3, {.pad = 1, .stride = 2}, false, true, true, 0, 2e-6},
    {"9x9", {1, 33, 30, 3}, 32, 9, {.pad = 4}, false, true, true, 0, 2e-6},
    {"transposed in phases", {1, 40, 41, 16}, 16, 3, {.stride = 2, .pad = 1}, true, true, true, 1, 2e-6},
    {"8 channels, odd, batch",
     {2, 37, 29, 5},
     8,
     3,
     {.pad = 1, .padding = NX_PADDING_CIRCULAR},
     false,
     false,
     true,
     0,
     2e-6},
    {"1x1, 40 channels", {1, 70, 71, 40}, 40, 1, {0}, false, true, true, 0, 2e-6},
    {"1x1, 100 channels, batch", {3, 9, 31, 8}, 100, 1, {0}, false, true, true, 100, 2e-6},
    {"narrower than a tile",
     {1, 60, 3, 4},
     20,
     3,
     {.pad = 1, .activation = NX_ACTIVATION_RELU},
     false,
     true,
     true,
     0,
     2e-6},
    {"transposed, stride 2",
     {2, 35, 33, 8},
     24,
     3,
     {.stride = 2, .pad = 1, .output_pad = 1},
     true,
     true,
     true,
     0,
     2e-6},
    {"transposed, one pixel wide", {1, 6, 1, 4}, 8, 3, {.stride = 3}, true, true, true, 1, 2e-6},
    {"3 channels", {1, 33, 30, 16}, 3, 3, {.pad = 1}, false, true, false, 0, 2e-6},
};

static float *noise(size_t count, uint64_t stream, float low, float high)
{
    nx_rng rng = nx_rng_new(1, stream);
    float *values = nx_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = low + (high - low) * nx_rng_uniform(&rng);
    return values;
}

static bool launches(nx_plan *plan, const char *kernel)
{
    size_t count;
    const nx_plan_line *lines = nx_plan_profile(plan, &count);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(lines[i].name, kernel)) return true;
    return false;
}

static void check_pair(const pair_case *c)
{
    nx_device *device = test_device();
    nx_graph *g = nx_graph_new(&device->info);
    nx_shape ws = {c->size, c->size, c->transposed ? c->k : c->x.c, c->transposed ? c->x.c : c->k};
    nx_tensor *in[] = {nx_input(g, c->x, "x"), nx_input(g, ws, "w"), nx_input(g, NX_VECTOR(c->k), "b")};
    nx_tensor *y = (c->transposed ? nx_conv_transposed : nx_conv)(g, in[0], in[1], in[2], c->conv);
    nx_norm_options training = {.training = true};
    nx_tensor *z = c->instance ? nx_instance_norm(g, y, NULL, NULL, training)
                               : nx_batch_norm(g, y, NULL, NULL, NULL, NULL, training);
    nx_keep(y);
    nx_keep(z);
    nx_plan *plan;
    nx_error err = {""};
    assert_true(nx_plan_new(&plan, g, &err));
    nx_plan_realize(plan, device);
    for (int i = 0; i < 3; i++) {
        float *values = noise(nx_shape_count(in[i]->shape), (uint64_t)i, i == 2 ? c->bias : -1, i == 2 ? c->bias : 1);
        nx_plan_write(plan, in[i], values);
        free(values);
    }
    size_t count = nx_shape_count(y->shape);
    float *stored = nx_alloc(count * sizeof *stored), *got = nx_alloc(count * sizeof *got),
          *again = nx_alloc(count * sizeof *again);
    double *x = nx_alloc(count * sizeof *x), *want = nx_alloc(count * sizeof *want);
    nx_plan_run(plan);
    nx_plan_read(plan, y, stored);
    nx_plan_read(plan, z, got);
    nx_plan_run(plan);
    nx_plan_read(plan, z, again);
    if (memcmp(got, again, count * sizeof *got)) fail_msg("%s: a second run gives other bits", c->name);
    for (size_t i = 0; i < count; i++) x[i] = (double)stored[i];
    const op_case *like = op_case_named(c->instance ? "instance_norm/3 channels" : "batch_norm/residual, training");
    like->reference(&(op_case){.in = {y->shape}, .options = &training}, (const double *[]){x}, want);
    assert_true(test_close(c->name, got, want, y->shape, c->tolerance));
    if (device->info.family == NX_FAMILY_CPU && launches(plan, "norm_statistics") == c->left)
        fail_msg("%s: the statistics are %s", c->name, c->left ? "a pass of their own" : "the convolution's");
    free(stored);
    free(got);
    free(again);
    free(x);
    free(want);
    nx_plan_free(plan);
    nx_graph_free(g);
}

/* The numbers of a normalization are right, and the same each time, whoever takes the statistics, in tiles of whatever
 * size. */
void norm_by_statistics_of_a_convolution(void **state)
{
    (void)state;
    size_t larger = 0;
    for (size_t i = 0; i < sizeof pair_cases / sizeof *pair_cases; i++) {
        nx_wisdom_forget();
        check_pair(&pair_cases[i]);
        if (pair_cases[i].x.n > 1 || nx_wisdom_asked() != 1) continue;
        if (!nx_choice_known(&test_device()->info, nx_wisdom_question(0), "winograd 6x6")) continue;
        nx_wisdom_set(nx_wisdom_question(0), "winograd 6x6");
        check_pair(&pair_cases[i]);
        larger++;
    }
    nx_wisdom_forget();
    assert_true(larger >= 5 || test_device()->info.family == NX_FAMILY_GPU);
}
