/* Cases of framework/ops/norm. */
#include "ops/norm.h"

#include "op_case.h"

#include <math.h>

static nx_tensor *instance_norm_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    nx_norm_options o = *(const nx_norm_options *)c->options;
    bool affine = op_inputs(c) > 1;
    if (op_inputs(c) > 3) o.residual = in[3];
    return nx_instance_norm(g, in[0], affine ? in[1] : NULL, affine ? in[2] : NULL, o);
}

static nx_tensor *batch_norm_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    nx_norm_options o = *(const nx_norm_options *)c->options;
    if (op_inputs(c) > 5) o.residual = in[5];
    return nx_batch_norm(g, in[0], in[1], in[2], in[3], in[4], o);
}

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
static void normalize(const op_case *c, const double *const *in, double *out, bool instance, const double *residual)
{
    const nx_norm_options *o = c->options;
    nx_shape s = c->in[0];
    bool affine = op_inputs(c) > 1;
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

static void instance_norm_reference(const op_case *c, const double *const *in, double *out)
{
    normalize(c, in, out, true, op_inputs(c) > 3 ? in[3] : NULL);
}

static void batch_norm_reference(const op_case *c, const double *const *in, double *out)
{
    normalize(c, in, out, false, op_inputs(c) > 5 ? in[5] : NULL);
}

#define NORM(...)                                                                                                      \
    .options = &(const nx_norm_options) { __VA_ARGS__ }

static const op_case rows[] = {
    ROW(instance_norm, "3 channels", .in = {{2, 5, 7, 3}}, .out = {2, 5, 7, 3}, NORM(0)),
    ROW(instance_norm, "16 channels, relu", .in = {{2, 9, 7, 16}, {1, 1, 1, 16}, {1, 1, 1, 16}}, .out = {2, 9, 7, 16},
        NORM(.activation = NX_ACTIVATION_RELU)),
    ROW(instance_norm, "17 channels, tanh", .in = {{1, 8, 9, 17}, {1, 1, 1, 17}, {1, 1, 1, 17}}, .out = {1, 8, 9, 17},
        NORM(.activation = NX_ACTIVATION_TANH, .epsilon = 0.01f), .doctor = true),
    ROW(instance_norm, "128 channels, several segments", .in = {{1, 33, 35, 128}, {1, 1, 1, 128}, {1, 1, 1, 128}},
        .out = {1, 33, 35, 128}, NORM(0), .probes = 6, .doctor = true),
    ROW(instance_norm, "mean much larger than deviation", .in = {{1, 33, 31, 5}}, .out = {1, 33, 31, 5}, NORM(0),
        .range = {{VALUES_UNIFORM, 1000, 1002}}, .tolerance = 1e-4, .no_gradient = NO_GRADIENT),
    ROW(batch_norm, "training, leaky, 8 channels",
        .in = {{3, 6, 5, 8}, {1, 1, 1, 8}, {1, 1, 1, 8}, {1, 1, 1, 8}, {1, 1, 1, 8}}, .out = {3, 6, 5, 8},
        NORM(.training = true, .activation = NX_ACTIVATION_LEAKY_RELU, .slope = 0.01f), .no_gradient = 24),
    ROW(batch_norm, "training, 64 channels, several segments",
        .in = {{2, 33, 17, 64}, {1, 1, 1, 64}, {1, 1, 1, 64}, {1, 1, 1, 64}, {1, 1, 1, 64}}, .out = {2, 33, 17, 64},
        NORM(.training = true), .no_gradient = 24, .probes = 6, .doctor = true),
    ROW(batch_norm, "evaluation, relu",
        .in = {{2, 5, 7, 20}, {1, 1, 1, 20}, {1, 1, 1, 20}, {1, 1, 1, 20}, {1, 1, 1, 20}}, .out = {2, 5, 7, 20},
        .range = {{0}, {0}, {0}, {0}, {VALUES_UNIFORM, 0.5f, 2}}, NORM(.activation = NX_ACTIVATION_RELU),
        .no_gradient = 24, .doctor = true),
    ROW(instance_norm, "residual, 17 channels", .in = {{2, 8, 9, 17}, {1, 1, 1, 17}, {1, 1, 1, 17}, {2, 8, 9, 17}},
        .out = {2, 8, 9, 17}, NORM(0)),
    ROW(batch_norm, "residual, training",
        .in = {{2, 5, 7, 16}, {1, 1, 1, 16}, {1, 1, 1, 16}, {1, 1, 1, 16}, {1, 1, 1, 16}, {2, 5, 7, 16}},
        .out = {2, 5, 7, 16}, NORM(.training = true), .no_gradient = 24),
    ROW(batch_norm, "residual, evaluation",
        .in = {{2, 5, 7, 20}, {1, 1, 1, 20}, {1, 1, 1, 20}, {1, 1, 1, 20}, {1, 1, 1, 20}, {2, 5, 7, 20}},
        .out = {2, 5, 7, 20}, .range = {{0}, {0}, {0}, {0}, {VALUES_UNIFORM, 0.5f, 2}}, NORM(0), .no_gradient = 24),
    ROW(instance_norm, "large, relu", .in = {{1, 512, 512, 32}, {1, 1, 1, 32}, {1, 1, 1, 32}}, .out = {1, 512, 512, 32},
        NORM(.activation = NX_ACTIVATION_RELU), .timed = true),
    ROW(batch_norm, "training, large, leaky",
        .in = {{1, 256, 256, 40}, {1, 1, 1, 40}, {1, 1, 1, 40}, {1, 1, 1, 40}, {1, 1, 1, 40}}, .out = {1, 256, 256, 40},
        NORM(.training = true, .activation = NX_ACTIVATION_LEAKY_RELU, .slope = 0.01f), .timed = true),
};

OP_TABLE(norm, rows);
