/* Adam and SGD against themselves in double, for twenty steps of a quadratic and of a convolution. */
#include "base/log.h"
#include "base/text.h"
#include "nn/optimizer.h"
#include "ops/add.h"
#include "ops/conv.h"
#include "ops/mse.h"
#include "ops/weighted_sum.h"
#include "planned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 20 };

/* ---- in double ---- */

typedef struct moments {
    double *m, *v;
} moments;

static double rate_of(int t) { return t < 10 ? .05 : .02; } /* changes, as a schedule does */

/* Step t = 1, 2, ... of count weights. uncorrected: epsilon is added to sqrt(v) as Torch7 does, else to sqrt(v / (1 -
 * b2^t)) as PyTorch does. */
static void update(const nx_optimizer_options *o, bool uncorrected, int t, double *w, const double *g, moments state,
                   size_t count)
{
    double b1 = (double)o->beta1, b2 = (double)o->beta2, c1 = 1 - pow(b1, t), c2 = 1 - pow(b2, t);
    for (size_t i = 0; i < count; i++) {
        double *m = &state.m[i], *v = &state.v[i], d = g[i] + (double)o->weight_decay * w[i];
        if (o->method == NX_OPTIMIZER_SGD) {
            *m = b1 * *m + d;
            w[i] -= rate_of(t) * *m;
            continue;
        }
        *m = b1 * *m + (1 - b1) * d;
        *v = b2 * *v + (1 - b2) * d * d;
        if (uncorrected)
            w[i] -= rate_of(t) * sqrt(c2) / c1 * *m / (sqrt(*v) + (double)o->epsilon);
        else
            w[i] -= rate_of(t) / c1 * *m / (sqrt(*v / c2) + (double)o->epsilon);
    }
}

/* The problem: mean (conv(x, w) + b - y)^2 of a 3x3 convolution with zero padding. All weights in one row: w as the
 * file has them, [out][in][3][3], then b. */
enum { H = 6, W = 5, IN = 2, OUT = 3, WEIGHTS = OUT * IN * 9, ALL = WEIGHTS + OUT, PIXELS = H * W };

static double pixel(const float *x, int row, int column, int c)
{
    return row < 0 || column < 0 || row >= H || column >= W ? 0 : (double)x[(row * W + column) * IN + c];
}

static void slope(const double *w, const float *x, const float *y, double *gradient)
{
    memset(gradient, 0, ALL * sizeof *gradient);
    for (int at = 0; at < PIXELS * OUT; at++) {
        int o = at % OUT, column = at / OUT % W, row = at / OUT / W;
        double off = w[WEIGHTS + o] - (double)y[at];
        for (int k = 0; k < IN * 9; k++)
            off += w[o * IN * 9 + k] * pixel(x, row + k % 9 / 3 - 1, column + k % 3 - 1, k / 9);
        off *= 2. / (PIXELS * OUT);
        gradient[WEIGHTS + o] += off;
        for (int k = 0; k < IN * 9; k++)
            gradient[o * IN * 9 + k] += off * pixel(x, row + k % 9 / 3 - 1, column + k % 3 - 1, k / 9);
    }
}

/* ---- on the device ---- */

typedef struct run {
    nx_params *params;
    nx_param *weight, *bias;
    nx_graph *g;
    nx_optimizer *optimizer;
    nx_plan *plan;
} run;

static void assert_parameters(const char *what, const nx_param *weight, const nx_param *bias, const double *want,
                              double tolerance)
{
    float got[ALL];
    nx_param_export(weight, got);
    nx_param_export(bias, got + WEIGHTS);
    assert_true(test_close(what, got, want, NX_VECTOR(ALL), tolerance));
}

