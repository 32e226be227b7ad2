/* A table of small cases. Each records an operation on inputs of noise and has the same as naive loops of double.
 *
 * One reference serves two checks. Forward, element by element. Backward: with t of noise, the loss mean (y - t)^2 has
 * on the device the gradient dx; for a random direction v, sum dx v is the slope of the loss along v, which differences
 * of the reference give. t and v are not around zero, so that an error which is the same everywhere shows, too. */
#include "machine/selftest.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "graph/plan.h"
#include "nn/optimizer.h"
#include "ops/activation.h"
#include "ops/add.h"
#include "ops/affine.h"
#include "ops/channel_sum.h"
#include "ops/concat.h"
#include "ops/conv.h"
#include "ops/entropy.h"
#include "ops/gemm.h"
#include "ops/gram.h"
#include "ops/linear.h"
#include "ops/lrn.h"
#include "ops/mse.h"
#include "ops/norm.h"
#include "ops/pad.h"
#include "ops/pool.h"
#include "ops/random.h"
#include "ops/resize.h"
#include "ops/scale.h"
#include "ops/slice.h"
#include "ops/total_variation.h"
#include "ops/upsample.h"
#include "ops/weighted_sum.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 3 };

typedef struct sample sample;
struct sample {
    const char *name;
    nx_tensor *(*build)(nx_graph *g, nx_tensor *const *x);
    void (*reference)(const sample *s, const double *const *x, double *y); /* y is zeroed before */
    nx_shape in[INPUTS], out;
    enum { NORMAL, FORWARD_ONLY, BRIEF } form; /* BRIEF: also in the short form */
};

/* The element (n, h, w, c) of an NHWC array. */
static size_t at(nx_shape s, int n, int h, int w, int c)
{
    return (((size_t)n * (size_t)s.h + (size_t)h) * (size_t)s.w + (size_t)w) * (size_t)s.c + (size_t)c;
}

#define EACH(s)                                                                                                        \
    for (int n = 0; n < (s).n; n++)                                                                                    \
        for (int h = 0; h < (s).h; h++)                                                                                \
            for (int w = 0; w < (s).w; w++)                                                                            \
                for (int c = 0; c < (s).c; c++)

/* ---- convolution ---- */

/* The pixel that stands for i of an axis of `size`: -1 for zero. */
static int inside(int i, int size, nx_padding mode)
{
    if (i >= 0 && i < size) return i;
    if (mode == NX_PADDING_ZERO) return -1;
    if (mode == NX_PADDING_REPLICATE) return i < 0 ? 0 : size - 1;
    if (mode == NX_PADDING_CIRCULAR) return (i + size) % size;
    return i < 0 ? -i : 2 * (size - 1) - i;
}

static void convolve(const sample *s, const double *const *x, double *y, nx_conv_options o)
{
    nx_shape in = s->in[0], kernel = s->in[1];
    int stride = o.stride ? o.stride : 1;
    EACH(s->out)
    {
        double sum = x[2][c];
        for (int i = 0; i < kernel.n; i++)
            for (int k = 0; k < kernel.h; k++) {
                int row = inside(h * stride + i - o.pad, in.h, o.padding);
                int column = inside(w * stride + k - o.pad, in.w, o.padding);
                if (row < 0 || column < 0) continue;
                for (int f = 0; f < in.c; f++) sum += x[0][at(in, n, row, column, f)] * x[1][at(kernel, i, k, f, c)];
            }
        y[at(s->out, n, h, w, c)] = o.activation == NX_ACTIVATION_RELU && sum < 0 ? 0 : sum;
    }
}

