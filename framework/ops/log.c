/* y = ln(x + epsilon); dx = dy / (x + epsilon). */
#include "ops/log.h"

#include "graph/plan.h"

static void bind(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0];
    nx_step *step = nx_plan_launch(
        plan, node, "log", "natural_log", NULL, nx_range_flat(plan, nx_shape_count(x->shape)),
        NX_ARGS({"x", .t = x}, {"y", .t = node->out[0]}, {"epsilon", .f = (double)*(const float *)node->attr}));
    step->bytes = 2.0 * (double)x->bytes;
}

/* in: x, dy */
static void bind_gradient(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0];
    nx_step *step =
        nx_plan_launch(plan, node, "log", "natural_log_gradient", NULL, nx_range_flat(plan, nx_shape_count(x->shape)),
                       NX_ARGS({"x", .t = x}, {"dy", .t = node->in[1]}, {"dx", .t = node->out[0]},
                               {"epsilon", .f = (double)*(const float *)node->attr}));
    step->bytes = 3.0 * (double)x->bytes;
}

static const nx_op gradient_op = {.name = "log_gradient", .bind = bind_gradient};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] =
        nx_node_single(g, &gradient_op, node->attr, sizeof(float), node->in[0]->shape, node->in[0], dy[0], NULL, NULL);
}

static const nx_op op = {.name = "log", .gradient = gradient, .bind = bind};

nx_tensor *nx_log(nx_graph *g, nx_tensor *x, float epsilon)
{
    return nx_node_single(g, &op, &epsilon, sizeof epsilon, x->shape, x, NULL, NULL, NULL);
}
