/* Rows of channels, read where the list says; the gradient writes them back into zeros. That rows differ makes this a
 * copy: no two items write to one place. */
#include "ops/gather.h"

#include "ops/rows.h"

static nx_range range_of(const nx_plan *plan, nx_shape some)
{
    return nx_range_rows(plan, (nx_shape){1, some.w, 1, some.c});
}

static void bind(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0], *y = node->out[0];
    nx_step *step = nx_plan_launch(
        plan, node, "gather", "gather", NULL, range_of(plan, y->shape),
        NX_ARGS({"x", .t = x}, {"rows", .t = node->in[1]}, {"y", .t = y}, {"channels", .i = x->shape.c}));
    step->bytes = 2.0 * (double)y->bytes;
}

/* in: dy, rows */
static void bind_gradient(nx_plan *plan, nx_node *node)
{
    nx_tensor *dy = node->in[0], *dx = node->out[0];
    nx_step *step = nx_plan_launch(plan, node, "slice", "slice_zero", NULL,
                                   nx_range_flat(plan, nx_shape_count(dx->shape)), NX_ARGS({"x", .t = dx}));
    step->bytes = (double)dx->bytes;
    step = nx_plan_launch(
        plan, node, "gather", "gather_gradient", NULL, range_of(plan, dy->shape),
        NX_ARGS({"dy", .t = dy}, {"rows", .t = node->in[1]}, {"dx", .t = dx}, {"channels", .i = dx->shape.c}));
    step->bytes = 2.0 * (double)dy->bytes;
}

static const nx_op gradient_op = {.name = "gather_gradient", .bind = bind_gradient};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    NX_CHECK(!want[1], "gather: no gradient by the rows");
    dx[0] = nx_node_single(g, &gradient_op, NULL, 0, node->in[0]->shape, dy[0], node->in[1], NULL, NULL);
}

static const nx_op op = {.name = "gather", .cost = NX_COST_LOW, .gradient = gradient, .bind = bind};

nx_tensor *nx_gather(nx_graph *g, nx_tensor *x, nx_tensor *rows)
{
    nx_shape s = rows->shape;
    NX_CHECK(s.n == 1 && s.h == 1 && s.w == 1, "gather: rows of %d x %d x %d x %d", s.n, s.h, s.w, s.c);
    NX_CHECK((size_t)s.c <= nx_shape_count(x->shape) / (size_t)x->shape.c, "gather: more rows than pixels");
    return nx_node_single(g, &op, NULL, 0, (nx_shape){1, 1, s.c, x->shape.c}, x, rows, NULL, NULL);
}
