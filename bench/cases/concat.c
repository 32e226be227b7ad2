/* Cases of framework/ops/concat. */
#include "ops/concat.h"

#include "op_case.h"

static nx_tensor *concat_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_concat(g, in, op_inputs(c));
}

static void concat_reference(const op_case *c, const double *const *in, double *out)
{
    size_t pixels = nx_shape_count(c->out) / (size_t)c->out.c;
    for (size_t p = 0; p < pixels; p++)
        for (int i = 0; i < op_inputs(c); i++)
            for (size_t k = 0; k < (size_t)c->in[i].c; k++) *out++ = in[i][p * (size_t)c->in[i].c + k];
}

static const op_case rows[] = {
    ROW(concat, "3 + 16 + 5", .in = {{2, 5, 4, 3}, {2, 5, 4, 16}, {2, 5, 4, 5}}, .out = {2, 5, 4, 24}, .doctor = true),
    ROW(concat, "vectors", .in = {{1, 1, 1, 33}, {1, 1, 1, 1}}, .out = {1, 1, 1, 34}),
    ROW(concat, "large", .in = {{1, 256, 256, 64}, {1, 256, 256, 64}}, .out = {1, 256, 256, 128}, .timed = true),
};

OP_TABLE(concat, rows);
