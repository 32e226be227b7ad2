/* Cases of framework/ops/linear; options: the activation, a leaky one with the slope 1/4. */
#include "ops/linear.h"

#include "op_case.h"

static nx_tensor *linear_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_activation *activation = c->options;
    return nx_linear(g, in[0], in[1], op_inputs(c) > 2 ? in[2] : NULL, *activation, 0.25f);
}

static void linear_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_activation *activation = c->options;
    size_t inputs = (size_t)c->in[1].w, outputs = (size_t)c->out.c;
    for (size_t n = 0; n < (size_t)c->out.n; n++)
        for (size_t o = 0; o < outputs; o++) {
            double sum = op_inputs(c) > 2 ? in[2][o] : 0;
            for (size_t i = 0; i < inputs; i++) sum += in[0][n * inputs + i] * in[1][i * outputs + o];
            out[n * outputs + o] = op_activated(sum, *activation, 0.25f);
        }
}

static const op_case rows[] = {
    ROW(linear, "bias, tanh, an image", .in = {{3, 2, 5, 3}, {1, 1, 30, 17}, {1, 1, 1, 17}}, .out = {3, 1, 1, 17},
        .options = &(const nx_activation){NX_ACTIVATION_TANH}, .doctor = true),
    ROW(linear, "one row, relu", .in = {{1, 1, 1, 40}, {1, 1, 40, 64}, {1, 1, 1, 64}}, .out = {1, 1, 1, 64},
        .options = &(const nx_activation){NX_ACTIVATION_RELU}),
    ROW(linear, "no bias, leaky", .in = {{13, 1, 1, 16}, {1, 1, 16, 5}}, .out = {13, 1, 1, 5},
        .options = &(const nx_activation){NX_ACTIVATION_LEAKY_RELU}),
};

OP_TABLE(linear, rows);