#define CONV(name, ...)                                                                                                \
    static const nx_conv_options name##_options = {__VA_ARGS__};                                                       \
    static nx_tensor *name(nx_graph *g, nx_tensor *const *x) { return nx_conv(g, x[0], x[1], x[2], name##_options); }  \
    static void name##_sum(const sample *s, const double *const *x, double *y) { convolve(s, x, y, name##_options); }

CONV(conv, .pad = 1)
CONV(conv_wide, .pad = 4, .padding = NX_PADDING_REFLECT, .activation = NX_ACTIVATION_RELU)
CONV(conv_stride, .stride = 2, .pad = 1, .padding = NX_PADDING_REPLICATE)

static nx_tensor *transposed(nx_graph *g, nx_tensor *const *x)
{
    return nx_conv_transposed(g, x[0], x[1], x[2], (nx_conv_options){.stride = 2, .pad = 1, .output_pad = 1});
}

static void transposed_sum(const sample *s, const double *const *x, double *y)
{
    nx_shape in = s->in[0], kernel = s->in[1];
    EACH(s->out) y[at(s->out, n, h, w, c)] = x[2][c];
    EACH(in) for (int i = 0; i < kernel.n; i++) for (int k = 0; k < kernel.h; k++)
    {
        int row = 2 * h + i - 1, column = 2 * w + k - 1;
        if (row < 0 || column < 0 || row >= s->out.h || column >= s->out.w) continue;
        for (int f = 0; f < kernel.w; f++)
            y[at(s->out, n, row, column, f)] += x[0][at(in, n, h, w, c)] * x[1][at(kernel, i, k, f, c)];
    }
}

/* ---- products ---- */

static void product(const sample *s, const double *const *x, double *y, bool ta, bool tb)
{
    int depth = ta ? s->in[0].w : s->in[0].c;
    EACH(s->out)
    {
        double sum = 0;
        for (int k = 0; k < depth; k++)
            sum += x[0][at(s->in[0], n, 0, ta ? k : w, ta ? w : k)] * x[1][at(s->in[1], n, 0, tb ? c : k, tb ? k : c)];
        y[at(s->out, n, h, w, c)] = sum;
    }
}

#define PRODUCT(name, ta, tb)                                                                                          \
    static nx_tensor *name(nx_graph *g, nx_tensor *const *x)                                                           \
    {                                                                                                                  \
        return nx_gemm(g, x[0], x[1], (nx_gemm_options){.transpose_a = ta, .transpose_b = tb});                        \
    }                                                                                                                  \
    static void name##_sum(const sample *s, const double *const *x, double *y) { product(s, x, y, ta, tb); }

PRODUCT(gemm, false, false)
PRODUCT(gemm_ta, true, false)
PRODUCT(gemm_tb, false, true)

static nx_tensor *gram(nx_graph *g, nx_tensor *const *x) { return nx_gram(g, x[0], 0.01f); }

static void gram_sum(const sample *s, const double *const *x, double *y)
{
    nx_shape in = s->in[0];
    EACH(in)
    for (int k = 0; k < in.c; k++)
        y[at(s->out, n, 0, c, k)] += 0.01f * x[0][at(in, n, h, w, c)] * x[0][at(in, n, h, w, k)];
}

static nx_tensor *linear(nx_graph *g, nx_tensor *const *x)
{
    return nx_linear(g, x[0], x[1], x[2], NX_ACTIVATION_TANH, 0);
}

static void linear_sum(const sample *s, const double *const *x, double *y)
{
    int depth = s->in[1].w;
    EACH(s->out)
    {
        double sum = x[2][c];
        for (int k = 0; k < depth; k++) sum += x[0][n * depth + k] * x[1][k * s->out.c + c];
        y[n * s->out.c + c] = tanh(sum);
    }
}

/* ---- normalization and pooling ---- */

static nx_tensor *norm(nx_graph *g, nx_tensor *const *x)
{
    return nx_instance_norm(g, x[0], x[1], x[2], (nx_norm_options){0});
}

static void norm_sum(const sample *s, const double *const *x, double *y)
{
    nx_shape in = s->in[0];
    double pixels = in.h * in.w;
    for (int n = 0; n < in.n; n++)
        for (int c = 0; c < in.c; c++) {
            double mean = 0, variance = 0;
            for (int i = 0; i < in.h * in.w; i++) mean += x[0][at(in, n, 0, i, c)] / pixels;
            for (int i = 0; i < in.h * in.w; i++) variance += pow(x[0][at(in, n, 0, i, c)] - mean, 2) / pixels;
            for (int i = 0; i < in.h * in.w; i++)
                y[at(in, n, 0, i, c)] = x[1][c] * (x[0][at(in, n, 0, i, c)] - mean) / sqrt(variance + 1e-5) + x[2][c];
        }
}

static nx_tensor *lrn(nx_graph *g, nx_tensor *const *x)
{
    return nx_lrn(g, x[0], (nx_lrn_options){.size = 5, .alpha = 1, .beta = 0.75f, .k = 2});
}

static void lrn_sum(const sample *s, const double *const *x, double *y)
{
    EACH(s->out)
    {
        double squares = 0;
        for (int k = c - 2; k <= c + 2; k++)
            if (k >= 0 && k < s->out.c) squares += pow(x[0][at(s->out, n, h, w, k)], 2);
        y[at(s->out, n, h, w, c)] = x[0][at(s->out, n, h, w, c)] / pow(2 + squares / 5, 0.75);
    }
}

static void pool(const sample *s, const double *const *x, double *y, bool mean)
{
    EACH(s->out)
    {
        double most = -INFINITY, sum = 0;
        for (int i = 0; i < 4; i++) {
            double value = x[0][at(s->in[0], n, 2 * h + i / 2, 2 * w + i % 2, c)];
            most = value > most ? value : most, sum += value / 4;
        }
        y[at(s->out, n, h, w, c)] = mean ? sum : most;
    }
}

static nx_tensor *pool_max(nx_graph *g, nx_tensor *const *x)
{
    return nx_pool(g, x[0], (nx_pool_options){.kind = NX_POOL_MAX});
}
static void pool_max_sum(const sample *s, const double *const *x, double *y) { pool(s, x, y, false); }

static nx_tensor *pool_mean(nx_graph *g, nx_tensor *const *x)
{
    return nx_pool(g, x[0], (nx_pool_options){.kind = NX_POOL_AVERAGE});
}
static void pool_mean_sum(const sample *s, const double *const *x, double *y) { pool(s, x, y, true); }

/* ---- reductions ---- */

static nx_tensor *mse(nx_graph *g, nx_tensor *const *x) { return nx_mse(g, x[0], x[1]); }

static void mse_sum(const sample *s, const double *const *x, double *y)
{
    size_t count = nx_shape_count(s->in[0]);
    for (size_t i = 0; i < count; i++) y[0] += pow(x[0][i] - x[1][i], 2) / (double)count;
}

static nx_tensor *variation(nx_graph *g, nx_tensor *const *x) { return nx_total_variation(g, x[0], NX_VARIATION_L2); }

static void variation_sum(const sample *s, const double *const *x, double *y)
{
    nx_shape in = s->in[0];
    EACH(in)
    {
        double here = x[0][at(in, n, h, w, c)];
        if (h + 1 < in.h) y[0] += pow(x[0][at(in, n, h + 1, w, c)] - here, 2) / in.n;
        if (w + 1 < in.w) y[0] += pow(x[0][at(in, n, h, w + 1, c)] - here, 2) / in.n;
    }
}

static nx_tensor *channels(nx_graph *g, nx_tensor *const *x) { return nx_channel_sum(g, x[0]); }

static void channels_sum(const sample *s, const double *const *x, double *y)
{
    EACH(s->in[0]) y[c] += x[0][at(s->in[0], n, h, w, c)];
}

static nx_tensor *weighted(nx_graph *g, nx_tensor *const *x)
{
    return nx_weighted_sum(g, x, (const float[]){2, -0.5f}, 2);
}
static void weighted_sum(const sample *s, const double *const *x, double *y)
{
    (void)s;
    y[0] = 2 * x[0][0] - 0.5 * x[1][0];
}

static nx_tensor *entropy(nx_graph *g, nx_tensor *const *x)
{
    return nx_entropy(g, x[0], (nx_entropy_options){.literal = true});
}

static void entropy_sum(const sample *s, const double *const *x, double *y)
{
    nx_shape in = s->in[0];
    size_t size = nx_shape_count(in) / (size_t)in.n;
    for (int i = 0; i < in.n; i++) {
        double nearest = INFINITY;
        for (int k = 0; k < in.n; k++) {
            double distance = 0;
            for (size_t e = 0; e < size; e++) distance += pow(x[0][i * size + e] - x[0][k * size + e], 2);
            if (k != i && distance < nearest) nearest = distance;
        }
        y[0] -= 0.5 * log(nearest) / in.n;
    }
}

/* ---- pixels moved and resampled ---- */

static nx_tensor *resize(nx_graph *g, nx_tensor *const *x) { return nx_resize(g, x[0], 13, 6); }

static void resize_sum(const sample *s, const double *const *x, double *y)
{
    nx_shape in = s->in[0], out = s->out;
    EACH(out)
    {
        double row = (h + .5) * in.h / out.h - .5, column = (w + .5) * in.w / out.w - .5;
        row = fmin(fmax(row, 0), in.h - 1), column = fmin(fmax(column, 0), in.w - 1);
        int top = (int)row, left = (int)column, low = top + (top < in.h - 1), right = left + (left < in.w - 1);
        double v = row - top, u = column - left;
        y[at(out, n, h, w, c)] =
            (1 - v) * ((1 - u) * x[0][at(in, n, top, left, c)] + u * x[0][at(in, n, top, right, c)]) +
            v * ((1 - u) * x[0][at(in, n, low, left, c)] + u * x[0][at(in, n, low, right, c)]);
    }
}

static nx_tensor *upsample(nx_graph *g, nx_tensor *const *x) { return nx_upsample(g, x[0], 2); }

static void upsample_sum(const sample *s, const double *const *x, double *y)
{
    EACH(s->out) y[at(s->out, n, h, w, c)] = x[0][at(s->in[0], n, h / 2, w / 2, c)];
}

static nx_tensor *pad(nx_graph *g, nx_tensor *const *x)
{
    return nx_pad(g, x[0], (nx_pad_options){1, 2, 2, 1, NX_PADDING_CIRCULAR});
}

static void pad_sum(const sample *s, const double *const *x, double *y)
{
    nx_shape in = s->in[0];
    EACH(s->out)
    y[at(s->out, n, h, w, c)] =
        x[0][at(in, n, inside(h - 1, in.h, NX_PADDING_CIRCULAR), inside(w - 2, in.w, NX_PADDING_CIRCULAR), c)];
}

static nx_tensor *slice(nx_graph *g, nx_tensor *const *x)
{
    return nx_slice(g, x[0], (nx_slice_options){.h = {1, 3}, .c = {2, 5}});
}

static void slice_sum(const sample *s, const double *const *x, double *y)
{
    EACH(s->out) y[at(s->out, n, h, w, c)] = x[0][at(s->in[0], n, h + 1, w, c + 2)];
}

static nx_tensor *concat(nx_graph *g, nx_tensor *const *x) { return nx_concat(g, x, 2); }

static void concat_sum(const sample *s, const double *const *x, double *y)
{
    int first = s->in[0].c;
    EACH(s->out)
    y[at(s->out, n, h, w, c)] = c < first ? x[0][at(s->in[0], n, h, w, c)] : x[1][at(s->in[1], n, h, w, c - first)];
}

/* ---- element by element ---- */

static nx_tensor *elements(nx_graph *g, nx_tensor *const *x)
{
    nx_tensor *sum = nx_add(g, nx_scale(g, x[0], 3), x[0]);
    return nx_tanh(g, nx_leaky_relu(g, nx_affine(g, sum, x[1], x[2]), 0.2f));
}

static void elements_sum(const sample *s, const double *const *x, double *y)
{
    EACH(s->out)
    {
        double v = 4 * x[0][at(s->out, n, h, w, c)] * x[1][c] + x[2][c];
        y[at(s->out, n, h, w, c)] = tanh(v > 0 ? v : 0.2f * v);
    }
}

static const sample samples[] = {
    {"convolution 3x3", conv, conv_sum, {{2, 13, 14, 32}, {3, 3, 32, 32}, NX_VECTOR(32)}, {2, 13, 14, 32}, BRIEF},
    {"convolution 9x9",
     conv_wide,
     conv_wide_sum,
     {{1, 11, 17, 3}, {9, 9, 3, 16}, NX_VECTOR(16)},
     {1, 11, 17, 16},
     NORMAL},
    {"convolution, stride 2",
     conv_stride,
     conv_stride_sum,
     {{2, 9, 8, 5}, {3, 3, 5, 7}, NX_VECTOR(7)},
     {2, 5, 4, 7},
     NORMAL},
    {"transposed convolution",
     transposed,
     transposed_sum,
     {{2, 5, 4, 16}, {3, 3, 8, 16}, NX_VECTOR(8)},
     {2, 10, 8, 8},
     NORMAL},
    {"product", gemm, gemm_sum, {{2, 1, 37, 50}, {2, 1, 50, 70}}, {2, 1, 37, 70}, BRIEF},
    {"product, first transposed", gemm_ta, gemm_ta_sum, {{1, 1, 50, 37}, {1, 1, 50, 70}}, {1, 1, 37, 70}, NORMAL},
    {"product, second transposed", gemm_tb, gemm_tb_sum, {{1, 1, 37, 50}, {1, 1, 70, 50}}, {1, 1, 37, 70}, NORMAL},
    {"product, large", gemm, gemm_sum, {{1, 1, 1200, 96}, {1, 1, 96, 1216}}, {1, 1, 1200, 1216}, FORWARD_ONLY},
    {"product, a long sum", gemm_ta, gemm_ta_sum, {{1, 1, 9000, 24}, {1, 1, 9000, 40}}, {1, 1, 24, 40}, FORWARD_ONLY},
    {"Gram matrix", gram, gram_sum, {{2, 21, 23, 16}}, {2, 1, 16, 16}, BRIEF},
    {"fully connected", linear, linear_sum, {{3, 2, 4, 5}, {1, 1, 40, 17}, NX_VECTOR(17)}, {3, 1, 1, 17}, NORMAL},
    {"normalization", norm, norm_sum, {{2, 19, 21, 20}, NX_VECTOR(20), NX_VECTOR(20)}, {2, 19, 21, 20}, BRIEF},
    {"response normalization", lrn, lrn_sum, {{2, 5, 4, 20}}, {2, 5, 4, 20}, NORMAL},
    {"pooling, maximum", pool_max, pool_max_sum, {{2, 8, 10, 20}}, {2, 4, 5, 20}, BRIEF},
    {"pooling, mean", pool_mean, pool_mean_sum, {{2, 8, 10, 20}}, {2, 4, 5, 20}, NORMAL},
    {"mean of squares", mse, mse_sum, {{2, 77, 65, 5}, {2, 77, 65, 5}}, {1, 1, 1, 1}, BRIEF},
    {"total variation", variation, variation_sum, {{2, 31, 33, 3}}, {1, 1, 1, 1}, NORMAL},
    {"sum of channels", channels, channels_sum, {{2, 31, 33, 20}}, {1, 1, 1, 20}, NORMAL},
    {"weighted sum", weighted, weighted_sum, {{1, 1, 1, 1}, {1, 1, 1, 1}}, {1, 1, 1, 1}, NORMAL},
    {"entropy", entropy, entropy_sum, {{4, 6, 7, 3}}, {1, 1, 1, 1}, NORMAL},
    {"resampling", resize, resize_sum, {{2, 7, 11, 5}}, {2, 13, 6, 5}, NORMAL},
    {"enlargement", upsample, upsample_sum, {{2, 5, 7, 5}}, {2, 10, 14, 5}, BRIEF},
    {"padding", pad, pad_sum, {{2, 5, 7, 5}}, {2, 8, 10, 5}, NORMAL},
    {"slice", slice, slice_sum, {{2, 5, 7, 9}}, {2, 3, 7, 5}, NORMAL},
    {"concatenation", concat, concat_sum, {{2, 5, 7, 9}, {2, 5, 7, 16}}, {2, 5, 7, 25}, NORMAL},
    {"element by element",
     elements,
     elements_sum,
     {{2, 9, 7, 20}, NX_VECTOR(20), NX_VECTOR(20)},
     {2, 9, 7, 20},
     NORMAL},
};

/* ---- checking ---- */

#define TOLERANCE       1e-5 /* of a result, relative to its largest magnitude */
#define SLOPE_TOLERANCE 1e-4 /* of a slope, relative to the sum of its parts' magnitudes */
#define NUDGE           1e-5 /* along the direction, for differences */

static void fail(selftest_result *r, const char *name, const char *format, ...)
{
    size_t used = strlen(r->failures);
    va_list args;
    va_start(args, format);
    r->failed++;
    used += (size_t)snprintf(r->failures + used, sizeof r->failures - used, "%s%s ", used ? "; " : "", name);
    if (used < sizeof r->failures) vsnprintf(r->failures + used, sizeof r->failures - used, format, args);
    va_end(args);
}

static void note_error(selftest_result *r, const char *name, double error)
{
    if (error > r->error || isnan(error)) r->error = error, r->worst = name;
}

/* Of got from want, relative to the largest magnitude; infinity where got is no number. */
static double difference(const float *got, const double *want, size_t count)
{
    double most = 0, scale = 1e-30;
    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)got[i] - want[i]);
        if (!(off <= most)) most = isnan(off) ? INFINITY : off;
        if (fabs(want[i]) > scale) scale = fabs(want[i]);
    }
    return most / scale;
}

