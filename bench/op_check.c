/* The check of an operator case.
 *
 * One reference serves three checks. Forward, element by element. Backward, some elements of each gradient by central
 * differences. And, as no few elements speak for all, the slope along a direction that moves every element: sum dx v.
 * v is not around zero, so that an error which is the same everywhere shows, too. */
#include "op_check.h"

#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "ops/add.h"
#include "ops/conv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE          2e-6 /* the usual ones */
#define GRADIENT_TOLERANCE 1e-5
#define SLOPE_TOLERANCE    1e-4 /* of the slope along a direction, relative to the sum of its parts' magnitudes */
#define STEP               1e-5 /* of differences */
enum { PROBES = 24 };

/* ---- values ---- */

static nx_rng rng_of(const op_case *c, const char *what, int i)
{
    char *name = nx_format("%s/%s%d", c->name, what, i);
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

static double *doubles(const float *values, size_t count)
{
    double *out = nx_alloc(count * sizeof *out);
    for (size_t i = 0; i < count; i++) out[i] = (double)values[i];
    return out;
}

/* ---- findings ---- */

double op_difference(const float *got, const double *want, size_t count, size_t *place)
{
    double largest = 1e-30, worst = -1;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - want[i]);
        if (fabs(want[i]) > largest) largest = fabs(want[i]);
        if (isnan(difference)) difference = INFINITY;
        if (difference <= worst) continue;
        worst = difference;
        if (place) *place = i;
    }
    return worst / largest;
}

static double allowed(const nx_device *device, const op_case *c, const op_strictness *s, double tolerance)
{
    static const double least[][NX_PRECISIONS] = {[NX_FAMILY_CPU] = {[NX_TF32] = 5e-3, [NX_BF16] = 5e-2},
                                                  [NX_FAMILY_GPU] = {[NX_TF32] = 5e-3, [NX_BF16] = 2.5e-2}};
    double most = tolerance * (s->slack != 0 ? s->slack : 1);
    return op_is_convolution(c) ? fmax(most, least[device->info.family][device->info.precision]) : most;
}

/* Of one element of a tensor. */
static void say_where(op_finding *f, nx_shape s, size_t place, double got, double want)
{
    size_t c = place % (size_t)s.c, pixel = place / (size_t)s.c, w = pixel % (size_t)s.w, row = pixel / (size_t)s.w;
    snprintf(f->where, sizeof f->where, " (allowed %.2g) at [%zu][%zu][%zu][%zu]: %.9g, should be %.9g", f->allowed,
             row / (size_t)s.h, row % (size_t)s.h, w, c, got, want);
}

static void next(const op_strictness *s, const op_case *c, const char *what)
{
    if (s->next) s->next(s->context, c, what);
}

/* ---- running ---- */

static nx_plan *planned(nx_graph *g)
{
    nx_error err = {""};
    nx_plan *plan;
    if (!nx_plan_new(&plan, g, &err)) nx_die("%s", err.text);
    return plan;
}

nx_plan *op_plan(nx_device *device, nx_graph *g)
{
    nx_plan *plan = planned(g);
    nx_plan_realize(plan, device);
    return plan;
}

void op_graph_programs(nx_graph *g, nx_program_list *out)
{
    nx_plan *plan = planned(g);
    nx_plan_programs(plan, out);
    nx_plan_free(plan);
}

typedef struct trial { /* a case on its way through the device */
    const op_case *c;
    bool in_place;
    unsigned no_gradient;
    int n_in;
    nx_graph *g;
    float *values[OP_INPUTS];
    nx_tensor *written[OP_INPUTS], *x[OP_INPUTS], *y;
} trial;

/* An input; in place, it is the half of what it gives: a node's value. */
static nx_tensor *entered(nx_graph *g, nx_shape shape, bool in_place, nx_tensor **written)
{
    *written = nx_input(g, shape, "x");
    return in_place ? nx_add(g, *written, *written) : *written;
}

static void write_entered(nx_plan *plan, nx_tensor *written, bool in_place, const float *values)
{
    size_t count = nx_shape_count(written->shape);
    float *parts = nx_alloc(count * sizeof *parts);
    for (size_t i = 0; i < count; i++) parts[i] = in_place ? values[i] / 2 : values[i];
    nx_plan_write(plan, written, parts);
    free(parts);
}

