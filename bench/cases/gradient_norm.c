/* Cases of framework/ops/gradient_norm; options: the strength, a float. */
#include "ops/gradient_norm.h"

#include "op_case.h"

#include <math.h>

static nx_tensor *normalize_gradient_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_normalize_gradient(g, in[0], *(const float *)c->options);
}

static void normalize_gradient_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = in[0][i];
}

static void normalized(const op_case *c, const double *const *in, const double *dy, double *dx)
{
    (void)in;
    double sum = 0, strength = *(const float *)c->options;
    for (size_t i = 0; i < nx_shape_count(c->out); i++) sum += fabs(dy[i]);
    for (size_t i = 0; i < nx_shape_count(c->out); i++) dx[i] = strength * dy[i] / (sum + 1e-8);
}

static const op_case rows[] = {
    ROW(normalize_gradient, "odd", .in = {{2, 3, 5, 7}}, .out = {2, 3, 5, 7}, .options = &(const float){3},
        .gradient = normalized, .gradient_tolerance = 2e-6, .doctor = true),
    ROW(normalize_gradient, "several segments", .in = {{2, 77, 65, 5}}, .out = {2, 77, 65, 5},
        .options = &(const float){0.5f}, .gradient = normalized, .gradient_tolerance = 2e-6),
};

OP_TABLE(gradient_norm, rows);