/* Uniform within 1 of the middle. */
static float *noise(size_t count, uint64_t stream, float middle)
{
    float *values = nx_alloc(count * sizeof *values);
    nx_rng rng = nx_rng_new(1, stream);
    for (size_t i = 0; i < count; i++) values[i] = middle + 2 * nx_rng_uniform(&rng) - 1;
    return values;
}

/* Runs the plan twice and reads t; false if the bits differ. */
static bool run_twice(nx_plan *plan, const nx_tensor *t, float *out)
{
    size_t bytes = nx_shape_count(t->shape) * sizeof(float);
    float *again = nx_alloc(bytes);
    nx_plan_run(plan);
    nx_plan_read(plan, t, out);
    nx_plan_run(plan);
    nx_plan_read(plan, t, again);
    bool same = !memcmp(out, again, bytes);
    free(again);
    return same;
}

/* The slope of mean (y - t)^2 when input i moves along v. */
static double slope_of(const sample *s, double **x, const float *target, int i, const float *v, double *y)
{
    size_t count = nx_shape_count(s->in[i]), results = nx_shape_count(s->out);
    double *still = x[i], *moved = nx_alloc(count * sizeof *moved), loss[2] = {0};
    for (int side = 0; side < 2; side++) {
        for (size_t k = 0; k < count; k++) moved[k] = still[k] + (side ? NUDGE : -NUDGE) * (double)v[k];
        memset(y, 0, results * sizeof *y);
        x[i] = moved;
        s->reference(s, (const double *const *)x, y);
        for (size_t k = 0; k < results; k++) loss[side] += pow(y[k] - (double)target[k], 2) / (double)results;
    }
    x[i] = still;
    free(moved);
    return (loss[1] - loss[0]) / (2 * NUDGE);
}

