/* ReLU is the leaky one of slope 0. Both gradients need y alone: y > 0 exactly where x > 0, and tanh' = 1 - tanh^2. */
#include "ops/activation.h"

#include "graph/plan.h"

static nx_range flat(const nx_plan *plan, const nx_node *node)
{
    return nx_range_flat(plan, nx_shape_count(node->out[0]->shape));
}

static double slope_of(const nx_node *node) { return *(const float *)node->attr; }

static void bind_rectifier_gradient(nx_plan *plan, nx_node *node)
{
    nx_step *step = nx_plan_launch(plan, node, "activation", "leaky_relu_gradient", NULL, flat(plan, node),
                                   NX_ARGS({"y", .t = node->in[0]}, {"dy", .t = node->in[1]}, {"dx", .t = node->out[0]},
                                           {"slope", .f = slope_of(node)}));
    step->bytes = 3.0 * (double)node->out[0]->bytes;
}

static const nx_op rectifier_gradient_op = {
    .name = "leaky_relu_gradient", .in_place = 2, .bind = bind_rectifier_gradient};

static void rectifier_gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_activation_gradient(g, node->out[0], dy[0], NX_ACTIVATION_LEAKY_RELU, (float)slope_of(node));
}

static void bind_rectifier(nx_plan *plan, nx_node *node)
{
    nx_step *step =
        nx_plan_launch(plan, node, "activation", "leaky_relu", NULL, flat(plan, node),
                       NX_ARGS({"x", .t = node->in[0]}, {"y", .t = node->out[0]}, {"slope", .f = slope_of(node)}));
    step->bytes = 2.0 * (double)node->out[0]->bytes;
}

static const nx_op rectifier_op = {
    .name = "leaky_relu", .cost = NX_COST_LOW, .in_place = 1, .gradient = rectifier_gradient, .bind = bind_rectifier};

static void bind_tanh_gradient(nx_plan *plan, nx_node *node)
{
    nx_step *step =
        nx_plan_launch(plan, node, "activation", "hyperbolic_tangent_gradient", NULL, flat(plan, node),
                       NX_ARGS({"y", .t = node->in[0]}, {"dy", .t = node->in[1]}, {"dx", .t = node->out[0]}));
    step->bytes = 3.0 * (double)node->out[0]->bytes;
}

static const nx_op tanh_gradient_op = {.name = "tanh_gradient", .in_place = 2, .bind = bind_tanh_gradient};

static void tanh_gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_activation_gradient(g, node->out[0], dy[0], NX_ACTIVATION_TANH, 0);
}

static void bind_tanh(nx_plan *plan, nx_node *node)
{
    nx_step *step = nx_plan_launch(plan, node, "activation", "hyperbolic_tangent", NULL, flat(plan, node),
                                   NX_ARGS({"x", .t = node->in[0]}, {"y", .t = node->out[0]}));
    step->bytes = 2.0 * (double)node->out[0]->bytes;
}

static const nx_op tanh_op = {
    .name = "tanh", .cost = NX_COST_LOW, .in_place = 1, .gradient = tanh_gradient, .bind = bind_tanh};

nx_tensor *nx_leaky_relu(nx_graph *g, nx_tensor *x, float slope)
{
    NX_CHECK(slope >= 0, "leaky_relu: a slope of %g", (double)slope);
    return nx_node_single(g, &rectifier_op, &slope, sizeof slope, x->shape, x, NULL, NULL, NULL);
}

nx_tensor *nx_relu(nx_graph *g, nx_tensor *x) { return nx_leaky_relu(g, x, 0); }

nx_tensor *nx_tanh(nx_graph *g, nx_tensor *x)
{
    return nx_node_single(g, &tanh_op, NULL, 0, x->shape, x, NULL, NULL, NULL);
}

nx_tensor *nx_activate(nx_graph *g, nx_tensor *x, nx_activation kind, float slope)
{
    switch (kind) {
    case NX_ACTIVATION_NONE:
        return x;
    case NX_ACTIVATION_RELU:
        return nx_relu(g, x);
    case NX_ACTIVATION_LEAKY_RELU:
        return nx_leaky_relu(g, x, slope);
    case NX_ACTIVATION_TANH:
        return nx_tanh(g, x);
    }
    nx_die("no activation %d", (int)kind);
}

nx_tensor *nx_activation_gradient(nx_graph *g, nx_tensor *y, nx_tensor *dy, nx_activation kind, float slope)
{
    NX_CHECK(nx_shape_equal(y->shape, dy->shape), "activation: the gradient has another shape");
    if (kind == NX_ACTIVATION_NONE) return dy;
    if (kind == NX_ACTIVATION_RELU) slope = 0;
    if (kind == NX_ACTIVATION_TANH) return nx_node_single(g, &tanh_gradient_op, NULL, 0, y->shape, y, dy, NULL, NULL);
    return nx_node_single(g, &rectifier_gradient_op, &slope, sizeof slope, y->shape, y, dy, NULL, NULL);
}
