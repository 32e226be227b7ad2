/* One group sums a row of the image; then the rows. */
#include "ops/total_variation.h"

#include "ops/sum.h"

static size_t rows_of(const nx_tensor *x) { return (size_t)x->shape.n * (size_t)x->shape.h; }

static void plan_rows(nx_plan *plan, nx_node *node)
{
    nx_plan_scratch(plan, node, 0, rows_of(node->in[0]) * sizeof(float));
}

static void bind(nx_plan *plan, nx_node *node)
{
    const nx_variation *kind = node->attr;
    nx_tensor *x = node->in[0];
    nx_step *step = nx_plan_launch(
        plan, node, "total_variation", "total_variation", NULL, nx_range_groups(plan, rows_of(x)),
        NX_ARGS({"x", .t = x}, {"parts", .t = node->scratch[0]}, {"h", .i = x->shape.h}, {"w", .i = x->shape.w},
                {"c", .i = x->shape.c}, {"absolute", .i = *kind == NX_VARIATION_L1}));
    step->bytes = (double)x->bytes;
    nx_sum_parts(plan, node, node->scratch[0], node->out[0], rows_of(x), 1, 1.0 / x->shape.n);
}

static void bind_gradient(nx_plan *plan, nx_node *node)
{
    const nx_variation *kind = node->attr;
    nx_tensor *x = node->in[0];
    nx_step *step = nx_plan_launch(plan, node, "total_variation", "total_variation_gradient", NULL,
                                   nx_range_flat_rows(plan, (size_t)x->shape.w * (size_t)x->shape.c, rows_of(x)),
                                   NX_ARGS({"x", .t = x}, {"dy", .t = node->in[1]}, {"dx", .t = node->out[0]},
                                           {"h", .i = x->shape.h}, {"w", .i = x->shape.w}, {"c", .i = x->shape.c},
                                           {"absolute", .i = *kind == NX_VARIATION_L1},
                                           {"factor", .f = (*kind == NX_VARIATION_L1 ? 1.0 : 2.0) / x->shape.n}));
    step->bytes = 2.0 * (double)x->bytes;
}

static const nx_op gradient_op = {.name = "total_variation_gradient", .bind = bind_gradient};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    nx_tensor *x = node->in[0];
    dx[0] = nx_node_single(g, &gradient_op, node->attr, sizeof(nx_variation), x->shape, x, dy[0], NULL, NULL);
}

static const nx_op op = {.name = "total_variation", .gradient = gradient, .plan = plan_rows, .bind = bind};

nx_tensor *nx_total_variation(nx_graph *g, nx_tensor *x, nx_variation kind)
{
    return nx_node_single(g, &op, &kind, sizeof kind, NX_SCALAR, x, NULL, NULL, NULL);
}
