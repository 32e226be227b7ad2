/* Cases of framework/ops/add. */
#include "ops/add.h"

#include "op_case.h"

static nx_tensor *add_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    (void)c;
    return nx_add(g, in[0], in[1]);
}

static void add_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = in[0][i] + in[1][i];
}

static const op_case rows[] = {
    ROW(add, "odd", .in = {{2, 5, 7, 3}, {2, 5, 7, 3}}, .out = {2, 5, 7, 3}, .doctor = true),
    ROW(add, "twice the same length of lanes", .in = {{1, 4, 4, 64}, {1, 4, 4, 64}}, .out = {1, 4, 4, 64}),
    ROW(add, "large", .in = {{1, 512, 512, 64}, {1, 512, 512, 64}}, .out = {1, 512, 512, 64}, .timed = true),
};

OP_TABLE(add, rows);
