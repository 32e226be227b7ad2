/* An alias, forward and backward. */
#include "ops/reshape.h"

#include "graph/plan.h"

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_reshape(g, dy[0], node->in[0]->shape);
}

static const nx_op op = {
    .name = "reshape", .cost = NX_COST_LOW, .gradient = gradient, .plan = nx_plan_alias, .bind = nx_plan_nothing};

nx_tensor *nx_reshape(nx_graph *g, nx_tensor *x, nx_shape shape)
{
    NX_CHECK(nx_shape_count(shape) == nx_shape_count(x->shape), "reshape: %zu numbers as %zu", nx_shape_count(x->shape),
             nx_shape_count(shape));
    return nx_node_single(g, &op, NULL, 0, shape, x, NULL, NULL, NULL);
}
