/* One work-item for each row and vector of channels. */
#include "ops/row_moments.h"

#include "graph/plan.h"

static void bind(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0];
    nx_range range = nx_range_lanes(plan, x->shape.c, 1, (size_t)x->shape.n * (size_t)x->shape.h);
    range.apart = true;
    nx_step *step = nx_plan_launch(plan, node, "row_moments", "row_moments", NULL, range,
                                   NX_ARGS({"x", .t = x}, {"columns", .t = node->in[1]}, {"y", .t = node->out[0]},
                                           {"width", .i = x->shape.w}, {"channels", .i = x->shape.c}));
    step->bytes = (double)x->bytes;
}

static const nx_op op = {.name = "row_moments", .bind = bind};

nx_tensor *nx_row_moments(nx_graph *g, nx_tensor *x, nx_tensor *columns)
{
    NX_CHECK(nx_shape_count(columns->shape) == 2, "row_moments: columns are two numbers");
    return nx_node_single(g, &op, NULL, 0, (nx_shape){x->shape.n, x->shape.h, 2, x->shape.c}, x, columns, NULL, NULL);
}