static nx_plan *plan_of(nx_graph *g, nx_device *device)
{
    nx_plan *plan;
    nx_error err;
    NX_CHECK(nx_plan_new(&plan, g, &err), "%s", err.text);
    nx_plan_realize(plan, device);
    return plan;
}

static void check(nx_device *device, const sample *s, selftest_result *r)
{
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *x[INPUTS] = {0}, *dx[INPUTS] = {0};
    float *values[INPUTS] = {0}, *target = noise(nx_shape_count(s->out), 100, 0.5f);
    double *exact[INPUTS] = {0}, *want = nx_alloc(nx_shape_count(s->out) * sizeof(double));
    int inputs = 0;
    for (; inputs < INPUTS && s->in[inputs].n; inputs++) {
        size_t count = nx_shape_count(s->in[inputs]);
        x[inputs] = nx_input(g, s->in[inputs], "x");
        values[inputs] = noise(count, (uint64_t)inputs, 0);
        exact[inputs] = nx_alloc(count * sizeof(double));
        for (size_t k = 0; k < count; k++) exact[inputs][k] = (double)values[inputs][k];
    }
    nx_tensor *y = nx_keep(s->build(g, x)), *t = NULL;
    if (s->form != FORWARD_ONLY) {
        t = nx_input(g, s->out, "t");
        nx_gradient(g, nx_mse(g, y, t), x, (size_t)inputs, dx);
        for (int i = 0; i < inputs; i++) nx_keep(dx[i]);
    }
    nx_plan *plan = plan_of(g, device);
    for (int i = 0; i < inputs; i++) nx_plan_write(plan, x[i], values[i]);
    if (t) nx_plan_write(plan, t, target);

    float *got = nx_alloc(nx_shape_count(s->out) * sizeof(float));
    bool same = run_twice(plan, y, got);
    s->reference(s, (const double *const *)exact, want);
    double error = difference(got, want, nx_shape_count(s->out));
    note_error(r, s->name, error);
    if (!same)
        fail(r, s->name, "differs between two runs");
    else if (!(error <= TOLERANCE))
        fail(r, s->name, "is off by %.2g", error);
    for (int i = 0; t && same && error <= TOLERANCE && i < inputs; i++) {
        size_t count = nx_shape_count(s->in[i]);
        float *gradient = nx_alloc(count * sizeof *gradient), *v = noise(count, 200 + (uint64_t)i, 0.5f);
        double slope = 0, parts = 0;
        same = run_twice(plan, dx[i], gradient);
        for (size_t k = 0; k < count; k++) {
            slope += (double)gradient[k] * (double)v[k];
            parts += fabs((double)gradient[k] * (double)v[k]);
        }
        double off = fabs(slope - slope_of(s, exact, target, i, v, want)) / (parts + 1e-30);
        if (!same)
            fail(r, s->name, "has a gradient that differs between two runs");
        else if (!(off <= SLOPE_TOLERANCE))
            fail(r, s->name, "has a wrong gradient by input %d, off by %.2g", i + 1, off);
        free(gradient);
        free(v);
    }
    r->cases++;
    nx_plan_free(plan);
    nx_graph_free(g);
    for (int i = 0; i < inputs; i++) {
        free(values[i]);
        free(exact[i]);
    }
    free(target);
    free(want);
    free(got);
}

