/* Bilinear resampling. Positions are exact fractions in integers, so that large images lose nothing. The gradient
 * gathers: a pixel of dx sums the pixels of dy whose position is less than 1 away. */
#include "ops/resize.h"

#include "ops/rows.h"

static void bind_gradient(nx_plan *plan, nx_node *node)
{
    nx_tensor *dy = node->in[0], *dx = node->out[0];
    nx_step *step = nx_plan_launch(plan, node, "resize", "resize_gradient", NULL, nx_range_rows(plan, dx->shape),
                                   NX_ARGS({"dy", .t = dy}, {"dx", .t = dx}, {"h", .i = dx->shape.h},
                                           {"w", .i = dx->shape.w}, {"channels", .i = dx->shape.c},
                                           {"out_h", .i = dy->shape.h}, {"out_w", .i = dy->shape.w}));
    step->bytes = (double)dy->bytes + (double)dx->bytes;
}

static const nx_op gradient_op = {.name = "resize_gradient", .bind = bind_gradient};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_node_single(g, &gradient_op, NULL, 0, node->in[0]->shape, dy[0], NULL, NULL, NULL);
}

static void bind(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0], *y = node->out[0];
    nx_step *step =
        nx_plan_launch(plan, node, "resize", "resize", NULL, nx_range_rows(plan, y->shape),
                       NX_ARGS({"x", .t = x}, {"y", .t = y}, {"h", .i = x->shape.h}, {"w", .i = x->shape.w},
                               {"channels", .i = x->shape.c}, {"out_h", .i = y->shape.h}, {"out_w", .i = y->shape.w}));
    step->bytes = (double)x->bytes + (double)y->bytes;
}

static const nx_op op = {.name = "resize", .cost = NX_COST_LOW, .gradient = gradient, .bind = bind};

nx_tensor *nx_resize(nx_graph *g, nx_tensor *x, int h, int w)
{
    const int most = 16384; /* keeps the fractions of cl/resize.cl within int */
    NX_CHECK(h > 0 && w > 0 && h <= most && w <= most && x->shape.h <= most && x->shape.w <= most,
             "resize: %d x %d to %d x %d pixels", x->shape.h, x->shape.w, h, w);
    return nx_node_single(g, &op, NULL, 0, (nx_shape){x->shape.n, h, w, x->shape.c}, x, NULL, NULL, NULL);
}
