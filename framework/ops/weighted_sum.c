/* y = sum w_i s_i; ds_i = w_i dy. */
#include "ops/weighted_sum.h"

#include "graph/plan.h"
#include "ops/scale.h"

enum { ONCE = 8 }; /* scalars of a launch: the kernel's s0 to s7 */
#define TERM(i)                                                                                                        \
    {"s" #i, .t = s[i]}, { "w" #i, .f = w[i] }

static void bind(nx_plan *plan, nx_node *node)
{
    const float *weights = node->attr;
    nx_tensor *y = node->out[0];
    for (int first = 0; first < node->n_in; first += ONCE) {
        nx_tensor *s[ONCE];
        double w[ONCE];
        int n = node->n_in - first < ONCE ? node->n_in - first : ONCE;
        for (int i = 0; i < ONCE; i++) {
            s[i] = node->in[first + (i < n ? i : 0)];
            w[i] = i < n ? (double)weights[first + i] : 0;
        }
        nx_plan_launch(plan, node, "weighted_sum", "weighted_sum", NULL,
                       (nx_range){.dims = 1, .global = {1}, .local = {1}},
                       NX_ARGS(TERM(0), TERM(1), TERM(2), TERM(3), TERM(4), TERM(5), TERM(6), TERM(7), {"n", .i = n},
                               {"add", .i = first > 0}, {"y", .t = y}));
    }
}

static void gradient(nx_graph *g, const nx_node *node, nx_tensor *const *dy, const bool *want, nx_tensor **dx)
{
    const float *weights = node->attr;
    for (int i = 0; i < node->n_in; i++)
        if (want[i]) dx[i] = nx_scale(g, dy[0], weights[i]);
}

static const nx_op op = {.name = "weighted_sum", .gradient = gradient, .bind = bind};

nx_tensor *nx_weighted_sum(nx_graph *g, nx_tensor *const *scalars, const float *weights, int n)
{
    NX_CHECK(n >= 1, "weighted_sum of nothing");
    for (int i = 0; i < n; i++) NX_CHECK(nx_shape_equal(scalars[i]->shape, NX_SCALAR), "weighted_sum: no scalar");
    return nx_node_output(g, nx_node_new(g, &op, weights, (size_t)n * sizeof *weights, n, scalars), NX_SCALAR);
}

nx_tensor *nx_weighted_total(nx_graph *g, nx_tensor *const *scalars, const float *weights, size_t n)
{
    nx_tensor *total = NULL, *in[NX_MAX_INPUTS];
    float weight[NX_MAX_INPUTS];
    for (size_t i = 0; i < n || !total;) {
        int count = 0;
        if (total) in[0] = total, weight[0] = 1, count = 1;
        for (; count < NX_MAX_INPUTS && i < n; count++, i++) in[count] = scalars[i], weight[count] = weights[i];
        total = nx_weighted_sum(g, in, weight, count);
    }
    return total;
}
