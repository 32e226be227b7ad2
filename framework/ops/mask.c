/* y = m x; dx = m dy. */
#include "ops/mask.h"

#include "ops/rows.h"

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    if (want[0]) dx[0] = nx_mask(g, dy[0], node->in[1]);
}

static void bind(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0];
    nx_step *step =
        nx_plan_launch(plan, node, "mask", "mask", NULL, nx_range_rows(plan, x->shape),
                       NX_ARGS({"x", .t = x}, {"weights", .t = node->in[1]}, {"y", .t = node->out[0]},
                               {"height", .i = x->shape.h}, {"width", .i = x->shape.w}, {"channels", .i = x->shape.c}));
    step->bytes = 2.0 * (double)x->bytes;
}

static const nx_op op = {.name = "mask", .cost = NX_COST_LOW, .in_place = 1, .gradient = gradient, .bind = bind};

nx_tensor *nx_mask(nx_graph *g, nx_tensor *x, nx_tensor *mask)
{
    NX_CHECK(nx_shape_equal(mask->shape, (nx_shape){1, x->shape.h, x->shape.w, 1}),
             "mask: %d x %d for features of %d x %d", mask->shape.h, mask->shape.w, x->shape.h, x->shape.w);
    return nx_node_single(g, &op, NULL, 0, x->shape, x, mask, NULL, NULL);
}