/* Beside the convolution the store has a parameter that is not trained and one that the loss does not depend on. */
static run convolution(nx_optimizer_options options, const float *x, const float *y, double w[ALL])
{
    run r = {.params = nx_params_new()};
    r.weight = nx_param_add(r.params, "conv.weight", (nx_shape){3, 3, IN, OUT}, 4);
    r.bias = nx_param_add(r.params, "conv.bias", NX_VECTOR(OUT), 1);
    nx_param_add(r.params, "other", NX_VECTOR(7), 1);
    nx_param *still = nx_param_add(r.params, "still", NX_VECTOR(OUT), 1);
    still->trained = false;
    float *values = random_values("weights", ALL, -.5f, .5f);
    for (int i = 0; i < ALL; i++) w[i] = (double)values[i];
    nx_param_import(r.weight, values);
    nx_param_import(r.bias, values + WEIGHTS);
    free(values);

    r.g = nx_graph_new(&test_device()->info);
    nx_shape in = {1, H, W, IN}, out = {1, H, W, OUT};
    nx_tensor *z =
        nx_conv(r.g, nx_constant(r.g, in, x), nx_use(r.g, r.weight), nx_use(r.g, r.bias), (nx_conv_options){.pad = 1});
    nx_tensor *loss = nx_mse(r.g, z, nx_constant(r.g, out, y)),
              *penalty = nx_mse(r.g, nx_use(r.g, still), nx_use(r.g, r.bias));
    nx_keep(penalty);
    r.optimizer = nx_optimizer_new(r.g, loss, r.params, options);
    nx_params_realize(r.params, test_device());
    nx_params_realize(r.optimizer->state, test_device());
    r.plan = planned(r.g);
    return r;
}

static void step(run *r, int t, double rate)
{
    nx_optimizer_rate(r->optimizer, r->plan, (uint64_t)t, rate);
    nx_plan_run(r->plan);
}

static void run_free(run *r)
{
    nx_plan_free(r->plan);
    nx_optimizer_free(r->optimizer);
    nx_graph_free(r->g);
    nx_params_free(r->params);
}

