/* The check of an operator case.
 *
 * Every input of the operation is made on the device, as a + a of an uploaded half, and so is the gradient that enters
 * it: values made by nodes may be overwritten by operations that work in place, uploaded ones may not. */
#include "harness.h"

#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "graph/plan.h"
#include "ops/add.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nx_device *shared;

nx_device_options test_options(const char *kernels)
{
    return (nx_device_options){.name = getenv("NSTX_DEVICE"),
                               .kernels = kernels,
                               .sources = getenv("NSTX_CL"),
                               .poison = getenv("NSTX_POISON") != NULL};
}

nx_device *test_device(void)
{
    nx_error err = {""};
    const char *kernels = getenv("NSTX_TEST_KERNELS");
    nx_device_options options = test_options(kernels ? kernels : "cpu");
    if (!shared && !nx_device_open(&shared, &options, &err)) nx_die("%s", err.text);
    return shared;
}

void test_device_close(void)
{
    nx_device_free(shared);
    shared = NULL;
}

/* ---- values ---- */

static nx_rng rng_of(const op_case *c, const char *what, int i)
{
    char *name = nx_format("%s/%s/%s%d", c->op, c->name, what, i);
    nx_rng rng = nx_rng_new(1, nx_stream(name));
    free(name);
    return rng;
}

/* The values of input i of a case, the same in every run. Owned by the caller. */
static float *values_of(const op_case *c, int i)
{
    size_t count = nx_shape_count(c->in[i]);
    op_range range = c->range[i];
    if (range.low == range.high) range.low = -1, range.high = 1;
    float *values = nx_alloc(count * sizeof *values), span = range.high - range.low;
    nx_rng rng = rng_of(c, "input", i);
    for (size_t k = 0; k < count; k++) {
        if (range.kind == VALUES_UNIFORM) {
            values[k] = range.low + span * nx_rng_uniform(&rng);
        } else { /* a quarter of a step off the middle: an even grid around 0 has its nearest value there */
            values[k] = range.low + span * ((float)k + .25f) / (float)count;
        }
    }
    for (size_t k = count; range.kind == VALUES_GRID && k-- > 1;) {
        size_t other = nx_rng_below(&rng, (uint32_t)k + 1);
        float swap = values[k];
        values[k] = values[other];
        values[other] = swap;
    }
    return values;
}

/* ---- comparing ---- */

bool test_close(const char *what, const float *got, const double *want, nx_shape s, double tolerance)
{
    double largest = 0, worst = -1;
    size_t place = 0, count = nx_shape_count(s);
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - want[i]);
        if (fabs(want[i]) > largest) largest = fabs(want[i]);
        if (isnan(difference)) difference = INFINITY;
        if (difference > worst) worst = difference, place = i;
    }
    if (worst <= tolerance * largest) return true;
    size_t c = place % (size_t)s.c, pixel = place / (size_t)s.c, w = pixel % (size_t)s.w, row = pixel / (size_t)s.w;
    fprintf(stderr, "%s: off by %.3g of %.3g (%.2g, allowed %.2g) at [%zu][%zu][%zu][%zu]: %.9g, should be %.9g\n",
            what, worst, largest, worst / largest, tolerance, row / (size_t)s.h, row % (size_t)s.h, w, c,
            (double)got[place], want[place]);
    return false;
}

static bool same_bits(const char *what, const float *a, const float *b, size_t count)
{
    if (!memcmp(a, b, count * sizeof *a)) return true;
    fprintf(stderr, "%s: two runs differ\n", what);
    return false;
}

/* ---- running ---- */

static nx_plan *realized(nx_device *device, nx_graph *g)
{
    nx_error err = {""};
    nx_plan *plan;
    if (!nx_plan_new(&plan, g, &err)) nx_die("%s", err.text);
    nx_plan_realize(plan, device);
    return plan;
}

float *test_run(nx_device *device, nx_graph *g, nx_tensor *const *in, float *const *values, int count, nx_tensor *y)
{
    nx_keep(y);
    nx_plan *plan = realized(device, g);
    for (int i = 0; i < count; i++) nx_plan_write(plan, in[i], values[i]);
    nx_plan_run(plan);
    float *out = nx_alloc(nx_shape_count(y->shape) * sizeof *out);
    nx_plan_read(plan, y, out);
    nx_plan_free(plan);
    return out;
}

