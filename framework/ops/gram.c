/* S = factor F^T F is symmetric: half of it is computed. dF = factor F (dS + dS^T). */
#include "ops/gram.h"

#include "base/blocks.h"
#include "ops/gemm.h"

static void plan_gram(nx_plan *plan, nx_node *node)
{
    const float *factor = node->attr;
    nx_tensor *x = node->in[0];
    nx_shape s = x->shape;
    nx_gemm_problem p = {
        .m = s.c, .n = s.c, .k = s.h * s.w, .batch = s.n, .transpose_a = true, .symmetric = true, .alpha = *factor};
    nx_gemm_plan(plan, node, &p, x, x, node->out[0]);
}

static void bind_symmetric(nx_plan *plan, nx_node *node)
{
    nx_shape s = node->in[0]->shape;
    size_t lines = nx_blocks((size_t)s.c, (size_t)nx_plan_lanes(plan));
    nx_plan_launch(plan, node, "gram", "gram_symmetric", NULL, nx_range_lanes(plan, s.c, lines, (size_t)s.n),
                   NX_ARGS({"a", .t = node->in[0]}, {"y", .t = node->out[0]}, {"c", .i = s.c}));
}

static const nx_op symmetric_op = {.name = "gram_symmetric", .bind = bind_symmetric};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    const float *factor = node->attr;
    nx_tensor *f = node->in[0];
    nx_tensor *both = nx_node_single(g, &symmetric_op, NULL, 0, dy[0]->shape, dy[0], NULL, NULL, NULL);
    nx_gemm_problem p = {
        .m = f->shape.h * f->shape.w, .n = f->shape.c, .k = f->shape.c, .batch = f->shape.n, .alpha = *factor};
    dx[0] = nx_gemm_shaped(g, f, both, p, f->shape);
}

static const nx_op op = {.name = "gram", .gradient = gradient, .plan = plan_gram, .bind = nx_gemm_bind};

nx_tensor *nx_gram(nx_graph *g, nx_tensor *x, float factor)
{
    NX_CHECK(factor != 0.f, "gram: a factor of 0");
    return nx_node_single(g, &op, &factor, sizeof factor, (nx_shape){x->shape.n, 1, x->shape.c, x->shape.c}, x, NULL,
                          NULL, NULL);
}
