/* One group an image. What normalizes its softmax, the largest logit and the logarithm of the sum, is the node's second
 * output: the gradient reads it. */
#include "ops/cross_entropy.h"

#include "ops/sum.h"

static nx_range range_of(const nx_plan *plan, const nx_node *node)
{
    return nx_range_groups(plan, (size_t)node->in[0]->shape.n);
}

static void plan_loss(nx_plan *plan, nx_node *node)
{
    nx_plan_scratch(plan, node, 0, (size_t)node->in[0]->shape.n * sizeof(float));
}

static void bind(nx_plan *plan, nx_node *node)
{
    const float *smoothing = node->attr;
    nx_tensor *x = node->in[0];
    nx_step *step = nx_plan_launch(plan, node, "cross_entropy", "cross_entropy", NULL, range_of(plan, node),
                                   NX_ARGS({"x", .t = x}, {"labels", .t = node->in[1]},
                                           {"losses", .t = node->scratch[0]}, {"normalizer", .t = node->out[1]},
                                           {"classes", .i = x->shape.c}, {"smoothing", .f = *smoothing}));
    step->bytes = 2.0 * (double)x->bytes;
    nx_sum_parts(plan, node, node->scratch[0], node->out[0], (size_t)x->shape.n, 1, 1.0 / x->shape.n);
}

/* in: x, labels, normalizer, dy */
static void bind_gradient(nx_plan *plan, nx_node *node)
{
    const float *smoothing = node->attr;
    nx_tensor *x = node->in[0];
    nx_step *step =
        nx_plan_launch(plan, node, "cross_entropy", "cross_entropy_gradient", NULL, range_of(plan, node),
                       NX_ARGS({"x", .t = x}, {"labels", .t = node->in[1]}, {"normalizer", .t = node->in[2]},
                               {"dy", .t = node->in[3]}, {"dx", .t = node->out[0]}, {"classes", .i = x->shape.c},
                               {"smoothing", .f = *smoothing}, {"factor", .f = 1.0 / x->shape.n}));
    step->bytes = 2.0 * (double)x->bytes;
}

static const nx_op gradient_op = {.name = "cross_entropy_gradient", .bind = bind_gradient};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    NX_CHECK(!want[1], "cross_entropy: no gradient by the labels");
    nx_tensor *x = node->in[0];
    dx[0] = nx_node_single(g, &gradient_op, node->attr, node->attr_size, x->shape, x, node->in[1], node->out[1], dy[0]);
}

static const nx_op op = {.name = "cross_entropy", .gradient = gradient, .plan = plan_loss, .bind = bind};

nx_tensor *nx_cross_entropy(nx_graph *g, nx_tensor *logits, nx_tensor *labels, float smoothing)
{
    nx_shape s = logits->shape, t = labels->shape;
    NX_CHECK(s.h == 1 && s.w == 1, "cross_entropy: logits of %d x %d pixels, not one row of classes an image", s.h,
             s.w);
    NX_CHECK(nx_shape_equal(t, (nx_shape){s.n, 1, 1, 1}), "cross_entropy: %d x %d x %d x %d labels for %d images", t.n,
             t.h, t.w, t.c, s.n);
    nx_node *node = nx_node_new(g, &op, &smoothing, sizeof smoothing, 2, (nx_tensor *[]){logits, labels});
    nx_tensor *y = nx_node_output(g, node, NX_SCALAR);
    nx_node_output(g, node, (nx_shape){s.n, 1, 1, 2});
    return y;
}
