/* A product, the bias added in place, an activation in place. */
#include "ops/linear.h"

#include "ops/affine.h"
#include "ops/channel_sum.h"
#include "ops/gemm.h"

static void bind(nx_plan *plan, nx_node *node)
{
    nx_affine_launch(plan, node, node->in[0], NULL, node->in[1], node->out[0]);
}

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)node;
    dx[0] = dy[0];
    if (want[1]) dx[1] = nx_channel_sum(g, dy[0]);
}

static const nx_op bias_op = {.name = "bias", .cost = NX_COST_LOW, .in_place = 1, .gradient = gradient, .bind = bind};

nx_tensor *nx_linear(nx_graph *g, nx_tensor *x, nx_tensor *weight, nx_tensor *bias, nx_activation activation,
                     float slope)
{
    nx_gemm_problem p = {.m = x->shape.n, .n = weight->shape.c, .k = x->shape.h * x->shape.w * x->shape.c};
    NX_CHECK(weight->shape.n == 1 && weight->shape.h == 1 && weight->shape.w == p.k,
             "linear: weights for %d inputs, but there are %d", weight->shape.w, p.k);
    NX_CHECK(!bias || nx_shape_equal(bias->shape, NX_VECTOR(p.n)), "linear: %d biases for %d outputs", bias->shape.c,
             p.n);
    nx_shape shape = {p.m, 1, 1, p.n};
    nx_tensor *y = nx_gemm_shaped(g, x, weight, p, shape);
    if (bias) y = nx_node_single(g, &bias_op, NULL, 0, shape, y, bias, NULL, NULL);
    return nx_activate(g, y, activation, slope);
}