static trial trial_new(const nx_device_info *info, const op_case *c, const op_strictness *s)
{
    trial t = {.c = c,
               .in_place = s->in_place,
               .no_gradient = c->no_gradient | s->no_gradient,
               .n_in = op_inputs(c),
               .g = nx_graph_new(info)};
    for (int i = 0; i < t.n_in; i++) t.x[i] = entered(t.g, c->in[i], t.in_place, &t.written[i]);
    t.y = nx_keep(c->build(t.g, t.x, c));
    NX_CHECK(nx_shape_equal(t.y->shape, c->out), "%s gives %d x %d x %d x %d", c->name, t.y->shape.n, t.y->shape.h,
             t.y->shape.w, t.y->shape.c);
    return t;
}

static void trial_free(trial *t)
{
    nx_graph_free(t->g);
    for (int i = 0; i < t->n_in; i++) free(t->values[i]);
}

static void trial_fill(trial *t)
{
    for (int i = 0; i < t->n_in; i++) t->values[i] = values_of(t->c, i);
}

static void trial_run(const trial *t, nx_plan *plan)
{
    for (int i = 0; i < t->n_in; i++) write_entered(plan, t->written[i], t->in_place, t->values[i]);
    nx_plan_run(plan);
}

/* ---- forward ---- */

static op_finding own_check(nx_device *device, const op_case *c, double most)
{
    op_finding f = {.error = c->check(device, c), .allowed = most};
    f.good = f.error <= most;
    if (f.good) return f;
    snprintf(f.wrong, sizeof f.wrong, "is off by %.2g", f.error);
    snprintf(f.where, sizeof f.where, " (allowed %.2g)", most);
    return f;
}

op_finding op_check_forward(nx_device *device, const op_case *c, const op_strictness *strictness)
{
    double most = allowed(device, c, strictness, c->tolerance != 0 ? c->tolerance : TOLERANCE);
    if (c->check) {
        next(strictness, c, "compiling, running");
        return own_check(device, c, most);
    }
    trial t = trial_new(&device->info, c, strictness);
    size_t count = nx_shape_count(c->out), place = 0;
    trial_fill(&t);
    float *got[2] = {nx_alloc(count * sizeof(float)), nx_alloc(count * sizeof(float))};
    double *in[OP_INPUTS], *want = nx_alloc(count * sizeof *want);
    next(strictness, c, "compiling");
    nx_plan *plan = op_plan(device, t.g);
    for (int run = 0; run < 2; run++) {
        next(strictness, c, run ? "running again" : "compiling, running"); /* some drivers compile what is run first */
        trial_run(&t, plan);
        nx_plan_read(plan, t.y, got[run]);
    }
    nx_plan_free(plan);
    next(strictness, c, "comparing");
    for (int i = 0; i < t.n_in; i++) in[i] = doubles(t.values[i], nx_shape_count(c->in[i]));
    c->reference(c, (const double *const *)in, want);
    op_finding f = {.error = op_difference(got[0], want, count, &place), .allowed = most};
    bool same = !memcmp(got[0], got[1], count * sizeof(float));
    f.good = same && f.error <= most;
    if (!same) {
        snprintf(f.wrong, sizeof f.wrong, "differs between two runs");
    } else if (!f.good) {
        snprintf(f.wrong, sizeof f.wrong, "is off by %.2g", f.error);
        say_where(&f, c->out, place, (double)got[0][place], want[place]);
    }
    for (int i = 0; i < t.n_in; i++) free(in[i]);
    free(want);
    free(got[0]);
    free(got[1]);
    trial_free(&t);
    return f;
}

/* ---- gradients ---- */

/* s = sum(y r), whose value nobody asks for: its gradient by y is r, which enters as the inputs do. */
static void weighted_gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)dy, (void)want;
    const bool *in_place = node->attr;
    dx[0] = *in_place ? nx_add(g, node->in[1], node->in[1]) : node->in[1];
}

static void weighted_bind(nx_plan *plan, nx_node *node) { (void)plan, (void)node; }

static const nx_op weighted_op = {.name = "weighted", .gradient = weighted_gradient, .bind = weighted_bind};

typedef struct slopes { /* what the reference says of sum(y r) */
    const op_case *c;
    double *in[OP_INPUTS], *r, *y;
} slopes;

static double weighted(const slopes *s)
{
    size_t count = nx_shape_count(s->c->out);
    double sum = 0;
    memset(s->y, 0, count * sizeof *s->y);
    s->c->reference(s->c, (const double *const *)s->in, s->y);
    for (size_t i = 0; i < count; i++) sum += s->y[i] * s->r[i];
    return sum;
}

/* By one element of input i. */
static double slope_at(const slopes *s, int i, size_t at)
{
    double *x = &s->in[i][at], still = *x;
    *x = still + STEP;
    double above = weighted(s);
    *x = still - STEP;
    double slope = (above - weighted(s)) / (2 * STEP);
    *x = still;
    return slope;
}