/* Noise on the device is the host's: uniform to the bit. */
static void check_random(nx_device *device, selftest_result *r)
{
    enum { COUNT = 5000 };
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *state = nx_input(g, NX_RANDOM_STATE, "state");
    nx_tensor *uniform = nx_keep(nx_uniform(g, (nx_shape){1, 1, COUNT / 5, 5}, state));
    nx_tensor *normal = nx_keep(nx_normal(g, (nx_shape){1, 1, COUNT / 5, 5}, state));
    nx_plan *plan = plan_of(g, device);
    float bits[4], got[COUNT];
    double want[COUNT];
    nx_random_state(bits, 7, 0);
    nx_plan_write(plan, state, bits);
    nx_plan_run(plan);
    for (int kind = 0; kind < 2; kind++) {
        const nx_tensor *noise_of = kind ? normal : uniform;
        const char *name = kind ? "normal noise" : "uniform noise";
        nx_rng rng = nx_rng_new(7, nx_random_stream(noise_of));
        for (int i = 0; i < COUNT; i++) want[i] = (double)(kind ? nx_rng_normal(&rng) : nx_rng_uniform(&rng));
        nx_plan_read(plan, noise_of, got);
        double error = difference(got, want, COUNT);
        note_error(r, name, error);
        if (!(error <= (kind ? TOLERANCE : 0))) fail(r, name, "is off by %.2g", error);
        r->cases++;
    }
    nx_plan_free(plan);
    nx_graph_free(g);
}

