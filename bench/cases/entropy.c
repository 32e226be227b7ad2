/* Cases of framework/ops/entropy, whose released gradient is not that of the released value. */
#include "ops/entropy.h"

#include "op_case.h"

#include <math.h>

static nx_tensor *entropy_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_entropy_options *o = c->options;
    return nx_entropy(g, in[0], *o);
}

static double distance(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

static size_t nearest(const double *x, size_t n, size_t count, size_t i)
{
    size_t best = i == 0;
    for (size_t j = 0; j < n; j++)
        if (j != i && distance(x + i * count, x + j * count, count) < distance(x + i * count, x + best * count, count))
            best = j;
    return best;
}

static void entropy_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_entropy_options *o = c->options;
    size_t n = (size_t)c->in[0].n, count = nx_shape_count(c->in[0]) / n;
    for (size_t i = 0; i < n; i++) {
        double d = distance(in[0] + i * count, in[0] + nearest(in[0], n, count, i) * count, count);
        out[0] -= o->literal ? log(sqrt(d)) / (double)n : (double)count / (double)n * log(d);
    }
}

static void released_gradient(const op_case *c, const double *const *in, const double *dy, double *dx)
{
    const nx_entropy_options *o = c->options;
    size_t n = (size_t)c->in[0].n, count = nx_shape_count(c->in[0]) / n;
    double epsilon = o->epsilon != 0.f ? (double)o->epsilon : 0.1;
    for (size_t i = 0; i < n; i++) {
        const double *x = in[0] + i * count, *near = in[0] + nearest(in[0], n, count, i) * count;
        double *dnear = dx + (near - in[0]), d = distance(x, near, count);
        for (size_t k = 0; k < count; k++) {
            double part = -2 / (d + epsilon) * (x[k] - near[k]) * dy[0];
            dx[i * count + k] += part;
            dnear[k] -= part;
        }
    }
}

static const op_case rows[] = {
    ROW(entropy, "literal", .in = {{5, 3, 5, 3}}, .out = {1, 1, 1, 1},
        .options = &(const nx_entropy_options){.literal = true}, .doctor = true),
    ROW(entropy, "literal, two images", .in = {{2, 4, 4, 16}}, .out = {1, 1, 1, 1},
        .options = &(const nx_entropy_options){.literal = true}),
    ROW(entropy, "as released", .in = {{4, 70, 81, 3}}, .out = {1, 1, 1, 1}, .options = &(const nx_entropy_options){0},
        .gradient = released_gradient, .gradient_tolerance = 2e-6),
    ROW(entropy, "as released, five small images", .in = {{5, 3, 5, 3}}, .out = {1, 1, 1, 1},
        .options = &(const nx_entropy_options){.epsilon = 0.5f}, .range = {{VALUES_UNIFORM, 0, 1}},
        .gradient = released_gradient, .gradient_tolerance = 2e-6, .doctor = true),
};

OP_TABLE(entropy, rows);
