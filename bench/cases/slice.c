/* Cases of framework/ops/slice. */
#include "ops/slice.h"

#include "op_case.h"

static nx_tensor *slice_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_slice(g, in[0], *(const nx_slice_options *)c->options);
}

static void slice_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_slice_options *o = c->options;
    for (int n = 0; n < c->out.n; n++)
        for (int i = 0; i < c->out.h; i++)
            for (int j = 0; j < c->out.w; j++)
                for (int k = 0; k < c->out.c; k++)
                    out[at(c->out, n, i, j, k)] =
                        in[0][at(c->in[0], o->n.first + n, o->h.first + i, o->w.first + j, o->c.first + k)];
}

#define SLICE(...)                                                                                                     \
    .options = &(const nx_slice_options) { __VA_ARGS__ }

static const op_case rows[] = {
    ROW(slice, "along all axes", .in = {{4, 7, 8, 37}}, .out = {2, 3, 4, 21},
        SLICE(.n = {1, 2}, .h = {2, 3}, .w = {3, 4}, .c = {5, 21}), .doctor = true),
    ROW(slice, "an image of a batch", .in = {{3, 5, 5, 3}}, .out = {1, 5, 5, 3}, SLICE(.n = {2, 1})),
    ROW(slice, "a crop", .in = {{2, 9, 9, 3}}, .out = {2, 7, 5, 3}, SLICE(.h = {1, 7}, .w = {4})),
    ROW(slice, "channels to the end", .in = {{1, 4, 4, 48}}, .out = {1, 4, 4, 32}, SLICE(.c = {16})),
    ROW(slice, "a large crop", .in = {{1, 1032, 1032, 3}}, .out = {1, 1024, 1024, 3},
        SLICE(.h = {4, 1024}, .w = {4, 1024}), .timed = true),
};

OP_TABLE(slice, rows);