/* Two steps of Adam on mean (w - t)^2. */
static void check_optimizer(nx_device *device, selftest_result *r)
{
    enum { COUNT = 40 };
    nx_params *params = nx_params_new();
    nx_param *w = nx_param_add(params, "w", NX_VECTOR(COUNT), 1);
    float *target = noise(COUNT, 1, 0), got[COUNT];
    double want[COUNT], m[COUNT] = {0}, v[COUNT] = {0};
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *t = nx_input(g, NX_VECTOR(COUNT), "t");
    nx_tensor *loss = nx_mse(g, nx_use(g, w), t);
    nx_optimizer *o =
        nx_optimizer_new(g, loss, params, (nx_optimizer_options){.beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f});
    nx_plan *plan;
    nx_error err;
    for (int i = 0; i < COUNT; i++) w->initial[i] = (float)i / COUNT, want[i] = (double)w->initial[i];
    NX_CHECK(nx_plan_new(&plan, g, &err), "%s", err.text);
    nx_params_realize(params, device);
    nx_params_realize(o->state, device);
    nx_plan_realize(plan, device);
    nx_plan_write(plan, t, target);
    for (int step = 1; step <= 2; step++) {
        nx_optimizer_rate(o, plan, (uint64_t)step, 0.1);
        nx_plan_run(plan);
        for (int i = 0; i < COUNT; i++) {
            double gradient = 2 * (want[i] - (double)target[i]) / COUNT;
            m[i] = 0.9 * m[i] + 0.1 * gradient;
            v[i] = 0.999 * v[i] + 0.001 * gradient * gradient;
            want[i] -= 0.1 * sqrt(1 - pow(0.999, step)) / (1 - pow(0.9, step)) * m[i] / (sqrt(v[i]) + 1e-8);
        }
    }
    nx_device_finish(device);
    nx_param_export(w, got);
    double error = difference(got, want, COUNT);
    note_error(r, "Adam", error);
    if (!(error <= TOLERANCE)) fail(r, "Adam", "is off by %.2g", error);
    r->cases++;
    free(target);
    nx_plan_free(plan);
    nx_optimizer_free(o);
    nx_graph_free(g);
    nx_params_free(params);
}

