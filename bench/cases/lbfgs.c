/* Cases of framework/nn/lbfgs: against itself in double as the textbook writes it, step beside step, with pairs as the
 * history keeps them; options: those of nx_lbfgs_new. */
#include "nn/lbfgs.h"

#include "base/bfloat16.h"
#include "base/memory.h"
#include "device/memory.h"
#include "op_case.h"
#include "op_check.h"

#include <math.h>
#include <stdlib.h>

enum { COUNT = 5000, STEPS = 25, EVERY = 4 };

/* The sum of curvature (x - centre)^2 / 2; gives its gradient. */
static void bowl(const double *x, double *gradient)
{
    for (size_t i = 0; i < COUNT; i++) gradient[i] = pow(10, -3. * (double)(i % 97) / 96) * (x[i] - 3 * sin((double)i));
}

/* ---- on the device ---- */

typedef struct place {
    nx_device *device;
    cl_mem x, gradient;
} place;

/* Leaves x in `wide`, the gradient there on the device. */
static void evaluate(const place *p, float *x, double *wide)
{
    double gradient[COUNT];
    nx_buffer_read(p->device, p->x, x, COUNT * sizeof *x);
    for (size_t i = 0; i < COUNT; i++) wide[i] = (double)x[i];
    bowl(wide, gradient);
    for (size_t i = 0; i < COUNT; i++) x[i] = (float)gradient[i];
    nx_buffer_write(p->device, p->gradient, x, COUNT * sizeof *x);
}

/* ---- in double ---- */

typedef struct textbook {
    nx_lbfgs_options options;
    int k; /* steps done */
    double x[COUNT], g[COUNT], before[COUNT], d[COUNT];
    double s[STEPS][COUNT], y[STEPS][COUNT], alpha[STEPS];
} textbook;

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < COUNT; i++) sum += a[i] * b[i];
    return sum;
}

/* As the history keeps it. */
static double kept(const textbook *b, double v)
{
    return b->options.float32 ? v : (double)nx_from_bfloat16(nx_to_bfloat16((float)v));
}

/* Whether x stands at a bound that direction d leads out of. */
static bool stands(const textbook *b, size_t i, double d)
{
    const nx_lbfgs_options *o = &b->options;
    if (!o->channels) return false;
    size_t channel = i % (size_t)o->channels;
    return d < 0 ? b->x[i] <= (double)o->lower[channel] : d > 0 && b->x[i] >= (double)o->upper[channel];
}

static double within(const textbook *b, size_t i, double x)
{
    const nx_lbfgs_options *o = &b->options;
    if (!o->channels) return x;
    size_t channel = i % (size_t)o->channels;
    return fmin(fmax(x, (double)o->lower[channel]), (double)o->upper[channel]);
}

static void textbook_step(textbook *b)
{
    int k = b->k++, oldest = k > b->options.history ? k - b->options.history : 0;
    double t = 1, *d = b->d;
    bowl(b->x, b->g);
    for (size_t i = 0; i < COUNT; i++) {
        bool held = stands(b, i, -b->g[i]);
        if (k) b->y[k - 1][i] = held ? 0 : kept(b, b->g[i] - b->before[i]);
        if (k && held) b->s[k - 1][i] = 0;
        b->before[i] = b->g[i];
        if (held) b->g[i] = 0;
        d[i] = -b->g[i];
    }
    for (int j = k; j-- > oldest;) {
        b->alpha[j] = dot(b->s[j], d) / dot(b->s[j], b->y[j]);
        for (size_t i = 0; i < COUNT; i++) d[i] -= b->alpha[j] * b->y[j][i];
    }
    if (k) {
        double scale = dot(b->s[k - 1], b->y[k - 1]) / dot(b->y[k - 1], b->y[k - 1]);
        for (size_t i = 0; i < COUNT; i++) d[i] *= scale;
    } else {
        double sum = 0, most = 0;
        for (size_t i = 0; i < COUNT; i++) sum += fabs(b->g[i]), most = fmax(most, fabs(b->g[i]));
        t = fmax(1 / sum, (double)b->options.first / most);
    }
    for (int j = oldest; j < k; j++) {
        double beta = b->alpha[j] - dot(b->y[j], d) / dot(b->s[j], b->y[j]);
        for (size_t i = 0; i < COUNT; i++) d[i] += beta * b->s[j][i];
    }
    for (size_t i = 0; i < COUNT; i++) {
        double to = stands(b, i, -b->before[i]) ? b->x[i] : within(b, i, b->x[i] + t * d[i]);
        b->s[k][i] = kept(b, to - b->x[i]);
        b->x[i] = to;
    }
}

/* ---- side by side ---- */

static double lbfgs_check(nx_device *device, const op_case *c)
{
    const nx_lbfgs_options *options = c->options;
    nx_params *params = nx_params_new();
    nx_param *param = nx_param_add(params, "x", NX_VECTOR(COUNT), 1);
    nx_params_realize(params, device);
    place p = {device, param->buffer, nx_buffer_new(device, COUNT * sizeof(float), NX_MEMORY_ARENA)};
    nx_tensor gradient = {.buffer = p.gradient};
    nx_lbfgs_function f = {.x = param, .gradient = &gradient};
    nx_lbfgs *o = nx_lbfgs_new(COUNT, *options);
    nx_lbfgs_realize(o, device);
    textbook *b = nx_alloc(sizeof *b);
    b->options = *options;
    float *x = nx_alloc(COUNT * sizeof *x);
    double *wide = nx_alloc(COUNT * sizeof *wide), value = 1, worst = 0; /* without a line search: any number */
    for (int k = 0; k < STEPS && worst < INFINITY; k++) {
        evaluate(&p, x, wide);
        if (nx_lbfgs_step(o, &f, &value, 1) != NX_LBFGS_MOVED) worst = INFINITY;
        textbook_step(b);
        if (k % EVERY) continue;
        nx_buffer_read(device, p.x, x, COUNT * sizeof *x);
        worst = fmax(worst, op_difference(x, b->x, COUNT, NULL));
    }
    nx_lbfgs_free(o);
    nx_buffer_free(device, p.gradient);
    nx_params_free(params);
    free(b);
    free(x);
    free(wide);
    return worst;
}

static void lbfgs_programs(const nx_device_info *info, const op_case *c, nx_program_list *out)
{
    nx_lbfgs_programs(*(const nx_lbfgs_options *)c->options, info, out);
}

/* The history wraps around several times. A first step of a quarter: of 1 / sum |g| gradients in single precision tell
 * little. */
#define OPTIONS(...)                                                                                                   \
    .options = &(const nx_lbfgs_options) { .history = 6, .first = 0.25f, __VA_ARGS__ }

/* Of centres from -3 to 3 about a third lies beyond. */
#define BOUNDS .channels = 3, .lower = {-1, -2.5f, -10}, .upper = {2.9f, 1, 2}

static const op_case rows[] = {
    CHECKED_ROW(lbfgs, "float32", OPTIONS(.float32 = true), .tolerance = 2e-4, .doctor = true),
    CHECKED_ROW(lbfgs, "bfloat16", OPTIONS(.float32 = false), .tolerance = 1e-2,
                .doctor = true), /* a few are rounded otherwise */
    CHECKED_ROW(lbfgs, "bounds", OPTIONS(.float32 = true, BOUNDS), .tolerance = 2e-4, .doctor = true),
    CHECKED_ROW(lbfgs, "bounds, bfloat16", OPTIONS(.float32 = false, BOUNDS), .tolerance = 2e-2),
};

OP_TABLE(lbfgs, rows);