static const struct problem {
    const char *name;
    nx_optimizer_options options;
} problems[] = {
    {"adam", {.method = NX_OPTIMIZER_ADAM, .beta1 = .9f, .beta2 = .999f, .epsilon = 1e-8f}},
    {"adam, beta1 0", {.method = NX_OPTIMIZER_ADAM, .beta2 = .99f, .epsilon = 1e-8f}},
    {"adam, beta 0.5", {.method = NX_OPTIMIZER_ADAM, .beta1 = .5f, .beta2 = .9f, .epsilon = 1e-4f}},
    {"adam, large epsilon", {.method = NX_OPTIMIZER_ADAM, .beta1 = .9f, .beta2 = .999f, .epsilon = .1f}},
    {"sgd", {.method = NX_OPTIMIZER_SGD}},
    {"sgd, momentum", {.method = NX_OPTIMIZER_SGD, .beta1 = .9f}},
    {"adam, weight decay",
     {.method = NX_OPTIMIZER_ADAM, .beta1 = .9f, .beta2 = .999f, .epsilon = 1e-8f, .weight_decay = .05f}},
    {"sgd, weight decay", {.method = NX_OPTIMIZER_SGD, .beta1 = .9f, .weight_decay = .05f}},
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

static void twenty_steps_are_those_in_double(void **state)
{
    (void)state;
    float *x = random_values("x", PIXELS * IN, -1, 1), *y = random_values("y", PIXELS * OUT, -1, 1);
    for (int k = 0; k < PROBLEMS; k++) {
        const nx_optimizer_options *o = &problems[k].options;
        bool adam = o->method == NX_OPTIMIZER_ADAM;
        double w[ALL], gradient[ALL], m[ALL] = {0}, v[ALL] = {0}, start[ALL];
        run r = convolution(*o, x, y, w);
        memcpy(start, w, sizeof w);
        for (int t = 1; t <= STEPS; t++) {
            slope(w, x, y, gradient);
            update(o, true, t, w, gradient, (moments){m, v}, ALL);
            step(&r, t, rate_of(t));
            assert_parameters(problems[k].name, r.weight, r.bias, w, 1e-5);
        }
        double moved = 0;
        for (int i = 0; i < ALL; i++) worsen(&moved, fabs(w[i] - start[i]));
        assert_true(moved > .01);

        /* What a checkpoint saves: moments of the two parameters that moved, and of no other. */
        nx_params *saved = r.optimizer->state;
        assert_int_equal(saved->count, adam ? 4 : 2);
        assert_parameters("m", nx_params_find(saved, adam ? "adam.m/conv.weight" : "sgd.m/conv.weight"),
                          nx_params_find(saved, adam ? "adam.m/conv.bias" : "sgd.m/conv.bias"), m, 1e-5);
        if (adam)
            assert_parameters("v", nx_params_find(saved, "adam.v/conv.weight"),
                              nx_params_find(saved, "adam.v/conv.bias"), v, 1e-5);
        assert_int_equal(test_device()->bytes[NX_MEMORY_OPTIMIZER], nx_params_bytes(saved));
        float still[7], zero[7] = {0};
        nx_param_export(nx_params_find(r.params, "other"), still);
        assert_memory_equal(still, zero, sizeof zero);
        nx_param_export(nx_params_find(r.params, "still"), still);
        assert_memory_equal(still, zero, OUT * sizeof(float));
        run_free(&r);
    }
    free(x);
    free(y);
}

/* Epsilon is added to the uncorrected sqrt(v). With a large one PyTorch's steps are others, so the test can tell. */
static void epsilon_is_placed_as_in_torch7(void **state)
{
    (void)state;
    nx_optimizer_options o = {.method = NX_OPTIMIZER_ADAM, .beta1 = .9f, .beta2 = .999f, .epsilon = .1f};
    float *x = random_values("x", PIXELS * IN, -1, 1), *y = random_values("y", PIXELS * OUT, -1, 1);
    double torch7[ALL], pytorch[ALL], gradient[ALL], m[2][ALL] = {{0}}, v[2][ALL] = {{0}}, apart = 0;
    run r = convolution(o, x, y, torch7);
    memcpy(pytorch, torch7, sizeof torch7);
    for (int t = 1; t <= STEPS; t++) {
        slope(torch7, x, y, gradient);
        update(&o, true, t, torch7, gradient, (moments){m[0], v[0]}, ALL);
        slope(pytorch, x, y, gradient);
        update(&o, false, t, pytorch, gradient, (moments){m[1], v[1]}, ALL);
        step(&r, t, rate_of(t));
    }
    for (int i = 0; i < ALL; i++) worsen(&apart, fabs(torch7[i] - pytorch[i]));
    assert_true(apart > .01);
    assert_parameters("large epsilon", r.weight, r.bias, torch7, 1e-5);
    run_free(&r);
    free(x);
    free(y);
}

/* A quadratic of many numbers, more than one block of a flat kernel and no multiple of any vector: mean (p - t)^2. */
static void a_quadratic_is_descended(void **state)
{
    (void)state;
    enum { COUNT = 4099 };
    float *start = random_values("start", COUNT, -1, 1), *target = random_values("target", COUNT, -1, 1);
    for (int k = 0; k < PROBLEMS; k++) {
        const nx_optimizer_options *o = &problems[k].options;
        double *w = nx_alloc(COUNT * sizeof *w), *gradient = nx_alloc(COUNT * sizeof *w);
        moments s = {nx_alloc(COUNT * sizeof *w), nx_alloc(COUNT * sizeof *w)};
        for (int i = 0; i < COUNT; i++) w[i] = (double)start[i];
        nx_params *params = nx_params_new();
        nx_param *p = nx_param_add(params, "p", NX_VECTOR(COUNT), 1);
        nx_param_import(p, start);
        nx_graph *g = nx_graph_new(&test_device()->info);
        nx_tensor *loss = nx_keep(nx_mse(g, nx_use(g, p), nx_constant(g, NX_VECTOR(COUNT), target)));
        nx_optimizer *optimizer = nx_optimizer_new(g, loss, params, *o);
        nx_params_realize(params, test_device());
        nx_params_realize(optimizer->state, test_device());
        nx_plan *plan = planned(g);
        for (int t = 1; t <= STEPS; t++) {
            double want = 0;
            for (int i = 0; i < COUNT; i++) {
                double off = w[i] - (double)target[i];
                want += off * off / COUNT;
                gradient[i] = 2 * off / COUNT;
            }
            update(o, true, t, w, gradient, s, COUNT);
            nx_optimizer_rate(optimizer, plan, (uint64_t)t, rate_of(t));
            nx_plan_run(plan);
            assert_true(fabs((double)scalar_of(plan, loss) - want) < 1e-5 * want); /* before the update */
        }
        float *got = nx_alloc(COUNT * sizeof *got);
        nx_param_export(p, got);
        assert_true(test_close(problems[k].name, got, w, NX_VECTOR(COUNT), 1e-5));

        float *before = nx_copy(got, COUNT * sizeof *got);
        nx_optimizer_rate(optimizer, plan, STEPS + 1, 0);
        nx_plan_run(plan);
        nx_param_export(p, got);
        assert_memory_equal(got, before, COUNT * sizeof *got); /* a rate of 0 changes nothing */
        free(got);
        free(before);
        nx_plan_free(plan);
        nx_optimizer_free(optimizer);
        nx_graph_free(g);
        nx_params_free(params);
        free(w);
        free(gradient);
        free(s.m);
        free(s.v);
    }
    free(start);
    free(target);
}

/* ---- one launch ---- */

enum { MANY = 130, LONGEST = 3 * 256 + 5, PAIR = 2 }; /* more than a node of any other kind may have */

static int length_of(int i) { return 1 + i * 37 % LONGEST; }

typedef struct many {
    nx_params *params;
    nx_graph *g;
    nx_optimizer *optimizer;
    nx_plan *plan;
} many;

/* The mean of (p - 1)^2 for each of many parameters of all sizes. Every seventh is not trained, every eleventh is not
 * in the loss, and the first two are in it only as their sum: both have the same gradient, in one place. */
static many record_many(nx_device *device, nx_optimizer_options options)
{
    many r = {.params = nx_params_new(), .g = nx_graph_new(&device->info)};
    nx_tensor *sums[1 + MANY / NX_MAX_INPUTS + 1], *terms[NX_MAX_INPUTS], *ones;
    float weights[NX_MAX_INPUTS];
    int n = 0, n_sums = 0;
    for (int k = 0; k < NX_MAX_INPUTS; k++) weights[k] = 1;
    for (int i = 0; i < MANY; i++) {
        char *name = nx_format("p%d", i);
        int length = length_of(i < PAIR ? 0 : i);
        nx_param *p = nx_param_add(r.params, name, NX_VECTOR(length), 1);
        float *values = random_values(name, (size_t)length, -1, 1), *one = nx_alloc((size_t)length * sizeof *one);
        nx_param_import(p, values);
        for (int k = 0; k < length; k++) one[k] = 1;
        ones = nx_constant(r.g, p->shape, one);
        p->trained = i % 7 != 6;
        nx_tensor *x = nx_use(r.g, p);
        if (i == PAIR - 1) x = nx_add(r.g, nx_use(r.g, r.params->items[0]), x);
        if (i && i % 11 != 10) terms[n++] = nx_mse(r.g, x, ones);
        if (n == NX_MAX_INPUTS || (n && i == MANY - 1)) {
            sums[n_sums++] = nx_weighted_sum(r.g, terms, weights, n);
            n = 0;
        }
        free(values);
        free(one);
        free(name);
    }
    r.optimizer = nx_optimizer_new(r.g, nx_weighted_sum(r.g, sums, weights, n_sums), r.params, options);
    nx_params_realize(r.params, device);
    nx_params_realize(r.optimizer->state, device);
    nx_error err = {""};
    if (!nx_plan_new(&r.plan, r.g, &err)) fail_msg("%s", err.text);
    nx_plan_realize(r.plan, device);
    return r;
}

static void free_many(many *r)
{
    nx_plan_free(r->plan);
    nx_optimizer_free(r->optimizer);
    nx_graph_free(r->g);
    nx_params_free(r->params);
}

/* Launches of the optimiser's kernel in a step. */
static int launches(many *r, const char *kernel, int steps)
{
    size_t count;
    const nx_plan_line *lines = nx_plan_profile(r->plan, &count);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(lines[i].name, kernel)) return (int)lines[i].calls / steps;
    return 0;
}

