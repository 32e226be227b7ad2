/* Cases of framework/ops/pad. */
#include "ops/pad.h"

#include "op_case.h"

static nx_tensor *pad_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_pad(g, in[0], *(const nx_pad_options *)c->options);
}

static void pad_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_pad_options *o = c->options;
    nx_shape s = c->in[0];
    for (int n = 0; n < c->out.n; n++)
        for (int i = 0; i < c->out.h; i++)
            for (int j = 0; j < c->out.w; j++)
                for (int k = 0; k < c->out.c; k++) {
                    int y = op_source(i - o->top, s.h, o->mode), x = op_source(j - o->left, s.w, o->mode);
                    if (y >= 0 && x >= 0) out[at(c->out, n, i, j, k)] = in[0][at(s, n, y, x, k)];
                }
}

#define PAD(...)                                                                                                       \
    .options = &(const nx_pad_options) { __VA_ARGS__ }

static const op_case rows[] = {
    ROW(pad, "zero", .in = {{2, 5, 6, 3}}, .out = {2, 9, 14, 3}, PAD(1, 3, 6, 2, NX_PADDING_ZERO)),
    ROW(pad, "reflect", .in = {{2, 7, 5, 3}}, .out = {2, 13, 13, 3}, PAD(6, 0, 4, 4, NX_PADDING_REFLECT),
        .doctor = true),
    ROW(pad, "replicate", .in = {{1, 4, 5, 17}}, .out = {1, 12, 8, 17}, PAD(2, 6, 1, 2, NX_PADDING_REPLICATE)),
    ROW(pad, "circular", .in = {{2, 4, 5, 16}}, .out = {2, 12, 9, 16}, PAD(4, 4, 1, 3, NX_PADDING_CIRCULAR),
        .doctor = true),
    ROW(pad, "replicate, one pixel", .in = {{1, 1, 1, 3}}, .out = {1, 3, 4, 3}, PAD(1, 1, 2, 1, NX_PADDING_REPLICATE)),
    ROW(pad, "reflect, large", .in = {{1, 512, 512, 64}}, .out = {1, 514, 514, 64}, PAD(1, 1, 1, 1, NX_PADDING_REFLECT),
        .timed = true),
    ROW(pad, "reflect, large image", .in = {{1, 1024, 1024, 3}}, .out = {1, 1032, 1032, 3},
        PAD(4, 4, 4, 4, NX_PADDING_REFLECT), .timed = true),
};

OP_TABLE(pad, rows);
