/* Cases of framework/ops/channel_sum. */
#include "ops/channel_sum.h"

#include "op_case.h"

static nx_tensor *channel_sum_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_channel_sum(g, in[0]);
}

static nx_tensor *channel_dot_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_channel_dot(g, in[0], in[1]);
}

static void channel_sum_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->in[0]); i++) out[i % (size_t)c->out.c] += in[0][i];
}

static void channel_dot_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->in[0]); i++) out[i % (size_t)c->out.c] += in[0][i] * in[1][i];
}

static const op_case rows[] = {
    ROW(channel_sum, "fewer numbers than lanes", .in = {{1, 1, 3, 3}}, .out = {1, 1, 1, 3}),
    ROW(channel_sum, "3 channels, many segments", .in = {{2, 97, 91, 3}}, .out = {1, 1, 1, 3}, .doctor = true),
    ROW(channel_sum, "17 channels", .in = {{1, 30, 31, 17}}, .out = {1, 1, 1, 17}, .doctor = true),
    ROW(channel_sum, "64 channels, many segments", .in = {{1, 41, 40, 64}}, .out = {1, 1, 1, 64}),
    ROW(channel_dot, "5 channels", .in = {{2, 19, 21, 5}, {2, 19, 21, 5}}, .out = {1, 1, 1, 5},
        .no_gradient = NO_GRADIENT, .doctor = true),
    ROW(channel_sum, "large", .in = {{1, 512, 512, 64}}, .out = {1, 1, 1, 64}, .timed = true),
};

OP_TABLE(channel_sum, rows);