static void assert_many(const many *r, const nx_optimizer_options *o, int steps)
{
    for (int i = 0; i < MANY; i++) {
        size_t length = nx_shape_count(r->params->items[i]->shape);
        float *start = random_values(r->params->items[i]->name, length, -1, 1), *other = NULL,
              *got = nx_alloc(length * sizeof *got);
        double *w = nx_alloc(length * sizeof *w), *pair = nx_alloc(length * sizeof *w),
               *g = nx_alloc(length * sizeof *w),
               *m[PAIR] = {nx_alloc(length * sizeof *w), nx_alloc(length * sizeof *w)},
               *v[PAIR] = {nx_alloc(length * sizeof *w), nx_alloc(length * sizeof *w)};
        for (size_t k = 0; k < length; k++) w[k] = (double)start[k];
        if (i < PAIR) other = random_values(r->params->items[!i]->name, length, -1, 1);
        for (size_t k = 0; other && k < length; k++) pair[k] = (double)other[k];
        bool moves = i < PAIR || (i % 7 != 6 && i % 11 != 10);
        for (int t = 1; moves && t <= steps; t++) {
            for (size_t k = 0; k < length; k++) g[k] = 2 * (w[k] + pair[k] - 1) / (double)length;
            update(o, true, t, w, g, (moments){m[0], v[0]}, length);
            if (other) update(o, true, t, pair, g, (moments){m[1], v[1]}, length);
        }
        nx_param_export(r->params->items[i], got);
        assert_true(test_close(r->params->items[i]->name, got, w, NX_VECTOR((int)length), 1e-5));
        void *all[] = {start, other, got, w, pair, g, m[0], m[1], v[0], v[1]};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
    }
}

