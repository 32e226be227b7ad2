/* Cases of framework/ops/scale; options: the factor, a float. */
#include "ops/scale.h"

#include "op_case.h"

static nx_tensor *scale_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    return nx_scale(g, in[0], *(const float *)c->options);
}

static void scale_reference(const op_case *c, const double *const *in, double *out)
{
    for (size_t i = 0; i < nx_shape_count(c->out); i++) out[i] = *(const float *)c->options * in[0][i];
}

static const op_case rows[] = {
    ROW(scale, "1/3", .in = {{1, 3, 5, 7}}, .out = {1, 3, 5, 7}, .options = &(const float){1 / 3.f}, .doctor = true),
};

OP_TABLE(scale, rows);