typedef struct trial { /* a case on its way through the device */
    const op_case *c;
    int n_in;
    nx_graph *g;
    float *values[OP_INPUTS];
    nx_tensor *half[OP_INPUTS], *x[OP_INPUTS], *y;
} trial;

/* A tensor with these values that is made by a node; *half is the input to be written with halves(values). */
static nx_tensor *made(nx_graph *g, nx_shape shape, nx_tensor **half)
{
    *half = nx_input(g, shape, "half");
    return nx_add(g, *half, *half);
}

static void write_half(nx_plan *plan, nx_tensor *half, const float *values)
{
    size_t count = nx_shape_count(half->shape);
    float *halves = nx_alloc(count * sizeof *halves);
    for (size_t i = 0; i < count; i++) halves[i] = values[i] / 2;
    nx_plan_write(plan, half, halves);
    free(halves);
}

static trial trial_new(nx_device *device, const op_case *c)
{
    trial t = {.c = c, .n_in = op_inputs(c), .g = nx_graph_new(&device->info)};
    for (int i = 0; i < t.n_in; i++) {
        t.values[i] = values_of(c, i);
        t.x[i] = made(t.g, c->in[i], &t.half[i]);
    }
    t.y = nx_keep(c->build(t.g, t.x, c));
    NX_CHECK(nx_shape_equal(t.y->shape, c->out), "%s/%s gives %d x %d x %d x %d", c->op, c->name, t.y->shape.n,
             t.y->shape.h, t.y->shape.w, t.y->shape.c);
    return t;
}

static void trial_free(trial *t)
{
    nx_graph_free(t->g);
    for (int i = 0; i < t->n_in; i++) free(t->values[i]);
}

static void trial_run(const trial *t, nx_plan *plan)
{
    for (int i = 0; i < t->n_in; i++) write_half(plan, t->half[i], t->values[i]);
    nx_plan_run(plan);
}

static double *doubles(const float *values, size_t count)
{
    double *out = nx_alloc(count * sizeof *out);
    for (size_t i = 0; i < count; i++) out[i] = values[i];
    return out;
}

bool test_forward(nx_device *device, const op_case *c)
{
    trial t = trial_new(device, c);
    size_t count = nx_shape_count(c->out);
    float *got[2] = {nx_alloc(count * sizeof(float)), nx_alloc(count * sizeof(float))};
    double *in[OP_INPUTS], *want = nx_alloc(count * sizeof *want);
    nx_plan *plan = realized(device, t.g);
    for (int run = 0; run < 2; run++) {
        trial_run(&t, plan);
        nx_plan_read(plan, t.y, got[run]);
    }
    nx_plan_free(plan);
    for (int i = 0; i < t.n_in; i++) in[i] = doubles(t.values[i], nx_shape_count(c->in[i]));
    c->reference(c, (const double *const *)in, want);
    char *what = nx_format("%s/%s", c->op, c->name);
    bool good = test_close(what, got[0], want, c->out, c->tolerance ? c->tolerance : 2e-6);
    good &= same_bits(what, got[0], got[1], count);
    for (int i = 0; i < t.n_in; i++) free(in[i]);
    free(what);
    free(want);
    free(got[0]);
    free(got[1]);
    trial_free(&t);
    return good;
}

/* ---- gradients ---- */

/* s = sum(y r), whose value nobody asks for: its gradient by y is r. */
static void weighted_gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)dy, (void)want;
    dx[0] = nx_add(g, node->in[1], node->in[1]);
}

static void weighted_bind(nx_plan *plan, nx_node *node) { (void)plan, (void)node; }

static const nx_op weighted_op = {.name = "weighted", .gradient = weighted_gradient, .bind = weighted_bind};

static double weighted(const op_case *c, double *const *in, const double *r, double *y)
{
    size_t count = nx_shape_count(c->out);
    double sum = 0;
    memset(y, 0, count * sizeof *y);
    c->reference(c, (const double *const *)in, y);
    for (size_t i = 0; i < count; i++) sum += y[i] * r[i];
    return sum;
}

