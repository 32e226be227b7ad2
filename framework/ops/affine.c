/* y = scale x + shift by channel; dx = scale dy, dscale = the channel sums of dy x, dshift those of dy. */
#include "ops/affine.h"

#include "base/blocks.h"
#include "ops/channel_sum.h"

enum { RUN = 32 }; /* pixels of a work-item on CPUs; on GPUs one, as long as a launch takes so many */

nx_step *nx_affine_launch(nx_plan *plan, nx_node *node, nx_tensor *x, nx_tensor *scale, nx_tensor *shift, nx_tensor *y)
{
    int channels = y->shape.c, period = channels;
    while (period % nx_plan_lanes(plan)) period += channels; /* whole vectors, as in ops/channel_sum */
    bool cpu = nx_plan_info(plan)->family == NX_FAMILY_CPU;
    size_t count = nx_shape_count(y->shape), pixels = nx_blocks(count, (size_t)period);
    size_t run = cpu ? RUN : nx_blocks(pixels, NX_MOST_GROUPS);
    nx_range range = nx_range_lanes(plan, cpu ? 1 : period, nx_blocks(pixels, run), 1);
    nx_step *step = nx_plan_launch(plan, node, "affine", "affine", NULL, range,
                                   NX_ARGS({"x", .t = x ? x : y}, {"scale", .t = scale ? scale : y},
                                           {"shift", .t = shift ? shift : y}, {"y", .t = y}, {"has_x", .i = x != NULL},
                                           {"has_scale", .i = scale != NULL}, {"has_shift", .i = shift != NULL},
                                           {"channels", .i = channels}, {"period", .i = period}, {"run", .i = run},
                                           {"count", .i = count}));
    step->bytes = (x ? 2.0 : 1.0) * (double)y->bytes;
    return step;
}

static void bind(nx_plan *plan, nx_node *node)
{
    nx_affine_launch(plan, node, node->in[0], node->in[1], node->n_in == 3 ? node->in[2] : NULL, node->out[0]);
}

static const nx_op gradient_op = {.name = "affine_gradient", .in_place = 1, .bind = bind};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    nx_tensor *x = node->in[0], *scale = node->in[1];
    if (want[0]) dx[0] = nx_node_single(g, &gradient_op, NULL, 0, x->shape, dy[0], scale, NULL, NULL);
    if (want[1]) dx[1] = nx_channel_dot(g, dy[0], x);
    if (want[2]) dx[2] = nx_channel_sum(g, dy[0]);
}

static const nx_op op = {.name = "affine", .cost = NX_COST_LOW, .in_place = 1, .gradient = gradient, .bind = bind};

nx_tensor *nx_affine(nx_graph *g, nx_tensor *x, nx_tensor *scale, nx_tensor *shift)
{
    nx_shape vector = NX_VECTOR(x->shape.c);
    NX_CHECK(nx_shape_equal(scale->shape, vector) && nx_shape_equal(shift->shape, vector),
             "affine: scale and shift of %d and %d numbers for %d channels", scale->shape.c, shift->shape.c,
             x->shape.c);
    return nx_node_single(g, &op, NULL, 0, x->shape, x, scale, shift, NULL);
}
