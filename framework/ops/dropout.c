/* The noise is an operation of its own; the gradient is the same of dy, by the same noise. */
#include "ops/dropout.h"

#include "graph/plan.h"
#include "ops/random.h"

static nx_tensor *drop(nx_graph *g, nx_tensor *x, nx_tensor *noise, float rate);

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    const float *rate = node->attr;
    if (want[0]) dx[0] = drop(g, dy[0], node->in[1], *rate);
}

static void bind(nx_plan *plan, nx_node *node)
{
    const float *rate = node->attr;
    nx_tensor *x = node->in[0];
    nx_step *step =
        nx_plan_launch(plan, node, "dropout", "dropout", NULL, nx_range_flat(plan, nx_shape_count(x->shape)),
                       NX_ARGS({"x", .t = x}, {"noise", .t = node->in[1]}, {"y", .t = node->out[0]},
                               {"rate", .f = *rate}, {"growth", .f = 1 / (1 - (double)*rate)}));
    step->bytes = 3.0 * (double)x->bytes;
}

static const nx_op op = {.name = "dropout", .cost = NX_COST_LOW, .in_place = 1, .gradient = gradient, .bind = bind};

static nx_tensor *drop(nx_graph *g, nx_tensor *x, nx_tensor *noise, float rate)
{
    return nx_node_single(g, &op, &rate, sizeof rate, x->shape, x, noise, NULL, NULL);
}

nx_tensor *nx_dropout(nx_graph *g, nx_tensor *x, float rate, nx_tensor *state)
{
    NX_CHECK(rate >= 0 && rate < 1, "dropout: a rate of %g", (double)rate);
    return rate > 0 ? drop(g, x, nx_uniform(g, x->shape, state), rate) : x;
}
