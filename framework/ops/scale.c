/* y = factor x; dx = factor dy. */
#include "ops/scale.h"

#include "graph/plan.h"

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_scale(g, dy[0], *(const float *)node->attr);
}

static void bind(nx_plan *plan, nx_node *node)
{
    nx_tensor *y = node->out[0];
    nx_step *step = nx_plan_launch(
        plan, node, "scale", "scale", NULL, nx_range_flat(plan, nx_shape_count(y->shape)),
        NX_ARGS({"x", .t = node->in[0]}, {"y", .t = y}, {"factor", .f = (double)*(const float *)node->attr}));
    step->bytes = 2.0 * (double)y->bytes;
}

static const nx_op op = {.name = "scale", .cost = NX_COST_LOW, .in_place = 1, .gradient = gradient, .bind = bind};

nx_tensor *nx_scale(nx_graph *g, nx_tensor *x, float factor)
{
    return nx_node_single(g, &op, &factor, sizeof factor, x->shape, x, NULL, NULL, NULL);
}
