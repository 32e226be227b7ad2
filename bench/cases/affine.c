/* Cases of framework/ops/affine. Inputs: x, scale, shift. */
#include "ops/affine.h"

#include "op_case.h"

static nx_tensor *affine_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_affine(g, in[0], in[1], in[2]);
}

static void affine_reference(const op_case *c, const double *const *in, double *out)
{
    size_t channels = (size_t)c->out.c;
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = in[1][i % channels] * in[0][i] + in[2][i % channels];
}

static const op_case rows[] = {
    ROW(affine, "an image", .in = {{2, 33, 35, 3}, {1, 1, 1, 3}, {1, 1, 1, 3}}, .out = {2, 33, 35, 3}),
    ROW(affine, "1 channel", .in = {{1, 9, 9, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}}, .out = {1, 9, 9, 1}),
    ROW(affine, "17 channels", .in = {{3, 9, 7, 17}, {1, 1, 1, 17}, {1, 1, 1, 17}}, .out = {3, 9, 7, 17},
        .doctor = true),
    ROW(affine, "64 channels", .in = {{1, 10, 11, 64}, {1, 1, 1, 64}, {1, 1, 1, 64}}, .out = {1, 10, 11, 64}),
    ROW(affine, "large image", .in = {{1, 1024, 1024, 3}, {1, 1, 1, 3}, {1, 1, 1, 3}}, .out = {1, 1024, 1024, 3},
        .timed = true),
};

OP_TABLE(affine, rows);
