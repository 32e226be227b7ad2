/* Forward an alias, backward a sum and a scaling. */
#include "ops/gradient_norm.h"

#include "ops/sum.h"

static size_t count_of(const nx_node *node) { return nx_shape_count(node->in[0]->shape); }

static void plan_scaling(nx_plan *plan, nx_node *node)
{
    nx_plan_scratch(plan, node, 0, nx_sum_split_of(plan, count_of(node)).segments * sizeof(float));
    nx_plan_scratch(plan, node, 1, sizeof(float));
}

static void bind_scaling(nx_plan *plan, nx_node *node)
{
    const float *strength = node->attr;
    nx_tensor *dy = node->in[0], *dx = node->out[0];
    nx_sum_split split = nx_sum_split_of(plan, count_of(node));
    nx_step *step = nx_plan_launch(plan, node, "sum", "sum_magnitudes", NULL, nx_range_groups(plan, split.segments),
                                   NX_ARGS({"x", .t = dy}, {"parts", .t = node->scratch[0]},
                                           {"count", .i = count_of(node)}, {"length", .i = split.length}));
    step->bytes = (double)dy->bytes;
    nx_sum_parts(plan, node, node->scratch[0], node->scratch[1], split.segments, 1, 1.0);
    step = nx_plan_launch(plan, node, "gradient_norm", "gradient_norm", NULL, nx_range_flat(plan, count_of(node)),
                          NX_ARGS({"dy", .t = dy}, {"norm", .t = node->scratch[1]}, {"dx", .t = dx},
                                  {"strength", .f = (double)*strength}));
    step->bytes = 2.0 * (double)dy->bytes;
}

static const nx_op scaling_op = {
    .name = "normalize_gradient", .in_place = 1, .plan = plan_scaling, .bind = bind_scaling};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    (void)want;
    dx[0] = nx_node_single(g, &scaling_op, node->attr, sizeof(float), node->in[0]->shape, dy[0], NULL, NULL, NULL);
}

static const nx_op op = {
    .name = "identity", .cost = NX_COST_LOW, .gradient = gradient, .plan = nx_plan_alias, .bind = nx_plan_nothing};

nx_tensor *nx_normalize_gradient(nx_graph *g, nx_tensor *x, float strength)
{
    return nx_node_single(g, &op, &strength, sizeof strength, x->shape, x, NULL, NULL, NULL);
}