/* One launch moves all of them; on a device that allows small allocations only, a few do, to the same bits. */
static void all_parameters_move_in_one_launch(void **state)
{
    (void)state;
    enum { RUNS = 3 };
    static const char *const families[] = {"cpu", "gpu"};
    for (int family = 0; family < 2; family++)
        for (int k = 0; k < PROBLEMS; k++) {
            const nx_optimizer_options *o = &problems[k].options;
            const char *kernel = o->method == NX_OPTIMIZER_ADAM ? "adam" : "sgd";
            nx_error err = {""};
            nx_device *device;
            nx_device_options options = test_options(families[family]);
            options.profile = true;
            if (!nx_device_open(&device, &options, &err)) fail_msg("%s", err.text);
            float whole[LONGEST], part[LONGEST];
            many r[2];
            for (int small = 0; small < 2; small++) {
                if (small) device->info.max_alloc = 100000;
                r[small] = record_many(device, *o);
                for (int t = 1; t <= 1 + RUNS; t++) { /* the first is not in the profile */
                    nx_optimizer_rate(r[small].optimizer, r[small].plan, (uint64_t)t, rate_of(t));
                    nx_plan_run(r[small].plan);
                }
                assert_int_equal(chunks_of(r[small].g) > 1, small);
                assert_int_equal(r[small].params->n_blocks > 1, small);
                assert_many(&r[small], o, 1 + RUNS);
            }
            assert_int_equal(launches(&r[0], kernel, RUNS), 1);
            assert_in_range(launches(&r[1], kernel, RUNS), 2, MANY / 2);
            for (int i = 0; i < MANY; i++) {
                nx_param_export(r[0].params->items[i], whole);
                nx_param_export(r[1].params->items[i], part);
                assert_memory_equal(whole, part, nx_shape_count(r[0].params->items[i]->shape) * sizeof(float));
            }
            free_many(&r[0]);
            free_many(&r[1]);
            nx_device_free(device);
        }
}

int main(void)
{
    nx_log_set(NX_LOG_WARN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_steps_are_those_in_double),
        cmocka_unit_test(epsilon_is_placed_as_in_torch7),
        cmocka_unit_test(a_quadratic_is_descended),
        cmocka_unit_test(all_parameters_move_in_one_launch),
    };
    int failed = cmocka_run_group_tests_name("optimizers", tests, NULL, NULL);
    test_device_close();
    return failed != 0;
}
