/* Cases of framework/ops/gather. Rows come as evenly spaced numbers, shuffled, of which the kernel takes the nearest
 * whole ones. */
#include "ops/gather.h"

#include "op_case.h"

static nx_tensor *gather_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_gather(g, in[0], in[1]);
}

static void gather_reference(const op_case *c, const double *const *in, double *out)
{
    int channels = c->in[0].c;
    for (int i = 0; i < c->in[1].c; i++)
        for (int k = 0; k < channels; k++) out[i * channels + k] = in[0][(int)(in[1][i] + 0.5) * channels + k];
}

#define ROWS(least, most) .range = {[1] = {VALUES_GRID, least, most}}, .no_gradient = 2

static const op_case rows[] = {
    ROW(gather, "some of two images", .in = {{2, 5, 7, 3}, {1, 1, 1, 23}}, .out = {1, 1, 23, 3}, ROWS(0, 69),
        .doctor = true),
    ROW(gather, "all, 17 channels", .in = {{1, 4, 5, 17}, {1, 1, 1, 20}}, .out = {1, 1, 20, 17}, ROWS(0, 20)),
    ROW(gather, "one, 64 channels", .in = {{1, 3, 3, 64}, {1, 1, 1, 1}}, .out = {1, 1, 1, 64}, ROWS(4, 5)),
    ROW(gather, "large", .in = {{2, 128, 128, 64}, {1, 1, 1, 400}}, .out = {1, 1, 400, 64}, ROWS(0, 32000),
        .timed = true),
};

OP_TABLE(gather, rows);
