/* Cases of framework/ops/concat. */
#include "ops/concat.h"

#include "op_case.h"
#include "ops/norm.h"
#include "ops/upsample.h"

#include <math.h>

static nx_tensor *concat_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_concat(g, in, op_inputs(c));
}

static void concat_reference(const op_case *c, const double *const *in, double *out)
{
    size_t pixels = nx_shape_count(c->out) / (size_t)c->out.c;
    for (size_t p = 0; p < pixels; p++)
        for (int i = 0; i < op_inputs(c); i++)
            for (size_t k = 0; k < (size_t)c->in[i].c; k++) *out++ = in[i][p * (size_t)c->in[i].c + k];
}

/* Normalizations that write where they are joined: the first input, with gamma and beta, twice enlarged; the last; and
 * that normalized as a batch. */
static nx_tensor *joined_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_norm_options *o = c->options;
    nx_tensor *lower = nx_upsample(g, nx_instance_norm(g, in[0], in[1], in[2], *o), 2);
    nx_tensor *branch = nx_batch_norm(g, in[3], NULL, NULL, NULL, NULL, *o);
    return nx_concat(g, (nx_tensor *[]){lower, in[3], branch}, 3);
}

/* Of channel k of x, over images n to end. */
static void moments(nx_shape s, const double *x, int n, int end, int k, double *mean, double *scale)
{
    double count = (double)(end - n) * s.h * s.w, square = 0;
    *mean = 0;
    for (int p = n * s.h * s.w; p < end * s.h * s.w; p++) *mean += x[p * s.c + k] / count;
    for (int p = n * s.h * s.w; p < end * s.h * s.w; p++)
        square += (x[p * s.c + k] - *mean) * (x[p * s.c + k] - *mean) / count;
    *scale = 1 / sqrt(square + 1e-5);
}

static void joined_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_norm_options *o = c->options;
    nx_shape low = c->in[0], high = c->in[3];
    double mean, scale;
    for (int n = 0; n < c->out.n; n++)
        for (int i = 0; i < c->out.h; i++)
            for (int j = 0; j < c->out.w; j++) {
                double *pixel = out + at(c->out, n, i, j, 0);
                for (int k = 0; k < low.c; k++) {
                    moments(low, in[0], n, n + 1, k, &mean, &scale);
                    double z = in[1][k] * scale * (in[0][at(low, n, i / 2, j / 2, k)] - mean) + in[2][k];
                    pixel[k] = op_activated(z, o->activation, o->slope);
                }
                for (int k = 0; k < high.c; k++) {
                    double x = in[3][at(high, n, i, j, k)];
                    moments(high, in[3], 0, high.n, k, &mean, &scale);
                    pixel[low.c + k] = x;
                    pixel[low.c + high.c + k] = op_activated(scale * (x - mean), o->activation, o->slope);
                }
            }
}

#define JOINED(...)                                                                                                    \
    .options = &(const nx_norm_options) { .training = true, __VA_ARGS__ }

static const op_case rows[] = {
    ROW(concat, "3 + 16 + 5", .in = {{2, 5, 4, 3}, {2, 5, 4, 16}, {2, 5, 4, 5}}, .out = {2, 5, 4, 24}, .doctor = true),
    ROW(concat, "vectors", .in = {{1, 1, 1, 33}, {1, 1, 1, 1}}, .out = {1, 1, 1, 34}),
    ROW(joined, "16 enlarged + 3 + 3", .in = {{2, 2, 3, 16}, {1, 1, 1, 16}, {1, 1, 1, 16}, {2, 4, 6, 3}},
        .out = {2, 4, 6, 22}, JOINED(0), .doctor = true),
    ROW(joined, "5 enlarged + 17 + 17, leaky", .in = {{2, 3, 2, 5}, {1, 1, 1, 5}, {1, 1, 1, 5}, {2, 6, 4, 17}},
        .out = {2, 6, 4, 39}, JOINED(.activation = NX_ACTIVATION_LEAKY_RELU, .slope = 0.2f)),
    ROW(concat, "large", .in = {{1, 256, 256, 64}, {1, 256, 256, 64}}, .out = {1, 256, 256, 128}, .timed = true),
};

OP_TABLE(concat, rows);
