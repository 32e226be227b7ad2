/* Nearest enlargement; its gradient sums the factor x factor pixels that a pixel became. */
#include "ops/upsample.h"

#include "ops/rows.h"

static void bind_gradient(nx_plan *plan, nx_node *node)
{
    nx_tensor *dy = node->in[0], *dx = node->out[0];
    nx_step *step =
        nx_plan_launch(plan, node, "upsample", "upsample_nearest_gradient", NULL, nx_range_rows(plan, dx->shape),
                       NX_ARGS({"dy", .t = dy}, {"dx", .t = dx}, {"width", .i = dx->shape.w},
                               {"channels", .i = dx->shape.c}, {"factor", .i = *(const int *)node->attr}));
    step->bytes = (double)dy->bytes + (double)dx->bytes;
}

static const nx_op gradient_op = {.name = "upsample_gradient", .bind = bind_gradient};

nx_tensor *nx_upsample_gradient(nx_graph *g, nx_tensor *dy, int factor)
{
    nx_shape s = {dy->shape.n, dy->shape.h / factor, dy->shape.w / factor, dy->shape.c};
    return nx_node_single(g, &gradient_op, &factor, sizeof factor, s, dy, NULL, NULL, NULL);
}

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_upsample_gradient(g, dy[0], *(const int *)node->attr);
}

static void plan_upsample(nx_plan *plan, nx_node *node) { nx_plan_keep(plan, node, &(bool){false}, sizeof(bool)); }

/* Nothing is left to do where what makes x writes it there, enlarged. */
static bool place_upsample(nx_plan *plan, nx_node *node, const nx_place *place)
{
    nx_place enlarged = *place;
    enlarged.factor *= *(const int *)node->attr;
    bool there = nx_plan_place(plan, node, node->in[0], enlarged);
    nx_plan_keep(plan, node, &there, sizeof there);
    return there;
}

static void bind(nx_plan *plan, nx_node *node)
{
    const bool *there = node->decided;
    if (*there) return;
    nx_tensor *x = node->in[0], *y = node->out[0];
    nx_step *step = nx_plan_launch(plan, node, "upsample", "upsample_nearest", NULL, nx_range_rows(plan, y->shape),
                                   NX_ARGS({"x", .t = x}, {"y", .t = y}, {"width", .i = y->shape.w},
                                           {"channels", .i = y->shape.c}, {"factor", .i = *(const int *)node->attr}));
    step->bytes = (double)x->bytes + (double)y->bytes;
}

static const nx_op op = {.name = "upsample",
                         .cost = NX_COST_LOW,
                         .gradient = gradient,
                         .plan = plan_upsample,
                         .place = place_upsample,
                         .bind = bind};

nx_tensor *nx_upsample(nx_graph *g, nx_tensor *x, int factor)
{
    NX_CHECK(factor >= 1, "upsample: a factor of %d", factor);
    nx_shape s = {x->shape.n, factor * x->shape.h, factor * x->shape.w, x->shape.c};
    return nx_node_single(g, &op, &factor, sizeof factor, s, x, NULL, NULL, NULL);
}
