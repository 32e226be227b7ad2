/* y = a + b; da = db = dy. */
#include "ops/add.h"

#include "graph/plan.h"

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)g, (void)node, (void)want;
    dx[0] = dx[1] = dy[0];
}

static void bind(nx_plan *plan, nx_node *node)
{
    nx_step *step =
        nx_plan_launch(plan, node, "add", "add", NULL, nx_range_flat(plan, nx_shape_count(node->out[0]->shape)),
                       NX_ARGS({"a", .t = node->in[0]}, {"b", .t = node->in[1]}, {"y", .t = node->out[0]}));
    step->bytes = 3.0 * (double)node->out[0]->bytes;
}

static const nx_op op = {.name = "add", .cost = NX_COST_LOW, .in_place = 1, .gradient = gradient, .bind = bind};

nx_tensor *nx_add(nx_graph *g, nx_tensor *a, nx_tensor *b)
{
    NX_CHECK(nx_shape_equal(a->shape, b->shape), "add: shapes differ");
    return nx_node_single(g, &op, NULL, 0, a->shape, a, b, NULL, NULL);
}
