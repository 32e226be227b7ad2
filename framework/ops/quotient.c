/* y = a / b; da = dy / b, db = -dy a / b^2. */
#include "ops/quotient.h"

#include "graph/plan.h"

static const nx_range one = {.dims = 1, .global = {1}, .local = {1}};

static void bind(nx_plan *plan, nx_node *node)
{
    nx_plan_launch(plan, node, "quotient", "quotient", NULL, one,
                   NX_ARGS({"a", .t = node->in[0]}, {"b", .t = node->in[1]}, {"y", .t = node->out[0]}));
}

/* in: a, b, dy */
static void bind_db(nx_plan *plan, nx_node *node)
{
    nx_plan_launch(
        plan, node, "quotient", "quotient_gradient", NULL, one,
        NX_ARGS({"a", .t = node->in[0]}, {"b", .t = node->in[1]}, {"dy", .t = node->in[2]}, {"db", .t = node->out[0]}));
}

static const nx_op db_op = {.name = "quotient_gradient", .bind = bind_db};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    if (want[0]) dx[0] = nx_quotient(g, dy[0], node->in[1]);
    if (want[1]) dx[1] = nx_node_single(g, &db_op, NULL, 0, NX_SCALAR, node->in[0], node->in[1], dy[0], NULL);
}

static const nx_op op = {.name = "quotient", .gradient = gradient, .bind = bind};

nx_tensor *nx_quotient(nx_graph *g, nx_tensor *a, nx_tensor *b)
{
    NX_CHECK(nx_shape_equal(a->shape, NX_SCALAR) && nx_shape_equal(b->shape, NX_SCALAR), "quotient: no scalar");
    return nx_node_single(g, &op, NULL, 0, NX_SCALAR, a, b, NULL, NULL);
}