/* When all of input i moves along v. */
static double slope_along(slopes *s, int i, const double *v)
{
    size_t count = nx_shape_count(s->c->in[i]);
    double *still = s->in[i], *moved = nx_alloc(count * sizeof *moved), sum[2];
    s->in[i] = moved;
    for (int side = 0; side < 2; side++) {
        for (size_t k = 0; k < count; k++) moved[k] = still[k] + (side ? STEP : -STEP) * v[k];
        sum[side] = weighted(s);
    }
    s->in[i] = still;
    free(moved);
    return (sum[1] - sum[0]) / (2 * STEP);
}

/* Says so if the gradient by input i is off by more than is allowed. */
static void judge(op_finding *f, int i, double error, double most)
{
    f->error = error;
    f->allowed = most;
    f->good = error <= most;
    if (!f->good) snprintf(f->wrong, sizeof f->wrong, "has a wrong gradient by input %d, off by %.2g", i + 1, error);
}

static void check_elements(op_finding *f, const slopes *s, int i, const float *got, double most)
{
    const op_case *c = s->c;
    size_t count = nx_shape_count(c->in[i]), probes = c->probes ? (size_t)c->probes : PROBES, place = 0;
    nx_rng rng = rng_of(c, "probe", i);
    double largest = 1e-30, worst = -1, should = 0;
    for (size_t k = 0; k < count; k++) largest = fmax(largest, fabs((double)got[k]));
    for (size_t k = 0; k < (probes < count ? probes : count); k++) {
        size_t at = probes < count ? nx_rng_below(&rng, (uint32_t)count) : k;
        double slope = slope_at(s, i, at), difference = fabs(slope - (double)got[at]);
        largest = fmax(largest, fabs(slope));
        if (isnan(difference)) difference = INFINITY;
        if (difference > worst) worst = difference, place = at, should = slope;
    }
    judge(f, i, worst / largest, most);
    if (!f->good) say_where(f, c->in[i], place, (double)got[place], should);
}

static void check_direction(op_finding *f, slopes *s, int i, const float *got, double most)
{
    size_t count = nx_shape_count(s->c->in[i]);
    double *v = nx_alloc(count * sizeof *v), slope = 0, parts = 1e-30;
    nx_rng rng = rng_of(s->c, "direction", i);
    for (size_t k = 0; k < count; k++) {
        v[k] = 2 * (double)nx_rng_uniform(&rng) - 0.5;
        slope += (double)got[k] * v[k];
        parts += fabs((double)got[k] * v[k]);
    }
    double should = slope_along(s, i, v), error = fabs(slope - should) / parts;
    judge(f, i, isnan(error) ? INFINITY : error, most);
    if (!f->good)
        snprintf(f->where, sizeof f->where, " (allowed %.2g) along a direction: %.9g, should be %.9g", most, slope,
                 should);
    free(v);
}

/* Where the gradient is no derivative: against its own reference. */
static void check_formula(op_finding *f, const slopes *s, const float *got, double most)
{
    size_t count = nx_shape_count(s->c->in[0]), place = 0;
    double *want = nx_alloc(count * sizeof *want);
    s->c->gradient(s->c, (const double *const *)s->in, s->r, want);
    judge(f, 0, op_difference(got, want, count, &place), most);
    if (!f->good) say_where(f, s->c->in[0], place, (double)got[place], want[place]);
    free(want);
}

/* got: of both runs. */
static op_finding check_input(nx_device *device, slopes *s, int i, float *const got[2], const op_strictness *strictness)
{
    const op_case *c = s->c;
    op_finding f = {.good = true};
    double most =
        allowed(device, c, strictness, c->gradient_tolerance != 0 ? c->gradient_tolerance : GRADIENT_TOLERANCE);
    if (memcmp(got[0], got[1], nx_shape_count(c->in[i]) * sizeof(float))) {
        f.good = false;
        snprintf(f.wrong, sizeof f.wrong, "has a gradient by input %d that differs between two runs", i + 1);
    } else if (c->gradient) {
        check_formula(&f, s, got[0], most);
    } else {
        check_elements(&f, s, i, got[0], most);
        if (f.good) check_direction(&f, s, i, got[0], fmax(SLOPE_TOLERANCE, allowed(device, c, strictness, 0)));
    }
    return f;
}

