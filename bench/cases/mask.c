/* Cases of framework/ops/mask. */
#include "ops/mask.h"

#include "op_case.h"

static nx_tensor *mask_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return (void)c, nx_mask(g, in[0], in[1]);
}

static void mask_reference(const op_case *c, const double *const *in, double *out)
{
    nx_shape s = c->out;
    for (int n = 0; n < s.n; n++)
        for (int h = 0; h < s.h; h++)
            for (int w = 0; w < s.w; w++)
                for (int k = 0; k < s.c; k++)
                    out[at(s, n, h, w, k)] = in[0][at(s, n, h, w, k)] * in[1][at(c->in[1], 0, h, w, 0)];
}

static const op_case rows[] = {
    ROW(mask, "odd", .in = {{2, 5, 7, 19}, {1, 5, 7, 1}}, .out = {2, 5, 7, 19}, .no_gradient = 2, .doctor = true),
    ROW(mask, "a picture", .in = {{1, 9, 12, 3}, {1, 9, 12, 1}}, .out = {1, 9, 12, 3}, .no_gradient = 2),
};

OP_TABLE(mask, rows);