selftest_result selftest(nx_device *device, selftest_extent extent)
{
    selftest_result r = {.worst = ""};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        if (extent == SELFTEST_BRIEF && samples[i].form != BRIEF) continue;
        nx_progress("%s", samples[i].name);
        check(device, &samples[i], &r);
    }
    check_random(device, &r);
    check_optimizer(device, &r);
    nx_progress("%s", "");
    return r;
}

/* ---- speed ---- */

/* Seconds of one run of y = build(inputs), the best of three stretches. */
static double seconds_of(nx_device *device, const sample *s)
{
    enum { STRETCHES = 3 };
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *x[INPUTS] = {0};
    int inputs = 0;
    for (; inputs < INPUTS && s->in[inputs].n; inputs++) x[inputs] = nx_input(g, s->in[inputs], "x");
    nx_keep(s->build(g, x));
    nx_plan *plan = plan_of(g, device);
    for (int i = 0; i < inputs; i++) {
        enum { PERIOD = 4099 };
        size_t count = nx_shape_count(s->in[i]);
        float *some = noise(PERIOD, (uint64_t)i, 0), *values = nx_alloc(count * sizeof *values);
        for (size_t k = 0; k < count; k++) values[k] = some[k % PERIOD];
        free(some);
        nx_plan_write(plan, x[i], values);
        free(values);
    }
    for (int i = 0; i < 2; i++) nx_plan_run(plan);
    nx_device_finish(device);
    double best = INFINITY;
    for (int i = 0; i < STRETCHES; i++) {
        double start = nx_now(), seconds;
        int runs = 0;
        do {
            for (int k = 0; k < 4; k++, runs++) nx_plan_run(plan);
            nx_device_finish(device);
        } while ((seconds = nx_now() - start) < 0.15);
        if (seconds / runs < best) best = seconds / runs;
    }
    nx_plan_free(plan);
    nx_graph_free(g);
    return best;
}

static nx_tensor *addition(nx_graph *g, nx_tensor *const *x) { return nx_add(g, x[0], x[1]); }

selftest_speed selftest_measure(nx_device *device)
{
    const sample matrices = {.build = gemm, .in = {{1, 1, 1024, 1024}, {1, 1, 1024, 1024}}},
                 image = {.build = conv, .in = {{1, 128, 128, 64}, {3, 3, 64, 64}, NX_VECTOR(64)}},
                 numbers = {.build = addition, .in = {{1, 2048, 2048, 4}, {1, 2048, 2048, 4}}};
    nx_progress("measuring the speed");
    selftest_speed speed = {.product = 2e-9 * 1024 * 1024 * 1024 / seconds_of(device, &matrices),
                            .convolution = 2e-9 * 9 * 64 * 64 * 128 * 128 / seconds_of(device, &image),
                            .addition = 1e-9 * 3 * 4 * 4 * 2048 * 2048 / seconds_of(device, &numbers)};
    nx_progress("%s", "");
    return speed;
}
