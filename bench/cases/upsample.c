/* Cases of framework/ops/upsample; options: the factor, an int. */
#include "ops/upsample.h"

#include "op_case.h"

static nx_tensor *upsample_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_upsample(g, in[0], *(const int *)c->options);
}

static void upsample_reference(const op_case *c, const double *const *in, double *out)
{
    int factor = *(const int *)c->options;
    for (int n = 0; n < c->out.n; n++)
        for (int i = 0; i < c->out.h; i++)
            for (int j = 0; j < c->out.w; j++)
                for (int k = 0; k < c->out.c; k++)
                    out[at(c->out, n, i, j, k)] = in[0][at(c->in[0], n, i / factor, j / factor, k)];
}

static const op_case rows[] = {
    ROW(upsample, "2, 3 channels", .in = {{2, 5, 7, 3}}, .out = {2, 10, 14, 3}, .options = &(const int){2},
        .doctor = true),
    ROW(upsample, "3, 17 channels", .in = {{1, 4, 3, 17}}, .out = {1, 12, 9, 17}, .options = &(const int){3}),
    ROW(upsample, "2, large", .in = {{1, 128, 128, 64}}, .out = {1, 256, 256, 64}, .options = &(const int){2},
        .timed = true),
};

OP_TABLE(upsample, rows);
