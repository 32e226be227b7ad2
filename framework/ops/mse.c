/* mean (x - t)^2 over N elements; dx = 2 (x - t) dy / N, dt = -dx, summed over images where t is shared. */
#include "ops/mse.h"

#include "ops/sum.h"

static bool shared(const nx_node *node) { return node->in[0]->shape.n != node->in[1]->shape.n; }

/* A shared target is read image by image; otherwise everything is one long row. */
static size_t rows_of(const nx_node *node) { return shared(node) ? (size_t)node->in[0]->shape.n : 1; }
static size_t count_of(const nx_node *node) { return nx_shape_count(node->in[0]->shape) / rows_of(node); }

static void plan_mse(nx_plan *plan, nx_node *node)
{
    nx_plan_scratch(plan, node, 0, rows_of(node) * nx_sum_split_of(plan, count_of(node)).segments * sizeof(float));
}

static void bind(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0], *target = node->in[1];
    nx_sum_split split = nx_sum_split_of(plan, count_of(node));
    size_t parts = rows_of(node) * split.segments;
    nx_step *step =
        nx_plan_launch(plan, node, "sum", "sum_squared_differences", NULL, nx_range_groups(plan, parts),
                       NX_ARGS({"x", .t = x}, {"y", .t = target}, {"parts", .t = node->scratch[0]},
                               {"count", .i = count_of(node)}, {"length", .i = split.length},
                               {"segments", .i = split.segments}, {"shared", .i = shared(node)}, {"pairs", .i = 0}));
    step->bytes = (double)(x->bytes + target->bytes);
    nx_sum_parts(plan, node, node->scratch[0], node->out[0], parts, 1, 1.0 / (double)nx_shape_count(x->shape));
}

/* in: x, target, dy */
static void bind_dx(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0], *target = node->in[1];
    nx_step *step = nx_plan_launch(
        plan, node, "mse", "mse_gradient", NULL, nx_range_flat_rows(plan, count_of(node), rows_of(node)),
        NX_ARGS({"x", .t = x}, {"target", .t = target}, {"dy", .t = node->in[2]}, {"dx", .t = node->out[0]},
                {"count", .i = count_of(node)}, {"factor", .f = 2.0 / (double)nx_shape_count(x->shape)}));
    step->bytes = 3.0 * (double)x->bytes;
}

static void bind_dtarget(nx_plan *plan, nx_node *node)
{
    nx_tensor *x = node->in[0], *target = node->in[1];
    nx_step *step =
        nx_plan_launch(plan, node, "mse", "mse_target_gradient", NULL, nx_range_flat(plan, count_of(node)),
                       NX_ARGS({"x", .t = x}, {"target", .t = target}, {"dy", .t = node->in[2]},
                               {"dtarget", .t = node->out[0]}, {"count", .i = count_of(node)},
                               {"rows", .i = rows_of(node)}, {"factor", .f = -2.0 / (double)nx_shape_count(x->shape)}));
    step->bytes = (double)x->bytes + 2.0 * (double)target->bytes;
}

static const nx_op dx_op = {.name = "mse_gradient", .bind = bind_dx};
static const nx_op dtarget_op = {.name = "mse_target_gradient", .bind = bind_dtarget};

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    nx_tensor *x = node->in[0], *target = node->in[1];
    if (want[0]) dx[0] = nx_node_single(g, &dx_op, NULL, 0, x->shape, x, target, dy[0], NULL);
    if (want[1]) dx[1] = nx_node_single(g, &dtarget_op, NULL, 0, target->shape, x, target, dy[0], NULL);
}

static const nx_op op = {.name = "mse", .gradient = gradient, .plan = plan_mse, .bind = bind};

nx_tensor *nx_mse(nx_graph *g, nx_tensor *x, nx_tensor *target)
{
    nx_shape a = x->shape, b = target->shape;
    NX_CHECK(a.h == b.h && a.w == b.w && a.c == b.c && (a.n == b.n || b.n == 1),
             "mse: %d x %d x %d x %d against a target of %d x %d x %d x %d", a.n, a.h, a.w, a.c, b.n, b.h, b.w, b.c);
    return nx_node_single(g, &op, NULL, 0, NX_SCALAR, x, target, NULL, NULL);
}
