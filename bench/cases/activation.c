/* Cases of framework/ops/activation; options of leaky_relu: the slope, a float. */
#include "ops/activation.h"

#include "op_case.h"

#include <math.h>

static nx_tensor *relu_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_activate(g, in[0], NX_ACTIVATION_RELU, 0);
}

static nx_tensor *leaky_relu_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_activate(g, in[0], NX_ACTIVATION_LEAKY_RELU, *(const float *)c->options);
}

static nx_tensor *tanh_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_activate(g, in[0], NX_ACTIVATION_TANH, 0);
}

static void relu_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = fmax(in[0][i], 0);
}

static void leaky_relu_reference(const op_case *c, const double *const *in, double *out)
{
    double slope = *(const float *)c->options;
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = in[0][i] > 0 ? in[0][i] : slope * in[0][i];
}

static void tanh_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = tanh(in[0][i]);
}

static const op_case rows[] = {
    ROW(relu, "3 channels", .in = {{2, 7, 9, 3}}, .out = {2, 7, 9, 3}, .range = {{VALUES_GRID}}, .doctor = true),
    ROW(leaky_relu, "17 channels", .in = {{1, 5, 5, 17}}, .out = {1, 5, 5, 17}, .range = {{VALUES_GRID}},
        .options = &(const float){.2f}, .doctor = true),
    ROW(tanh, "-4 to 4", .in = {{1, 9, 9, 5}}, .out = {1, 9, 9, 5}, .range = {{.low = -4, .high = 4}}, .doctor = true),
    ROW(relu, "large", .in = {{1, 512, 512, 64}}, .out = {1, 512, 512, 64}, .timed = true),
    ROW(tanh, "large", .in = {{1, 512, 512, 64}}, .out = {1, 512, 512, 64}, .timed = true),
};

OP_TABLE(activation, rows);