/* The gradients of sum(y r), dx[k] by input which[k], for as many inputs as have one; gives how many. */
static size_t trial_differentiate(const trial *t, nx_tensor *r, nx_tensor *dx[OP_INPUTS], int which[OP_INPUTS])
{
    nx_tensor *s = nx_node_single(t->g, &weighted_op, &t->in_place, sizeof t->in_place, NX_SCALAR, t->y, r, NULL, NULL),
              *wrt[OP_INPUTS];
    size_t n = 0;
    for (int i = 0; i < t->n_in; i++)
        if (!(t->no_gradient >> i & 1)) {
            wrt[n] = t->x[i];
            which[n++] = i;
        }
    nx_gradient(t->g, s, wrt, n, dx);
    for (size_t k = 0; k < n; k++) {
        NX_CHECK(dx[k], "%s: no gradient by input %d", t->c->name, which[k] + 1);
        nx_keep(dx[k]);
    }
    return n;
}

void op_case_programs(const nx_device_info *info, const op_case *c, unsigned no_gradient, nx_program_list *out)
{
    if (c->check) {
        c->programs(info, c, out);
        return;
    }
    for (int backward = 0; backward <= op_has_gradient(c, no_gradient); backward++) {
        trial t = trial_new(info, c, &(op_strictness){.no_gradient = no_gradient});
        nx_tensor *dx[OP_INPUTS];
        int which[OP_INPUTS];
        if (backward) trial_differentiate(&t, nx_input(t.g, c->out, "r"), dx, which);
        op_graph_programs(t.g, out);
        trial_free(&t);
    }
}

/* Where operands are rounded, a sum next to the kink of a ReLU may be on its other side: nothing is asked of its
 * gradient. */
static void leave_kinks(const nx_device *device, const op_case *c, const op_strictness *s, double *const *in, float *r)
{
    if (device->info.precision == NX_FP32 || !op_is_convolution(c)) return;
    const nx_conv_options *o = c->options;
    if (o->activation != NX_ACTIVATION_RELU && o->activation != NX_ACTIVATION_LEAKY_RELU) return;
    nx_conv_options linear = *o;
    op_case sum = *c;
    linear.activation = NX_ACTIVATION_NONE;
    sum.options = &linear;
    size_t count = nx_shape_count(c->out);
    double *y = nx_alloc(count * sizeof *y), largest = 0;
    c->reference(&sum, (const double *const *)in, y);
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(y[i]));
    for (size_t i = 0; i < count; i++)
        if (fabs(y[i]) <= allowed(device, c, s, 0) * largest) r[i] = 0;
    free(y);
}

op_finding op_check_gradient(nx_device *device, const op_case *c, const op_strictness *strictness)
{
    trial t = trial_new(&device->info, c, strictness);
    trial_fill(&t);
    size_t count = nx_shape_count(c->out);
    float *r = nx_alloc(count * sizeof *r), *got[OP_INPUTS][2] = {{NULL}};
    nx_rng rng = rng_of(c, "weights", 0);
    for (size_t i = 0; i < count; i++) r[i] = 2 * nx_rng_uniform(&rng) - 1;
    slopes reference = {.c = c, .y = nx_alloc(count * sizeof(double))};
    for (int i = 0; i < t.n_in; i++) reference.in[i] = doubles(t.values[i], nx_shape_count(c->in[i]));
    leave_kinks(device, c, strictness, reference.in, r);
    reference.r = doubles(r, count);
    nx_tensor *weights = nx_input(t.g, c->out, "r"), *dx[OP_INPUTS];
    int which[OP_INPUTS];
    size_t n = trial_differentiate(&t, weights, dx, which);
    next(strictness, c, "compiling the gradient");
    nx_plan *plan = op_plan(device, t.g);
    for (int run = 0; run < 2; run++) {
        next(strictness, c, run ? "running the gradient again" : "compiling, running the gradient");
        write_entered(plan, weights, strictness->in_place, r);
        trial_run(&t, plan);
        for (size_t k = 0; k < n; k++) {
            got[k][run] = nx_alloc(nx_shape_count(dx[k]->shape) * sizeof(float));
            nx_plan_read(plan, dx[k], got[k][run]);
        }
    }
    nx_plan_free(plan);

    op_finding f = {.good = true};
    next(strictness, c, "comparing the gradient");
    for (size_t k = 0; k < n && f.good; k++) f = check_input(device, &reference, which[k], got[k], strictness);
    for (size_t k = 0; k < n; k++) {
        free(got[k][0]);
        free(got[k][1]);
    }
    for (int i = 0; i < t.n_in; i++) free(reference.in[i]);
    free(reference.r);
    free(reference.y);
    free(r);
    trial_free(&t);
    return f;
}
