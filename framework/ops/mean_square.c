/* mean x^2 over N elements; dx = 2 x dy / N. */
#include "ops/mean_square.h"

#include "ops/sum.h"

static void plan_mean_square(nx_plan *plan, nx_node *node)
{
    nx_sum_split split = nx_sum_split_of(plan, nx_shape_count(node->in[0]->shape));
    nx_plan_scratch(plan, node, 0, split.segments * sizeof(float));
}

static void bind(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0];
    size_t count = nx_shape_count(x->shape);
    nx_sum_split split = nx_sum_split_of(plan, count);
    nx_step *step = nx_plan_launch(
        plan, node, "sum", "sum_squares", NULL, nx_range_groups(plan, split.segments),
        NX_ARGS({"x", .t = x}, {"parts", .t = node->scratch[0]}, {"count", .i = count}, {"length", .i = split.length}));
    step->bytes = (double)x->bytes;
    nx_sum_parts(plan, node, node->scratch[0], node->out[0], split.segments, 1, 1.0 / (double)count);
}

/* in: x, dy */
static void bind_dx(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0];
    size_t count = nx_shape_count(x->shape);
    nx_step *step = nx_plan_launch(plan, node, "mean_square", "mean_square_gradient", NULL, nx_range_flat(plan, count),
                                   NX_ARGS({"x", .t = x}, {"dy", .t = node->in[1]}, {"dx", .t = node->out[0]},
                                           {"factor", .f = 2.0 / (double)count}));
    step->bytes = 2.0 * (double)x->bytes;
}

static const nx_op dx_op = {.name = "mean_square_gradient", .bind = bind_dx};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_node_single(g, &dx_op, NULL, 0, node->in[0]->shape, node->in[0], dy[0], NULL, NULL);
}

static const nx_op op = {.name = "mean_square", .gradient = gradient, .plan = plan_mean_square, .bind = bind};

nx_tensor *nx_mean_square(nx_graph *g, nx_tensor *x)
{
    return nx_node_single(g, &op, NULL, 0, NX_SCALAR, x, NULL, NULL, NULL);
}