static bool check_input(const op_case *c, int i, double *const *in, const double *r, double *y, const float *got)
{
    const double step = 1e-5;
    size_t count = nx_shape_count(c->in[i]), probes = c->probes ? (size_t)c->probes : 24;
    nx_rng rng = rng_of(c, "probe", i);
    double largest = 0, worst = -1, should = 0;
    size_t place = 0;
    for (size_t k = 0; k < count; k++) largest = fmax(largest, fabs((double)got[k]));
    for (size_t k = 0; k < (probes < count ? probes : count); k++) {
        size_t at = probes < count ? nx_rng_below(&rng, (uint32_t)count) : k;
        double x = in[i][at];
        in[i][at] = x + step;
        double above = weighted(c, in, r, y);
        in[i][at] = x - step;
        double slope = (above - weighted(c, in, r, y)) / (2 * step), difference = fabs(slope - (double)got[at]);
        in[i][at] = x;
        largest = fmax(largest, fabs(slope));
        if (isnan(difference)) difference = INFINITY;
        if (difference > worst) worst = difference, place = at, should = slope;
    }
    double tolerance = c->gradient_tolerance ? c->gradient_tolerance : 1e-5;
    if (worst <= tolerance * largest) return true;
    fprintf(stderr,
            "%s/%s: gradient by input %d off by %.3g of %.3g (%.2g, allowed %.2g) at %zu: %.9g, should be %.9g\n",
            c->op, c->name, i, worst, largest, worst / largest, tolerance, place, (double)got[place], should);
    return false;
}

bool test_gradient(nx_device *device, const op_case *c)
{
    trial t = trial_new(device, c);
    size_t count = nx_shape_count(c->out);
    float *half_r = nx_alloc(count * sizeof *half_r), *got[2][OP_INPUTS] = {{NULL}};
    double *r = nx_alloc(count * sizeof *r), *y = nx_alloc(count * sizeof *y), *in[OP_INPUTS];
    nx_rng rng = rng_of(c, "weights", 0);
    for (size_t i = 0; i < count; i++) r[i] = 2 * (double)(half_r[i] = nx_rng_uniform(&rng) - .5f);

    nx_tensor *weights = nx_input(t.g, c->out, "r"), *wrt[OP_INPUTS], *dx[OP_INPUTS];
    nx_tensor *s = nx_node_single(t.g, &weighted_op, NULL, 0, NX_SCALAR, t.y, weights, NULL, NULL);
    int which[OP_INPUTS];
    size_t n = 0;
    for (int i = 0; i < t.n_in; i++)
        if (!(c->no_gradient >> i & 1)) {
            wrt[n] = t.x[i];
            which[n++] = i;
        }
    nx_gradient(t.g, s, wrt, n, dx);
    for (size_t k = 0; k < n; k++) {
        NX_CHECK(dx[k], "%s/%s: no gradient by input %d", c->op, c->name, which[k]);
        nx_keep(dx[k]);
    }
    nx_plan *plan = realized(device, t.g);
    for (int run = 0; run < 2; run++) {
        nx_plan_write(plan, weights, half_r);
        trial_run(&t, plan);
        for (size_t k = 0; k < n; k++) {
            got[run][k] = nx_alloc(nx_shape_count(dx[k]->shape) * sizeof(float));
            nx_plan_read(plan, dx[k], got[run][k]);
        }
    }
    nx_plan_free(plan);

    bool good = true;
    for (int i = 0; i < t.n_in; i++) in[i] = doubles(t.values[i], nx_shape_count(c->in[i]));
    for (size_t k = 0; k < n; k++) {
        char *what = nx_format("%s/%s: gradient by input %d", c->op, c->name, which[k]);
        good &= check_input(c, which[k], in, r, y, got[0][k]);
        good &= same_bits(what, got[0][k], got[1][k], nx_shape_count(dx[k]->shape));
        free(what);
        free(got[0][k]);
        free(got[1][k]);
    }
    for (int i = 0; i < t.n_in; i++) free(in[i]);
    free(half_r);
    free(r);
    free(y);
    trial_free(&t);
    return good;
}
