/* Distances of all pairs; a small kernel finds neighbours and gives the value and the symmetric matrix of weights
 * w[i][j] with which dx_i = dy sum_j w_ij (x_i - x_j). The matrix is the node's second output. */
#include "ops/entropy.h"

#include "ops/sum.h"

static size_t image_of(const nx_tensor *x) { return nx_shape_count(x->shape) / (size_t)x->shape.n; }
static size_t pairs_of(const nx_tensor *x) { return (size_t)x->shape.n * (size_t)(x->shape.n - 1) / 2; }

static void plan_entropy(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0];
    size_t segments = nx_sum_split_of(plan, image_of(x)).segments;
    nx_plan_scratch(plan, node, 0, pairs_of(x) * segments * sizeof(float));
    nx_plan_scratch(plan, node, 1, pairs_of(x) * sizeof(float));
}

static void bind(nx_plan *plan, nx_node *node)
{
    const nx_entropy_options *o = node->attr;
    nx_tensor *x = node->in[0];
    nx_sum_split split = nx_sum_split_of(plan, image_of(x));
    nx_step *step = nx_plan_launch(
        plan, node, "sum", "sum_squared_differences", NULL, nx_range_groups(plan, pairs_of(x) * split.segments),
        NX_ARGS({"x", .t = x}, {"y", .t = x}, {"parts", .t = node->scratch[0]}, {"count", .i = image_of(x)},
                {"length", .i = split.length}, {"segments", .i = split.segments}, {"shared", .i = 0},
                {"pairs", .i = x->shape.n}));
    step->bytes = 8.0 * (double)pairs_of(x) * (double)image_of(x);
    nx_sum_parts(plan, node, node->scratch[0], node->scratch[1], split.segments, pairs_of(x), 1.0);
    double scale = o->literal ? 0.5 / x->shape.n : (double)image_of(x) / x->shape.n;
    nx_plan_launch(plan, node, "entropy", "entropy", NULL, (nx_range){.dims = 1, .global = {1}, .local = {1}},
                   NX_ARGS({"distances", .t = node->scratch[1]}, {"value", .t = node->out[0]},
                           {"weights", .t = node->out[1]}, {"n", .i = x->shape.n}, {"scale", .f = scale},
                           {"literal", .i = o->literal}, {"epsilon", .f = o->epsilon}));
}

static void bind_gradient(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0];
    nx_step *step = nx_plan_launch(
        plan, node, "entropy", "entropy_gradient", NULL, nx_range_flat_rows(plan, image_of(x), (size_t)x->shape.n),
        NX_ARGS({"x", .t = x}, {"weights", .t = node->in[1]}, {"dy", .t = node->in[2]}, {"dx", .t = node->out[0]},
                {"count", .i = image_of(x)}, {"n", .i = x->shape.n}));
    step->bytes = 3.0 * (double)x->bytes;
}

static const nx_op gradient_op = {.name = "entropy_gradient", .bind = bind_gradient};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    nx_tensor *x = node->in[0];
    dx[0] = nx_node_single(g, &gradient_op, NULL, 0, x->shape, x, node->out[1], dy[0], NULL);
}

static const nx_op op = {.name = "entropy", .gradient = gradient, .plan = plan_entropy, .bind = bind};

nx_tensor *nx_entropy(nx_graph *g, nx_tensor *x, nx_entropy_options options)
{
    NX_CHECK(x->shape.n >= 2, "entropy: one image has no neighbour");
    if (options.epsilon == 0.f) options.epsilon = 0.1f;
    nx_node *node = nx_node_new(g, &op, &options, sizeof options, 1, &x);
    nx_tensor *y = nx_node_output(g, node, NX_SCALAR);
    nx_node_output(g, node, (nx_shape){1, 1, x->shape.n, x->shape.n});
    return y;
}
