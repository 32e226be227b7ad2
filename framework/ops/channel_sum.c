/* Sums by channel.
 *
 * A tensor of C channels is read as one of `period` channels, the least common multiple of C and the lanes of a vector,
 * so that vectors are whole whatever C is: three channels and 16 lanes give "pixels" of 48 floats. Stage one sums a
 * segment of such pixels into a row of partial sums; stage two sums, for each channel, its places in all rows, and what
 * was too little for a pixel at the tensor's end. */
#include "ops/channel_sum.h"

#include "base/blocks.h"
#include "graph/plan.h"
#include "ops/affine.h"

enum { SEGMENT = 512, MAX_SEGMENTS = 1024 }; /* pixels of a segment, at least; segments, at most */

typedef struct split {
    int period;
    size_t pixels, segment, segments; /* pixels in all, in one segment; segments */
} split;

static split split_of(const nx_plan *plan, const nx_node *node)
{
    nx_shape x = node->in[0]->shape;
    split s = {.period = x.c};
    while (s.period % nx_plan_lanes(plan)) s.period += x.c;
    s.pixels = nx_shape_count(x) / (size_t)s.period;
    size_t least = nx_plan_info(plan)->family == NX_FAMILY_GPU ? SEGMENT / 8 : SEGMENT;
    s.segment = s.pixels / MAX_SEGMENTS + 1;
    if (s.segment < least) s.segment = least;
    s.segments = nx_blocks(s.pixels, s.segment);
    return s;
}

static void plan_scratch(nx_plan *plan, nx_node *node)
{
    split s = split_of(plan, node);
    nx_plan_scratch(plan, node, 0, (s.segments + 1) * (size_t)s.period * sizeof(float));
}

static void bind(nx_plan *plan, nx_node *node)
{
    split s = split_of(plan, node);
    nx_tensor *a = node->in[0], *b = node->in[node->n_in - 1], *partial = node->scratch[0], *y = node->out[0];
    const char *defines = node->n_in == 2 ? "-DDOT" : NULL;
    bool cpu = nx_plan_info(plan)->family == NX_FAMILY_CPU;
    if (s.segments) {
        nx_step *step =
            nx_plan_launch(plan, node, "channel_sum", "channel_sum_segments", defines,
                           nx_range_lanes(plan, cpu ? 1 : s.period, s.segments, 1),
                           NX_ARGS({"x", .t = a}, {"b", .t = b}, {"partial", .t = partial}, {"period", .i = s.period},
                                   {"segment", .i = s.segment}, {"pixels", .i = s.pixels}));
        step->bytes = (double)node->n_in * (double)a->bytes;
    }
    nx_plan_launch(plan, node, "channel_sum", "channel_sum_total", defines, nx_range_groups(plan, (size_t)y->shape.c),
                   NX_ARGS({"x", .t = a}, {"b", .t = b}, {"partial", .t = partial}, {"y", .t = y},
                           {"period", .i = s.period}, {"segments", .i = s.segments}, {"channels", .i = y->shape.c},
                           {"count", .i = nx_shape_count(a->shape)}));
}

static const nx_op dot_op = {.name = "channel_dot", .plan = plan_scratch, .bind = bind};

/* ---- the gradient of the sum: every pixel gets dy ---- */

static void bind_spread(nx_plan *plan, nx_node *node)
{
    nx_affine_launch(plan, node, NULL, NULL, node->in[0], node->out[0]);
}

static const nx_op spread_op = {.name = "channel_spread", .bind = bind_spread};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_node_single(g, &spread_op, NULL, 0, node->in[0]->shape, dy[0], NULL, NULL, NULL);
}

static const nx_op sum_op = {.name = "channel_sum", .gradient = gradient, .plan = plan_scratch, .bind = bind};

nx_tensor *nx_channel_sum(nx_graph *g, nx_tensor *x)
{
    return nx_node_single(g, &sum_op, NULL, 0, NX_VECTOR(x->shape.c), x, NULL, NULL, NULL);
}

nx_tensor *nx_channel_dot(nx_graph *g, nx_tensor *a, nx_tensor *b)
{
    NX_CHECK(nx_shape_equal(a->shape, b->shape), "channel_dot: shapes differ");
    return nx_node_single(g, &dot_op, NULL, 0, NX_VECTOR(a->shape.c), a, b, NULL, NULL);
}
